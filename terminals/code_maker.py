"""The code formats with a school's signing keys behind them, as the core asks for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from core.kit.ids import Ids
from core.ports.codes import PassFacts, PassKind
from terminals import cc1, message, token, totp
from terminals.keys import Sign

_TTL_SECONDS = 900
_TTL_SECONDS_ENTRY = 3600


class NoPassKey(Exception):
    """A fault of operation: terminals would refuse whatever was signed now."""


@dataclass(frozen=True, slots=True)
class PassKey:
    """A school's PASS key; `sign_from` and `sign_until` are in Unix seconds."""

    kid: int
    sign_from: int
    sign_until: int
    sign: Sign = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """What a school issues codes with: its PASS keys, and the T1 key of each version."""

    passes: Sequence[PassKey]
    totp: Mapping[int, bytes] = field(repr=False)

    def pass_key(self, not_before: int) -> PassKey:
        """The newest key that signs at an instant.

        Raises: NoPassKey, once the last one has run out.
        """
        usable = [key for key in self.passes if key.sign_from <= not_before <= key.sign_until]
        if not usable:
            raise NoPassKey(f"no PASS key signs at {not_before}; run bff keys next")
        return max(usable, key=lambda key: (key.sign_from, key.kid))


class CodeMaker:
    """Implements `core.ports.codes.CodeMaker`.

    `keys_of(school_id)` gives the keys of a school as they are now.
    """

    def __init__(self, keys_of: Callable[[int], IssuerKeys], ids: Ids) -> None:
        self._keys_of = keys_of
        self._ids = ids

    def proves_device(self, public_key: bytes, created_at: int, proof: bytes, now: int) -> bool:
        """Whether a phone's key may be registered and its fresh proof is good."""
        return message.proves_device(public_key, created_at, proof, now)

    def make_pass(self, school_id: int, facts: PassFacts) -> bytes:
        """The 115 signed bytes; Ed25519 makes the same of the same facts."""
        key = self._keys_of(school_id).pass_key(facts.not_before)
        unit = _TTL_SECONDS_ENTRY if facts.kind is PassKind.ENTRY else _TTL_SECONDS
        rights = cc1.Flags.PAY * facts.may_pay | cc1.Flags.ENTRY * facts.may_enter
        return cc1.issue_pass(
            issuer=school_id,
            kid=key.kid,
            kind=cc1.Kind(facts.kind),
            cap_tag=facts.cap_tag,
            pass_no=facts.pass_no,
            not_before=facts.not_before,
            ttl=(facts.ends_at - facts.not_before) // unit,
            cap_class=facts.cap_class,
            flags=rights | facts.holder_class << 3,
            mask=facts.site_mask,
            device_key=facts.device_key,
            sign=key.sign,
        )

    def totp_key(self, school_id: int, device_id: UUID, version: int) -> bytes:
        """The 32-byte T1 key of a device."""
        return totp.derive_key(self._keys_of(school_id).totp[version], device_id, version)

    def draw_token(self) -> str:
        """A new T0 token."""
        return token.draw(self._ids)
