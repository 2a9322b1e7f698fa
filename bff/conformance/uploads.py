"""Records of an upload as the contract has them, and the verdicts on them."""

import re

from bff.conformance.contract import Json
from bff.conformance.school import ISSUER, TERMINAL_NO
from core.authorisation.offline import Judgement
from terminals.codes import strip
from terminals.message import RequestKey
from terminals.offline import ClockState, Item, Record, RecordKind

_AMOUNT = re.compile(r"[0-9]{1,10}", re.ASCII)


def judgement_json(judgement: Judgement) -> Json:
    """A judgement as `offlineBatchUpload` answers it."""
    return {
        "verdict": judgement.verdict.value,
        "reason": judgement.reason,
        "flags": sorted(flag.value for flag in judgement.flags),
    }


def item_of(batch_no: int, given: Json) -> Item:
    """A record as the upload has it; one without a readable amount proves nothing."""
    digits = given["minorAmount"]
    record = Record(
        issuer=ISSUER,
        key=RequestKey(TERMINAL_NO, batch_no, given["seqNo"]),
        kind=RecordKind[given["kind"]],
        created_at=given["createdAt"],
        minor_amount=int(digits) if _AMOUNT.fullmatch(digits) else 0,
        parameters_version=given["parametersVersion"],
        deny_version=given["denyVersion"],
        clock_state=ClockState[given["clockState"]],
        presented=strip(given["presented"]),
        challenge=strip(given["challenge"] or ""),
    )
    return Item(record, given["signature"], given["afterTimeout"], given["previousHash"])
