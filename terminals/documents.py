"""Signed documents: what is signed of them, and whether a terminal takes one (terminals.md 8)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from hashlib import sha256
from struct import Struct

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from core.school.records import DocumentKind, SignedDocument
from terminals.keys import KeyRing, KeyUse, PublicKey, Sign, is_registrable, verifies
from terminals.roots import Roots, are_proven

__all__ = [
    "DocumentKind",
    "DocumentRefusal",
    "SignedDocument",
    "read_keys",
    "read_roots",
    "sign",
    "verify_by_ring",
    "verify_keys",
    "write_keys",
]

_SIGNED = Struct(">4sBHIB32s")


class DocumentRefusal(StrEnum):
    """Why a terminal keeps the document it has, in the order of the checks."""

    NOT_MINE = "NOT_MINE"
    VERSION_OLD = "VERSION_OLD"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    SIGNATURE = "SIGNATURE"
    MALFORMED = "MALFORMED"
    ROOTS = "ROOTS"


class _KeyDocument(BaseModel):
    """The content of a KEYS document: JSON, public keys in hex, times in Unix seconds."""

    model_config = ConfigDict(
        alias_generator=to_camel, ser_json_bytes="hex", val_json_bytes="hex", strict=True
    )
    keys: Sequence[PublicKey]
    roots: Roots | None = None


def sign(document: SignedDocument, kid: int, signer: Sign) -> SignedDocument:
    """The document signed with the key of this kid."""
    named = replace(document, kid=kid)
    return replace(named, signature=signer(_message(named)))


def write_keys(keys: Sequence[PublicKey], roots: Roots | None = None) -> bytes:
    """The content of the KEYS document of these keys, with its roots once they changed."""
    made = _KeyDocument(keys=keys, roots=roots)
    return made.model_dump_json(by_alias=True, exclude_none=True).encode()


def read_keys(document: SignedDocument) -> Sequence[PublicKey]:
    """The keys of a document that was verified before.

    Raises: ValidationError, for what never was a key document.
    """
    return _KeyDocument.model_validate_json(document.content).keys


def read_roots(document: SignedDocument) -> Roots | None:
    """The roots that such a document lists; None where they are those of the enrolment.

    Raises: ValidationError, for what never was a key document.
    """
    return _KeyDocument.model_validate_json(document.content).roots


def verify_keys(
    document: SignedDocument,
    issuer: int,
    held_version: int,
    roots: Mapping[int, bytes],
    roots_since: int = 0,
) -> Sequence[PublicKey] | DocumentRefusal:
    """The keys of a document, if a terminal of `issuer` that holds `held_version` may take them.

    `roots` are the public keys by kid that the terminal pins: those it was given when it enrolled,
    or with the document of version `roots_since`. It then pins those that this one lists.
    """
    if (document.kind, document.issuer) != (DocumentKind.KEYS, issuer):
        return DocumentRefusal.NOT_MINE
    if not held_version < document.version < 1 << 32:
        return DocumentRefusal.VERSION_OLD
    root = roots.get(document.kid)
    if root is None:
        return DocumentRefusal.KEY_UNKNOWN
    if not verifies(root, _message(document), document.signature):
        return DocumentRefusal.SIGNATURE
    try:
        found = _KeyDocument.model_validate_json(document.content)
    except ValidationError:
        return DocumentRefusal.MALFORMED
    if not _are_usable(found.keys, issuer):
        return DocumentRefusal.MALFORMED
    listed = found.roots
    if listed is not None and not are_proven(listed, issuer, document.kid, roots, roots_since):
        return DocumentRefusal.ROOTS
    return found.keys


def verify_by_ring(
    document: SignedDocument, kind: DocumentKind, issuer: int, held_version: int, ring: KeyRing
) -> DocumentRefusal | None:
    """Why a terminal does not take a document of the school's DOCUMENT key; None if it does.

    Its content is still to be read: what cannot be read is MALFORMED.
    """
    if (document.kind, document.issuer) != (kind, issuer):
        return DocumentRefusal.NOT_MINE
    if not held_version < document.version < 1 << 32:
        return DocumentRefusal.VERSION_OLD
    key = ring.find(issuer, document.kid, KeyUse.DOCUMENT)
    if key is None:
        return DocumentRefusal.KEY_UNKNOWN
    if not verifies(key.public_key, _message(document), document.signature):
        return DocumentRefusal.SIGNATURE
    return None


def _message(document: SignedDocument) -> bytes:
    kind, issuer, version, kid = document.kind, document.issuer, document.version, document.kid
    return _SIGNED.pack(b"ccd1", kind, issuer, version, kid, sha256(document.content).digest())


def _are_usable(keys: Sequence[PublicKey], issuer: int) -> bool:
    """Whether no kid means two keys, and the school's answers can be verified with them."""
    names = {(key.issuer, key.kid) for key in keys}
    return (
        len(names) == len(keys)
        and all(is_registrable(key.public_key) for key in keys)
        and any((key.issuer, key.use) == (issuer, KeyUse.ANSWER) for key in keys)
    )
