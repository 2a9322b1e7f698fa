"""A record that was taken offline, as it is uploaded."""

from base64 import b64encode

from clients.endpoint import Json
from terminals.offline import ClockState, Item, RecordKind


def item_input(item: Item) -> Json:
    """A record as it is uploaded; it says what it follows, so no other need be there."""
    record = item.record
    return {
        "seqNo": record.key.seq_no,
        "kind": RecordKind(record.kind).name,
        "createdAt": record.created_at,
        "minorAmount": str(record.minor_amount),
        "parametersVersion": record.parameters_version,
        "denyVersion": record.deny_version,
        "clockState": ClockState(record.clock_state).name,
        "presented": record.presented,
        "challenge": record.challenge or None,
        "afterTimeout": item.after_timeout,
        "previousHash": None if item.previous is None else b64encode(item.previous).decode(),
        "signature": b64encode(item.signature).decode(),
    }
