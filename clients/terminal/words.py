"""What the cashier reads, in Chinese or English."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from clients.screen import yuan
from clients.terminal.batches import Judged
from clients.terminal.gate import Passed
from clients.terminal.journal import Entry, Operation
from clients.terminal.receipt import Receipt
from terminals.ccr import NO_REFERENCE, Outcome
from terminals.parameters import Parameters
from terminals.response import find_response, response_to

_UNKNOWN = {
    "zh": "结果未知,撤销已排队,网络恢复后自动完成。请勿交付商品",
    "en": "Outcome unknown; its void is queued and completes by itself. Do not hand over the goods",
}
_QUEUED = {
    "zh": "尚无应答,已排队,网络恢复后自动完成",
    "en": "No answer yet; queued, and completes by itself",
}
_UNPAID = {"zh": "未收到应答,已撤销,未扣款", "en": "No answer came: voided, nothing was paid"}
_OFFLINE = {
    "zh": "脱机交易成功,已记录,网络恢复后上传",
    "en": "Accepted offline and recorded; uploaded when the network is back",
}
_VOIDED = {"zh": "已撤销", "en": "Voided"}
_UNDONE_ALONE = {
    "zh": "已脱机撤销,已记录,网络恢复后上传",
    "en": "Voided offline and recorded; uploaded when the network is back",
}
_PASS = {"zh": "请通行", "en": "Please pass"}
_PASS_ALONE = {"zh": "请通行 (脱机,已记录)", "en": "Please pass (offline, recorded)"}
_SHUT = {"zh": "未收到应答,未开门", "en": "No answer came: the door stayed closed"}
_CLASSES = {
    "STUDENT": "学生 student",
    "STAFF": "教职工 staff",
    "TEMPORARY": "临时人员 temporary",
    "OTHER": "其他 other",
}


_PURCHASES = (Operation.AUTHORISE, Operation.CHALLENGE, Operation.METER_START)


def tell(receipt: Receipt, language: str, held: Parameters | None = None) -> str:
    """One line about what came of a request; `held` has the texts of codes that are newer."""
    if receipt.entry.operation is Operation.ENTRY:
        return _tell_door(receipt, language)
    head = f"{receipt.entry.key.text()}  {yuan(receipt.entry.minor_amount)}  "
    is_purchase = receipt.entry.operation in _PURCHASES
    if receipt.is_offline:
        return head + (_OFFLINE if is_purchase else _UNDONE_ALONE)[language]
    if receipt.answer is None or receipt.response is None:
        text = (_UNKNOWN if is_purchase else _QUEUED)[language]
        return head + " ".join(
            filter(None, (text, receipt.shown.get("text"), _why(receipt, language)))
        )
    if receipt.outcome is Outcome.VOIDED:
        text = (_UNPAID if is_purchase else _VOIDED)[language]
        return head + " ".join(filter(None, (text, _why(receipt, language))))
    code, tries = receipt.answer.response_code, receipt.shown.get("triesLeft")
    said = response_line(code, language, held, "?" if tries is None else tries)
    return head + "  ".join(filter(None, (said, *_details(receipt))))


def response_line(
    code: str, language: str, held: Parameters | None, tries: int | str | None = None
) -> str:
    """A response code and its text: ours, or for a code that we do not know the parameters'."""
    known = find_response(code)
    newer = held.text_of(code) if held is not None and known.code != code else None
    shown = newer or known
    text = shown.zh if language == "zh" else shown.en
    return f"{code}  {text.replace('{tries}', str(tries))}"


def screen_lines(held: Parameters, terminal_no: int, now: int, language: str) -> list[str]:
    """What a till shows while nobody stands there: its line, the meal of this hour, its buttons."""
    is_zh = language == "zh"
    local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(held.zone))
    second = local.hour * 3_600 + local.minute * 60 + local.second
    lines = []
    if held.display is not None:
        lines.append(held.display.idle_zh if is_zh else held.display.idle_en)
    lines += [
        meal.name_zh if is_zh else meal.name_en
        for meal in held.meal_periods
        if meal.starts_at <= second < meal.ends_at
    ]
    merchant = held.merchant_of(terminal_no)
    return lines + [
        f"{price.code}  {price.name_zh if is_zh else price.name_en}  {yuan(price.amount_minor)}"
        for price in (merchant.prices if merchant is not None else ())
    ]


def _why(receipt: Receipt, language: str) -> str:
    """Why it could not be taken without the server, if it was tried."""
    if receipt.refusal is None:
        return ""
    told = response_to(receipt.refusal)
    return f"{told.code}  {told.zh if language == 'zh' else told.en}"


def _tell_door(receipt: Receipt, language: str) -> str:
    head = f"{receipt.entry.key.text()}  "
    if receipt.is_offline:
        return head + _PASS_ALONE[language]
    if receipt.answer is None or receipt.response is None:
        return head + " ".join(filter(None, (_SHUT[language], receipt.shown.get("text"))))
    text = receipt.response.zh if language == "zh" else receipt.response.en
    if receipt.is_approved:
        text = _PASS[language]
    return head + "  ".join(filter(None, (receipt.answer.response_code, text, *_details(receipt))))


def tell_verdict(judged: Judged) -> str:
    """One line about what became of an offline sale."""
    head = f"{judged.key.text()}  {yuan(judged.minor_amount)}  {judged.verdict}"
    return "  ".join([head, *filter(None, [judged.reason]), *judged.flags])


def tell_passed(passed: Passed) -> str:
    """One line about what became of a passage that was told later."""
    return "  ".join(
        filter(None, (passed.key.text(), passed.verdict, passed.reason, *passed.flags))
    )


def list_line(entry: Entry) -> str:
    """One line of the journal."""
    outcome = entry.outcome.name if entry.outcome else "OPEN"
    original = f" -> {entry.original.text()}" if entry.original else ""
    return f"{entry.key.text()}  {entry.operation}{original}  {yuan(entry.minor_amount)}  {outcome}"


def _details(receipt: Receipt) -> list[str]:
    assert receipt.answer is not None
    holder = receipt.shown.get("holder") or {}
    balance = receipt.shown.get("balance")
    reference = receipt.answer.retrieval_reference
    return [
        holder.get("maskedName") or holder.get("name") or "",
        holder.get("number") or "",
        _CLASSES.get(holder.get("holderClass") or "", ""),
        f"余额 balance {yuan(balance['minorAmount'])}" if balance else "",
        f"RRN {reference}" if reference != NO_REFERENCE else "",
    ]
