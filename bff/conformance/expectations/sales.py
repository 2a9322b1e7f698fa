"""A sale that goes well, one that is refused, and answers that come late or not at all."""

from bff.conformance.evidence import Evidence
from bff.conformance.expectations.row import (
    Check,
    Finding,
    agrees,
    found,
    right,
    screen,
    unseen,
    wrong,
)
from bff.conformance.school import PIN, WRONG_PIN
from bff.conformance.script import SCRIPT
from bff.conformance.server import RETRY_AFTER_SECONDS
from bff.conformance.steps import Code, Do, Fault, Shown

_ONE_KEY = tuple(
    step.id
    for step in SCRIPT
    if step.do is Do.SELL and step.code is Code.TOKEN and step.part is None
)
_EARLY_SECONDS = 0.1
"""How much of the time to wait is forgiven."""


def _request(evidence: Evidence) -> Finding:
    asked = evidence.of("sale", "PurchaseAuthorise")
    read = [event for event in asked if event.given]
    if not read:
        return unseen("没有收到可读的收款请求", "No sale that can be read came")
    if not evidence.sales("sale"):
        text = str(read[0].given.get("presented"))
        return wrong(f"presented 是 {text!r}", f"presented was {text!r}")
    given = evidence.sales("sale")[0].given
    if given["presented"] != evidence.codes["sale"]:
        return wrong("末尾的回车换行没有去掉", "The line end was still on it")
    minor = given["minorAmount"]
    return found(minor == 1_250, f"金额 {minor} 分", f"{minor} fen of the code that was shown")


def _approved(evidence: Evidence) -> Finding:
    return agrees(evidence, "sale") if "void" not in evidence.over else _was_paid(evidence)


def _was_paid(evidence: Evidence) -> Finding:
    if not evidence.sales("sale"):
        return unseen()
    seen = screen(evidence, "sale")
    return found(evidence.words.get("sale") == Shown.PAID, seen.zh, f"It {seen.en}")


def _declined(evidence: Evidence, step: str) -> Finding:
    if step not in evidence.over or not evidence.sales(step):
        return unseen()
    seen = screen(evidence, step)
    after = [*evidence.statuses(step), *evidence.voids(step)]
    if after:
        names = ", ".join(sorted({event.operation for event in after}))
        return wrong(f"{seen.zh}，又发了 {names}", f"It {seen.en}, and sent {names}")
    return found(evidence.words.get(step) == Shown.NOT_PAID, seen.zh, f"It {seen.en}")


def _one_key(evidence: Evidence) -> Finding:
    several = {
        step: keys
        for step in _ONE_KEY
        if step in evidence.over and len(keys := evidence.keys(step)) > 1
    }
    if several:
        said = "; ".join(
            f"{step}: {', '.join(k.text() for k in several[step])}" for step in several
        )
        return wrong(f"同一笔用了几个编号：{said}", f"Several keys for one sale: {said}")
    if "lost" not in evidence.over or not evidence.sales("lost"):
        return unseen()
    return right("每笔一个编号", "One key for each sale")


def _lost(evidence: Evidence) -> Finding:
    return agrees(evidence, "lost")


def _busy(evidence: Evidence) -> Finding:
    sent = [*evidence.sales("busy"), *evidence.statuses("busy"), *evidence.voids("busy")]
    busy = next((event for event in sent if event.fault is Fault.BUSY), None)
    if busy is None or "busy" not in evidence.over:
        return unseen()
    after = sorted(event.at - busy.at for event in sent if event.number > busy.number)
    again = [event for event in evidence.sales("busy") if event.number > busy.number]
    if not again:
        return wrong("没有再发", "It was not sent again")
    waited = f"{after[0]:.1f} s"
    return found(
        after[0] >= RETRY_AFTER_SECONDS - _EARLY_SECONDS,
        f"等了 {waited}",
        f"It waited {waited} of {RETRY_AFTER_SECONDS} s",
    )


def _progress(evidence: Evidence) -> Finding:
    if "progress" not in evidence.over or not evidence.sales("progress"):
        return unseen()
    polls = len(evidence.statuses("progress"))
    if evidence.voids("progress"):
        return wrong(f"查询 {polls} 次后撤销", f"It voided after {polls} questions")
    seen = screen(evidence, "progress")
    is_met = polls >= 1 and evidence.words.get("progress") == Shown.PAID
    return found(is_met, f"查询 {polls} 次，{seen.zh}", f"It asked {polls} times and {seen.en}")


def _pin_continued(evidence: Evidence) -> Finding:
    asked = evidence.sales("pin")
    typed = [
        event
        for step in ("pin", "pin.again")
        for event in evidence.of(step, "PurchaseAuthorise")
        if event.given and event.key not in evidence.keys("pin")[:1]
    ]
    if not asked or not typed:
        return unseen("没有在要密码后再发", "Nothing came after the PIN was asked for")
    for event in typed:
        if event.given["continuation"] is None or event.given["presented"] is not None:
            return wrong("再发时又带了 presented", "It presented the code again")
    return right("带 continuation，没有再扫", "With the continuation, without a second scan")


def _pin_keys(evidence: Evidence) -> Finding:
    blocks = [event for event in evidence.all("PurchaseAuthorise") if event.given.get("pinBlock")]
    if not blocks:
        return unseen()
    first = set(evidence.keys("pin")[:1])
    tries = {(event.key, event.given["pinBlock"]) for event in blocks if event.key in first}
    keys = {event.key for event in blocks} - first
    words = [evidence.words.get(step) for step in ("pin", "pin.again")]
    expected = sum(word is not None for word in words)
    return found(
        not tries and len(keys) >= expected,
        f"{expected} 次输入，{len(keys)} 个新编号",
        f"{len(keys)} new keys for {expected} tries",
    )


def _pin_block(evidence: Evidence) -> Finding:
    blocks = [event for event in evidence.all("PurchaseAuthorise") if event.given.get("pinBlock")]
    if not blocks:
        return unseen("没有收到 pinBlock", "No pinBlock came")
    bad = [event for event in blocks if event.response == "63"]
    clear = [
        event
        for event in evidence.events
        if any(f'"{pin}"'.encode() in event.body for pin in (PIN, WRONG_PIN))
    ]
    if clear:
        return wrong("密码明文出现在请求里", "The PIN stood in a request in clear")
    if bad:
        return wrong("pinBlock 打不开，或不是本编号的", "A pinBlock did not open for its own key")
    return right(f"{len(blocks)} 个都打得开", f"All {len(blocks)} opened")


def _pin_paid(evidence: Evidence) -> Finding:
    if "pin.again" not in evidence.over or not evidence.sales("pin"):
        return unseen()
    code = evidence.codes["pin"]
    paid = any(p.is_paid and p.presented == code for p in evidence.books.purchases.values())
    first, then = screen(evidence, "pin"), screen(evidence, "pin.again")
    words = evidence.words.get("pin"), evidence.words.get("pin.again")
    is_met = words[0] == Shown.NOT_PAID and (words[1] == Shown.PAID) == paid
    return found(
        is_met,
        f"密码错时{first.zh}，密码对时{then.zh}",
        f"After the wrong PIN it {first.en}, after the right one it {then.en}",
    )


CHECKS: dict[str, Check] = {
    "sale.request": _request,
    "sale.approved": _approved,
    "declined": lambda evidence: _declined(evidence, "declined"),
    "declined.unknown": lambda evidence: _declined(evidence, "declined.unknown"),
    "keys.one": _one_key,
    "lost.outcome": _lost,
    "busy.waits": _busy,
    "progress.polls": _progress,
    "pin.continuation": _pin_continued,
    "pin.key": _pin_keys,
    "pin.block": _pin_block,
    "pin.outcome": _pin_paid,
}
