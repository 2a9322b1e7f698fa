"""The script of a gate: what its staff do, and what goes wrong meanwhile."""

from dataclasses import replace

from bff.conformance.school import DOOR_NO
from bff.conformance.script import CLOCK_JUMP_SECONDS, DOCUMENTS, ENROL, LOCK, OLD, UNLOCK, wait
from bff.conformance.script_after import HALF_ROTATION, ROTATION
from bff.conformance.steps import Code, Do, Ends, Fault, Part, Question, Rule, Step
from bff.conformance.words import Text

ENTRY = "EntryAuthorise"
EVENTS = "EntryEventsUpload"


def _pass(id_: str, *rules: Rule, answer: str = "00") -> Step:
    text = Text(f"在 {DOOR_NO} 号门进入，扫下面的码", f"Come in at door {DOOR_NO} with this code")
    return Step(id_, Do.PASS, text, 0, Code.TOKEN, answer, rules, Question.DOOR)


def _alone(id_: str, code: Code) -> Step:
    text = Text(
        f"网络已断。在 {DOOR_NO} 号门进入，扫下面的码",
        f"The network is away. Come in at door {DOOR_NO} with this code",
    )
    step = _pass(id_, Rule(Fault.REQUEST_LOST, times=None))
    return replace(step, text=text, code=code, part=Part.OFFLINE)


_ALONE = (
    _alone("gate.alone.denied", Code.DENIED),
    _alone("gate.alone.forged", Code.FORGED),
    _alone("gate.alone", Code.PASS),
    Step(
        "gate.alone.power",
        Do.POWER_CUT,
        Text(
            "门开后立即拔掉终端电源，再通电启动，然后告诉本程序继续",
            "Pull the terminal's plug as soon as the door opens, start it again, then go on here",
        ),
        rules=(Rule(Fault.REQUEST_LOST, times=None),),
        part=Part.OFFLINE,
    ),
    _alone("gate.alone.second", Code.PASS),
    _alone("gate.alone.again", Code.AGAIN),
    _alone("gate.alone.third", Code.PASS),
    Step(
        "gate.upload",
        Do.UPLOAD,
        Text(
            "网络已恢复。让终端上报断网时的通行",
            "The network is back. Let the terminal tell of the passages without it",
        ),
        rules=(Rule(Fault.ANSWER_LOST, EVENTS), Rule(Fault.HALF_JUDGED, EVENTS)),
        ends=Ends.TOLD,
        part=Part.OFFLINE,
    ),
)
GATE_SCRIPT = (
    ENROL,
    DOCUMENTS,
    _pass("gate.pass"),
    _pass("gate.denied", answer="E0"),
    _pass("gate.lost", Rule(Fault.ANSWER_LOST, ENTRY)),
    _pass("gate.wrong_key", Rule(Fault.WRONG_KEY, ENTRY), answer="E0"),
    _pass("gate.old_answer", Rule(Fault.OLD_ANSWER, ENTRY), answer="E0"),
    _pass("gate.purchase", Rule(Fault.OTHER_AMOUNT, ENTRY), answer="E0"),
    _pass("gate.unsigned", Rule(Fault.UNSIGNED, ENTRY), answer="E0"),
    _pass("gate.silent", Rule(Fault.ANSWER_LOST, times=None)),
    replace(_pass("gate.clock"), clock_jump_seconds=CLOCK_JUMP_SECONDS),
    wait("clock.lie", Ends.BEAT, Rule(Fault.LIED_TIME, "TerminalHeartbeat")),
    _pass("gate.after"),
    *_ALONE,
    *ROTATION,
    *OLD,
    LOCK,
    replace(
        _pass("gate.locked", Rule(Fault.LOCKED, times=None)),
        text=Text(
            "学校已停用本机。试扫下面的码；门应当保持关闭",
            "The school has stopped this terminal. Try this code; the door should stay shut",
        ),
    ),
    UNLOCK,
    *HALF_ROTATION,
)
