"""Addresses that one-time codes go to: read strictly, indexed the same wherever they are kept."""

import re
from dataclasses import dataclass

from core.identity.records import AddressInvalid, PersonalFacts
from core.kit.sealed import Sealer
from core.ports.messages import AddressKind

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}")
_PHONE = re.compile(r"(?:\+86)?(1[3-9][0-9]{9})")
_LONGEST = 254


@dataclass(frozen=True, slots=True)
class Address:
    """An address in its one form: a lower-case e-mail, or 11 digits of a mainland mobile."""

    kind: AddressKind
    text: str

    @classmethod
    def parse(cls, kind: AddressKind, text: str) -> "Address":
        """The address a person typed or the roster names.

        Raises: AddressInvalid.
        """
        trimmed = text.strip()
        if kind is AddressKind.EMAIL:
            if len(trimmed) > _LONGEST or not _EMAIL.fullmatch(trimmed):
                raise AddressInvalid("address")
            return cls(kind, trimmed.lower())
        phone = _PHONE.fullmatch(re.sub(r"[ -]", "", trimmed))
        if phone is None:
            raise AddressInvalid("address")
        return cls(kind, phone.group(1))

    @property
    def issuer(self) -> str:
        """Who vouches when the native channel has proven this address."""
        return f"native:{self.kind.value.lower()}"

    def index(self, sealer: Sealer, school_id: int) -> bytes:
        """The blind index, equal in the roster, in codes and as the subject of native sessions.

        One key for all three is the point: a session's subject is compared with the register.
        """
        return sealer.blind_index(school_id, f"address.{self.kind.value}", self.text)

    def masked(self) -> str:
        """What a screen may show: the last 4 digits, or the first letter and the domain."""
        if self.kind is AddressKind.PHONE:
            return f"*******{self.text[-4:]}"
        local, _, domain = self.text.partition("@")
        return f"{local[:1]}***@{domain}"


def find_address(kind: AddressKind, text: str | None) -> Address | None:
    """The address in the roster, or None if it is absent or no code can be sent to it."""
    try:
        return Address.parse(kind, text) if text is not None else None
    except AddressInvalid:
        return None


def addresses_of(facts: PersonalFacts) -> dict[AddressKind, Address | None]:
    """The register's addresses by kind, None where no code can be sent."""
    return {
        AddressKind.PHONE: find_address(AddressKind.PHONE, facts.phone),
        AddressKind.EMAIL: find_address(AddressKind.EMAIL, facts.email),
    }


def registered_address(facts: PersonalFacts) -> Address | None:
    """Where the register reaches a person: by phone, else by e-mail."""
    found = addresses_of(facts)
    return found[AddressKind.PHONE] or found[AddressKind.EMAIL]
