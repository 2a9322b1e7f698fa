"""Steps of the script about what follows a sale or stands beside it, and the terminal's own key."""

from dataclasses import replace

from bff.conformance.steps import Code, Do, Ends, Fault, Part, Question, Rule, Step
from bff.conformance.words import Text
from clients.screen import yuan

SALE = "PurchaseAuthorise"
ROTATE = "TerminalRotateKey"
HELD_MINOR, CAPTURED_MINOR = 1_500, 900
SOLD_MINOR, PART_MINOR = 1_000, 300
REST_MINOR = SOLD_MINOR - PART_MINOR
_TOO_MUCH = 100


def sell(id_: str, minor: int, *rules: Rule, answer: str = "00", code: Code = Code.TOKEN) -> Step:
    """A sale."""
    text = Text(f"收款 {yuan(minor)}，扫下面的码", f"Sell {yuan(minor)} with this code")
    return Step(id_, Do.SELL, text, minor, code, answer, rules, Question.SHOWN)


def _follow(
    id_: str, do: Do, minor: int, text: Text, *rules: Rule, of: str, part: Part = Part.REFUNDS
) -> Step:
    return Step(id_, do, text, minor, rules=rules, question=Question.DONE, part=part, of=of)


def _look_up(id_: str, answer: str = "00") -> Step:
    text = Text(
        "查询这是谁，不收款：扫下面的码", "Look up who this is, without a sale: scan this code"
    )
    question, part = Question.BALANCE, Part.LOOKUPS
    return Step(id_, Do.LOOK_UP, text, 0, Code.TOKEN, answer, question=question, part=part)


HOLDS = (
    Step(
        "hold",
        Do.HOLD,
        Text(
            f"预授权 {yuan(HELD_MINOR)}（先冻结，以后请款），扫下面的码",
            f"Hold {yuan(HELD_MINOR)}, to be captured later, with this code",
        ),
        HELD_MINOR,
        Code.TOKEN,
        question=Question.DONE,
        part=Part.CAPTURES,
    ),
    _follow(
        "capture.more",
        Do.CAPTURE,
        HELD_MINOR + _TOO_MUCH,
        Text(
            f"对刚才的预授权请款 {yuan(HELD_MINOR + _TOO_MUCH)}：超过冻结的金额，应当被拒绝",
            f"Capture {yuan(HELD_MINOR + _TOO_MUCH)} of that hold: more than is held, so it should "
            "be refused",
        ),
        of="hold",
        part=Part.CAPTURES,
    ),
    _follow(
        "capture",
        Do.CAPTURE,
        CAPTURED_MINOR,
        Text(
            f"对刚才的预授权请款 {yuan(CAPTURED_MINOR)}，其余释放",
            f"Capture {yuan(CAPTURED_MINOR)} of that hold; the rest is released",
        ),
        Rule(Fault.ANSWER_LOST, "PurchaseCapture"),
        of="hold",
        part=Part.CAPTURES,
    ),
)
REFUNDS = (
    replace(sell("refund.sale", SOLD_MINOR), part=Part.REFUNDS),
    _follow(
        "refund.part",
        Do.REFUND,
        PART_MINOR,
        Text(
            f"对刚才那笔 {yuan(SOLD_MINOR)} 退款 {yuan(PART_MINOR)}",
            f"Refund {yuan(PART_MINOR)} of that sale of {yuan(SOLD_MINOR)}",
        ),
        Rule(Fault.ANSWER_LOST, "PurchaseRefund"),
        of="refund.sale",
    ),
    _follow(
        "refund.more",
        Do.REFUND,
        REST_MINOR + _TOO_MUCH,
        Text(
            f"同一笔再退 {yuan(REST_MINOR + _TOO_MUCH)}：超过剩余的金额，应当被拒绝",
            f"Refund {yuan(REST_MINOR + _TOO_MUCH)} more of it: that is more than is left, so it "
            "should be refused",
        ),
        of="refund.sale",
    ),
    _follow(
        "refund.rest",
        Do.REFUND,
        REST_MINOR,
        Text(f"同一笔退还其余 {yuan(REST_MINOR)}", f"Refund the rest of it, {yuan(REST_MINOR)}"),
        of="refund.sale",
    ),
    replace(
        _follow(
            "refund.other",
            Do.REFUND,
            _TOO_MUCH,
            Text(
                f"按下面的检索参考号退款 {yuan(_TOO_MUCH)}：那是别的商户的交易，应当被拒绝。"
                "终端不能按参考号退款的，也答被拒绝",
                f"Refund {yuan(_TOO_MUCH)} by this reference number: another merchant's sale, so "
                "it should be refused. Say refused, too, if the terminal takes no such number",
            ),
            of="",
        ),
        code=Code.REFERENCE,
    ),
)
LOOK_UPS = (
    _look_up("lookup"),
    replace(
        sell("lookup.sale", 640, code=Code.AGAIN),
        text=Text(f"现在用同一个码收款 {yuan(640)}", f"Now sell {yuan(640)} with the same code"),
        part=Part.LOOKUPS,
    ),
    _look_up("lookup.unknown", "C2"),
)
ROTATION = (
    Step(
        "rotate",
        Do.ROTATE,
        Text("让终端更换自己的密钥", "Let the terminal change its own key"),
        rules=(Rule(Fault.ANSWER_LOST, ROTATE),),
        ends=Ends.ROTATED,
        part=Part.ROTATION,
    ),
)
HALF_ROTATION = (
    Step(
        "rotate.lost",
        Do.ROTATE,
        Text(
            "让终端再换一次密钥；这次得不到应答。终端放弃后，告诉本程序继续",
            "Let it change its key once more; no answer comes. Go on here when it gives up",
        ),
        rules=(Rule(Fault.ANSWER_LOST, ROTATE, times=None),),
        part=Part.ROTATION,
    ),
    Step(
        "rotate.power",
        Do.POWER_CUT,
        Text(
            "拔掉终端电源，再通电启动，然后告诉本程序继续",
            "Pull the terminal's plug, start it again, then go on here",
        ),
        part=Part.ROTATION,
    ),
    Step(
        "rotate.late",
        Do.ROTATE,
        Text(
            "假定已过一天，旧密钥失效。让终端把没有换完的密钥换完",
            "A day later the old key is good no more. Let the terminal finish the change",
        ),
        ends=Ends.ROTATED,
        part=Part.ROTATION,
    ),
)
