"""The indexes that subjects and identity claims are known by."""

import hashlib
from base64 import urlsafe_b64encode

from core.identity.addresses import find_address
from core.identity.matching import name_form
from core.kit.sealed import Sealer
from core.ports.channels import ClaimKind, IdentityClaim
from core.ports.messages import AddressKind

CAMPUS_ISSUER = "sso:"
"""Goes before what a school's sign-on calls itself, so that it can never name a channel."""


def subject_index(sealer: Sealer, school_id: int, issuer: str, subject: str) -> bytes:
    """The index of a subject within its issuer; unlike names, subjects differ by case."""
    return sealer.blind_index(school_id, f"subject.{issuer}", subject.encode().hex())


def claim_index(sealer: Sealer, school_id: int, claim: IdentityClaim) -> bytes | None:
    """The index that equals the register's for the same fact; None where no register has such."""
    match claim.kind:
        case ClaimKind.PHONE | ClaimKind.EMAIL:
            address = find_address(AddressKind(claim.kind.value), claim.value)
            return address.index(sealer, school_id) if address else None
        case ClaimKind.NAME:
            return sealer.blind_index(school_id, "cardholder.name", name_form(claim.value))
        case ClaimKind.ID_NUMBER:
            return sealer.blind_index(school_id, "cardholder.id_number", claim.value)
    return subject_index(sealer, school_id, "union", claim.value)


def challenge_of(verifier: str) -> str:
    """S256 of a verifier, as RFC 7636 writes it: 43 characters."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")
