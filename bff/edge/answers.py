"""What an edge answers, in the shape of the server's answers to the same documents."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from core.kit.clock import from_unix
from core.ports.journal import EdgeAnswer
from core.school.records import SignedDocument
from terminals.ccr import NO_REFERENCE
from terminals.response import find_response

Json = dict[str, Any]

_NOTHING_SEEN = ("holder", "balance", "balanceAsOf", "expiresAt", "continuation",
                 "continuationExpiresAt", "triesLeft", "hasPhoto")  # fmt: skip
"""What only the server knows."""


def authorisation(kept: EdgeAnswer, language: str, *, replayed: bool) -> Json:
    """A decision about money."""
    return _answer(kept, language, kept.outcome, replayed=replayed)


def entry(kept: EdgeAnswer, language: str, *, replayed: bool) -> Json:
    """A decision about a door."""
    outcome = "GRANTED" if kept.outcome == "APPROVED" else "DENIED"
    return _answer(kept, language, outcome, replayed=replayed)


def status(kept: EdgeAnswer | None, state: str | None, language: str) -> Json:
    """What is known here of a key."""
    answer = None if kept is None else authorisation(kept, language, replayed=False)
    told = {"known": kept is not None, "state": state, "authorisation": answer}
    return {"data": {"terminal": {"purchaseStatus": told}}}


def payload(field: str, answered: str, value: object) -> Json:
    """The answer to a mutation."""
    return {"data": {field: {answered: value, "userErrors": []}}}


def conflict(field: str, answered: str, language: str) -> Json:
    """The answer to a key that was used for something else; nothing has changed."""
    zh, en = "同一编号已用于其他请求", "This key was used for another request"
    error = {
        "code": "IDEMPOTENCY_CONFLICT",
        "message": en if language == "en" else zh,
        "path": ["input", "key"],
    }
    return {"data": {field: {answered: None, "userErrors": [error]}}}


def refused(code: str, reason: str) -> Json:
    """A request whose signature is refused."""
    facts = {"code": code, "reason": reason}
    return {"data": None, "errors": [{"message": reason, "extensions": facts}]}


def documents(found: Sequence[SignedDocument]) -> Json:
    """Signed documents to relay."""
    shown = [
        {
            "kind": each.kind.name,
            "issuer": each.issuer,
            "version": each.version,
            "kid": each.kid,
            "content": b64encode(each.content).decode(),
            "signature": b64encode(each.signature).decode(),
        }
        for each in found
    ]
    return payload("terminalSyncParameters", "documents", shown)


def _answer(kept: EdgeAnswer, language: str, outcome: str, *, replayed: bool) -> Json:
    told = find_response(kept.response_code)
    return {
        "outcome": outcome,
        "responseCode": told.code,
        "text": told.en if language == "en" else told.zh,
        "reason": kept.reason,
        "retrievalReference": NO_REFERENCE,
        "replayed": replayed,
        "signedAnswer": kept.signed_answer,
        "answeredAt": from_unix(kept.answered_at).isoformat(),
        **dict.fromkeys(_NOTHING_SEEN),
    }
