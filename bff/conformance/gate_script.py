"""The script of a gate: what its staff do, and what goes wrong meanwhile."""

from dataclasses import replace

from bff.conformance.script import CLOCK_JUMP_SECONDS, DOCUMENTS, ENROL, LOCK, OLD, UNLOCK, wait
from bff.conformance.steps import Code, Do, Ends, Fault, Question, Rule, Step
from bff.conformance.words import Text

DOOR_NO = 1
ENTRY = "EntryAuthorise"


def _pass(id_: str, *rules: Rule, answer: str = "00") -> Step:
    text = Text(f"在 {DOOR_NO} 号门进入，扫下面的码", f"Come in at door {DOOR_NO} with this code")
    return Step(id_, Do.PASS, text, 0, Code.TOKEN, answer, rules, Question.DOOR)


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
)
