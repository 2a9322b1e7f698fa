"""The MAC of an audit row, and which particulars a row may hold."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC

from core.audit.records import AuditEvent, FactNotAllowed, Facts, SealedEvent

ALLOWED_FACTS = frozenset({
    "act", "amount_minor", "arrears_minor", "binding_id", "card_id", "channel", "columns",
    "content_hash", "device_class", "document_kid", "document_version", "door_no", "entry_mask",
    "entry_profile", "fingerprint", "four_eyes_id", "grant_id", "group_no", "issuer", "key_no",
    "load_id", "login", "merchant_number", "meter_no", "method", "passback", "policy_digest",
    "policy_version", "rights", "role", "roles", "scene", "site_number", "state_after",
    "state_before", "ticket", "top_up_id", "transfer_id", "zone",
})  # fmt: skip
"""An allow-list, so that no class A value (ID, phone, e-mail, bank card) is kept by mistake."""


def check_facts(facts: Facts) -> None:
    """Refuses particulars that are not on the list.

    Raises: FactNotAllowed.
    """
    strange = facts.keys() - ALLOWED_FACTS
    if strange:
        raise FactNotAllowed(", ".join(sorted(strange)))


def seal(school_id: int, event: AuditEvent, key_id: int, key: bytes) -> SealedEvent:
    """The event under the MAC of one key."""
    return SealedEvent(event, key_id, _mac(school_id, event, key_id, key))


def is_sound(school_id: int, sealed: SealedEvent, keys: Mapping[int, bytes]) -> bool:
    """Whether the row is as it was written; a row under a key we do not hold is not."""
    key = keys.get(sealed.key_id)
    return key is not None and hmac.compare_digest(
        sealed.mac, _mac(school_id, sealed.event, sealed.key_id, key)
    )


def _mac(school_id: int, event: AuditEvent, key_id: int, key: bytes) -> bytes:
    """HMAC-SHA-256 over every column, as compact JSON with sorted facts."""
    columns = [
        "cca1", school_id, str(event.id), event.occurred_at.astimezone(UTC).isoformat(),
        event.actor.kind, event.actor.id, event.act, event.subject, event.reason,
        sorted(event.facts.items()), key_id,
    ]  # fmt: skip
    text = json.dumps(columns, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
