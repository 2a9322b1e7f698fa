"""What staff read while it runs: the questions of the steps, and the requests as they come."""

from bff.conformance.evidence import Event
from bff.conformance.steps import Done, Door, Fault, Question, Shown, Water
from bff.conformance.words import Text

QUESTIONS = {
    Question.SHOWN: Text("终端屏幕显示了什么？", "What does the terminal show?"),
    Question.DOOR: Text("门开了吗？", "Did the door open?"),
    Question.WATER: Text("出水了吗？", "Did water run?"),
    Question.DONE: Text("终端说办成了吗？", "Does the terminal say that it is done?"),
    Question.BALANCE: Text(
        "终端显示的余额是多少？没有显示就输入 -", "Which balance does it show? Type - for none"
    ),
    Question.FINGERPRINT: Text("终端显示的指纹是什么？", "Which fingerprint does it show?"),
    Question.CHALLENGE: Text(
        "收款码的文字是什么？没有出示就输入 -", "What is the text of its code? Type - for none"
    ),
    Question.NONE: Text(
        "完成后会自行继续；终端没有反应时点继续",
        "Goes on by itself when it is done; go on here if the terminal does nothing",
    ),
}
GO_ON = Text("继续", "Go on")
_SCREENS = {
    Shown.PAID: Text("已付", "paid"),
    Shown.NOT_PAID: Text("未付（拒绝或已撤销）", "not paid (refused or undone)"),
    Shown.UNKNOWN: Text("结果未知", "outcome unknown"),
}
_DONE = {
    Done.DONE: Text("已办成", "done"),
    Done.REFUSED: Text("被拒绝", "refused"),
    Done.UNKNOWN: Text("结果未知", "outcome unknown"),
}
_WATER = {Water.RAN: Text("出水了", "it ran"), Water.STOOD: Text("没有出水", "it did not")}
_DOORS = {Door.OPENED: Text("开了", "it opened"), Door.SHUT: Text("没有开", "it stayed shut")}


def choices(question: Question) -> list[tuple[str, Text]]:
    """The answers to a question, each a word and its label; none where a text is asked for."""
    if question is Question.SHOWN:
        return [(word.value, label) for word, label in _SCREENS.items()]
    if question is Question.DOOR:
        return [(word.value, label) for word, label in _DOORS.items()]
    if question is Question.WATER:
        return [(word.value, label) for word, label in _WATER.items()]
    if question is Question.DONE:
        return [(word.value, label) for word, label in _DONE.items()]
    return [("GO_ON", GO_ON)] if question is Question.NONE else []


_FAULTS = {
    Fault.REQUEST_LOST: Text("请求丢失", "the request was lost"),
    Fault.ANSWER_LOST: Text("应答丢失", "its answer was lost"),
    Fault.BUSY: Text("服务器繁忙", "answered: busy"),
    Fault.LIED_TIME: Text("谎报时间", "answered with a lie about the time"),
    Fault.OLD_DOCUMENTS: Text("给了旧文档", "answered with old documents"),
    Fault.FORGED_DOCUMENTS: Text("给了伪造的文档", "answered with a forged document"),
    Fault.FORGED_KEYS: Text("给了伪造的密钥文档", "answered with forged keys"),
    Fault.LOCKED: Text("告知停用", "told that it is locked"),
    Fault.KEY_OVER: Text("密钥已失效", "its key is over"),
    Fault.HALF_JUDGED: Text("只给了一半结论", "judged only half of it"),
}
_FORGED = Text("给了伪造的应答", "answered with a forgery")


def line_of(event: Event) -> Text:
    """One line about a request."""
    head = " ".join(filter(None, (event.operation or event.named or "?", _key(event))))
    if event.refusal is not None:
        return Text(f"{head}: 拒绝 {event.refusal}", f"{head}: refused {event.refusal}")
    if event.fault is not None:
        told = _FAULTS.get(event.fault, _FORGED)
        return Text(f"{head}: {told.zh}", f"{head}: {told.en}")
    said = event.response or " ".join(event.told.get("directives", [])) or "OK"
    return Text(f"{head}: {said}", f"{head}: {said}")


def _key(event: Event) -> str:
    key = event.key.text() if event.key else ""
    return f"{key} → {event.original.text()}" if event.original else key
