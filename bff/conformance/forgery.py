"""What somebody on the terminal's network would answer in the server's place."""

from bff.conformance.school import FIRST_ANSWER, ISSUER, TERMINAL_NO, School
from bff.conformance.steps import Fault
from terminals import base45, ccr
from terminals.ccr import Answer, Outcome
from terminals.message import NUMBER_MAXIMUM, RequestKey

EARLIER = RequestKey(TERMINAL_NO, 1, NUMBER_MAXIMUM)
"""An older request's key, where none was answered."""
_OTHER_TERMINAL = 43


def forged_answer(
    fault: Fault, school: School, key: RequestKey, minor_amount: int, earlier: RequestKey, at: int
) -> str:
    """An approval that is not the answer to the request of `key`; `earlier` is an older sale's.

    Each differs from a true one in a single respect, so only the check of that respect refuses it.
    """
    true = Answer(Outcome.APPROVED, ISSUER, 0, key, minor_amount, at, "00")
    match fault:
        case Fault.WRONG_KEY:
            return school.forged_answer(true)
        case Fault.WITHDRAWN_KEY:
            return school.forged_answer(true, kid=FIRST_ANSWER)
        case Fault.FLIPPED_BIT:
            return _flipped(school.other_answer(true._replace(outcome=Outcome.IN_PROGRESS)))
        case Fault.OTHER_TERMINAL:
            return school.other_answer(true._replace(key=key._replace(terminal_no=_OTHER_TERMINAL)))
        case Fault.OLD_ANSWER:
            return school.other_answer(true._replace(key=earlier))
        case Fault.OTHER_AMOUNT:
            return school.other_answer(true._replace(minor_amount=1))
        case Fault.PURCHASE_FOR_VOID:
            return school.other_answer(true)
        case _:
            return ""


def _flipped(text: str) -> str:
    """IN_PROGRESS is 5 and APPROVED is 1: one bit of the first byte."""
    raw = bytearray(base45.decode(text.removeprefix(ccr.PREFIX)))
    raw[0] ^= Outcome.IN_PROGRESS ^ Outcome.APPROVED
    return ccr.PREFIX + base45.encode(bytes(raw))
