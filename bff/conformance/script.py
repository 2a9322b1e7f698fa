"""The script: its steps in their order, and what staff are told to do in each."""

from dataclasses import replace

from bff.conformance.school import CAP_MINOR, PIN, PIN_ABOVE_MINOR, WRONG_PIN
from bff.conformance.script_after import (
    HALF_ROTATION,
    HOLDS,
    LOOK_UPS,
    REFUNDS,
    ROTATION,
    SALE,
    sell,
)
from bff.conformance.steps import Code, Do, Ends, Fault, Part, Question, Rule, Step
from bff.conformance.words import Text
from clients.screen import yuan

_SYNC = "TerminalSyncParameters"
CLOCK_JUMP_SECONDS = 600
LIE_SECONDS = 7_200
_PIN_MINOR = PIN_ABOVE_MINOR + 1_000
_OVER_CAP = CAP_MINOR + 500


def wait(id_: str, ends: Ends, *rules: Rule) -> Step:
    """A step in which the terminal goes on by itself."""
    text = Text(
        "请等待：终端自行发送下一次心跳，并照应答办理",
        "Wait: the terminal sends its next heartbeat by itself, and does what it is told",
    )
    return Step(id_, Do.WAIT, text, rules=rules, ends=ends)


def _forged(fault: Fault, minor: int) -> Step:
    """The true answer is a refusal; the first one that comes is somebody else's approval."""
    return sell(f"forged.{fault.lower()}", minor, Rule(fault, SALE), answer="51")


def _alone(id_: str, minor: int, code: Code, record: str = "ACCEPTED") -> Step:
    step = sell(id_, minor, Rule(Fault.REQUEST_LOST, times=None), code=code)
    text = Text(
        f"网络已断。收款 {yuan(minor)}，扫下面的码",
        f"The network is away. Sell {yuan(minor)} with this code",
    )
    return replace(step, text=text, record=record, part=Part.OFFLINE)


ENROL = Step(
    "enrol",
    Do.ENROL,
    Text("用上面的学校编号和激活码激活终端", "Enrol with the issuer and the code above"),
    question=Question.FINGERPRINT,
)
DOCUMENTS = wait("documents", Ends.REPORTED)
OLD = (
    wait("old", Ends.BEAT, Rule(Fault.OLD_DOCUMENTS, _SYNC, times=None)),
    wait("forged.keys", Ends.BEAT, Rule(Fault.FORGED_KEYS, _SYNC, times=None)),
    wait("newer", Ends.REPORTED),
)
LOCK = wait("lock", Ends.BEAT, Rule(Fault.LOCKED, "TerminalHeartbeat", times=None))
UNLOCK = wait("unlock", Ends.BEAT)
_FIRST = (
    ENROL,
    DOCUMENTS,
    sell("sale", 1_250),
    sell("declined", 500, answer="51"),
    sell("declined.unknown", 510, answer="Z9"),
)
_ROUGH = (
    sell("lost", 600, Rule(Fault.ANSWER_LOST, SALE)),
    sell("busy", 610, Rule(Fault.BUSY, SALE)),
    sell("progress", 620, answer="09"),
    *(
        _forged(fault, 700 + 10 * number)
        for number, fault in enumerate(
            (
                Fault.WRONG_KEY,
                Fault.FLIPPED_BIT,
                Fault.OTHER_TERMINAL,
                Fault.OLD_ANSWER,
                Fault.OTHER_AMOUNT,
                Fault.UNSIGNED,
                Fault.WITHDRAWN_KEY,
            )
        )
    ),
    sell("never", 790, Rule(Fault.REQUEST_LOST, SALE, times=None)),
    sell("silent", 800, Rule(Fault.ANSWER_LOST, times=None)),
    replace(
        wait(
            "silent.over",
            Ends.VOIDED,
            Rule(Fault.ANSWER_LOST, "PurchaseVoid"),
            Rule(Fault.PURCHASE_FOR_VOID, "PurchaseVoid"),
        ),
        of="silent",
        text=Text(
            "网络已恢复。请等待：终端自行了结刚才那笔未知结果的交易",
            "The network is back. Wait: the terminal ends the sale of unknown outcome by itself",
        ),
    ),
    Step(
        "void",
        Do.VOID,
        Text("在终端上撤销第一笔收款 ¥12.50", "Void the first sale, ¥12.50, on the terminal"),
        rules=(Rule(Fault.ANSWER_LOST, "PurchaseVoid"),),
        ends=Ends.VOIDED,
        of="sale",
    ),
)
_PINS = (
    replace(
        sell("pin", _PIN_MINOR, answer="70"),
        text=Text(
            f"收款 {yuan(_PIN_MINOR)}，扫下面的码；终端要密码时，先故意输错：{WRONG_PIN}",
            f"Sell {yuan(_PIN_MINOR)} with this code; when it asks for the PIN, type a wrong one "
            f"first: {WRONG_PIN}",
        ),
        part=Part.PIN,
    ),
    Step(
        "pin.again",
        Do.PIN,
        Text(f"不再扫码，输入正确的密码：{PIN}", f"Do not scan again; type the PIN: {PIN}"),
        _PIN_MINOR,
        question=Question.SHOWN,
        part=Part.PIN,
        of="pin",
    ),
)
_CLOCK = (
    replace(sell("clock", 300), clock_jump_seconds=CLOCK_JUMP_SECONDS),
    wait("clock.lie", Ends.BEAT, Rule(Fault.LIED_TIME, "TerminalHeartbeat")),
    sell("clock.after", 310),
)
_DOCUMENTS = (
    OLD[0],
    replace(
        wait("forged", Ends.BEAT, Rule(Fault.FORGED_DOCUMENTS, _SYNC, times=None)),
        part=Part.OFFLINE,
    ),
    *OLD[1:],
    LOCK,
    replace(
        sell("locked", 400, Rule(Fault.LOCKED, times=None)),
        text=Text(
            "学校已停用本机。试收 ¥4.00，扫下面的码；终端应当不肯收",
            "The school has stopped this terminal. Try to sell ¥4.00 with this code; it should not",
        ),
    ),
    UNLOCK,
)
_RECEIPTS = (
    Step(
        "ask",
        Do.ASK,
        Text(
            "网络已断。让终端出示 ¥4.10 的收款码，用扫码枪把它扫进本程序（CCQ:…）；"
            "请在两分钟内完成后面两步",
            "The network is away. Let the terminal show its own code for ¥4.10, and scan it into "
            "this program (CCQ:…); then do the next two steps within two minutes",
        ),
        410,
        rules=(Rule(Fault.REQUEST_LOST, times=None),),
        question=Question.CHALLENGE,
        part=Part.RECEIPT,
    ),
    Step(
        "receipt.forged",
        Do.SCAN,
        Text("网络仍断。用终端扫下面的回执", "Still away. Scan this receipt with the terminal"),
        410,
        rules=(Rule(Fault.REQUEST_LOST, times=None),),
        question=Question.SHOWN,
        part=Part.RECEIPT,
        of="ask",
    ),
    Step(
        "receipt",
        Do.SCAN,
        Text("网络仍断。再扫下面的回执", "Still away. Scan this receipt now"),
        410,
        rules=(Rule(Fault.REQUEST_LOST, times=None),),
        question=Question.SHOWN,
        part=Part.RECEIPT,
        of="ask",
    ),
)
_ALONE = (
    _alone("alone.denied", 520, Code.DENIED),
    _alone("alone.forged", 530, Code.FORGED),
    _alone("alone.cap", _OVER_CAP, Code.PASS),
    _alone("alone", 700, Code.PASS),
    replace(
        _alone("alone.power", 0, Code.NONE),
        do=Do.POWER_CUT,
        question=Question.NONE,
        text=Text(
            "显示成功后立即拔掉终端电源，再通电启动，然后告诉本程序继续",
            "Pull the terminal's plug as soon as it shows success, start it again, then go on here",
        ),
    ),
    _alone("alone.second", 800, Code.PASS, "REJECTED"),
    _alone("alone.again", 800, Code.AGAIN),
    _alone("alone.third", 900, Code.PASS, "SUSPECT"),
    Step(
        "upload",
        Do.UPLOAD,
        Text(
            "网络已恢复。让终端上传脱机交易",
            "The network is back. Let the terminal upload what it took alone",
        ),
        rules=(
            Rule(Fault.ANSWER_LOST, "OfflineBatchUpload"),
            Rule(Fault.HALF_JUDGED, "OfflineBatchUpload"),
        ),
        ends=Ends.UPLOADED,
        part=Part.OFFLINE,
    ),
    _alone("alone.late", 650, Code.PASS),
)
_LAST = (
    Step(
        "close",
        Do.CLOSE,
        Text("网络已恢复。在终端上结算当前批次", "The network is back. Close the batch"),
        rules=(Rule(Fault.FORGOTTEN_RECORD, "BatchClose"),),
        ends=Ends.CLOSED,
    ),
    sell("next", 100),
)
SCRIPT = (
    *_FIRST, *_ROUGH, *_PINS, *HOLDS, *REFUNDS, *LOOK_UPS, *_CLOCK, *_DOCUMENTS, *_RECEIPTS,
    *_ALONE, *ROTATION, *_LAST, *HALF_ROTATION,
)  # fmt: skip
