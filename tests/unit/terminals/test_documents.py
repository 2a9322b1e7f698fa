"""Key documents: the bytes under the root's signature, and which of them a terminal takes."""

from dataclasses import replace
from hashlib import sha256

import pytest
from nacl.signing import SigningKey

from terminals import documents
from terminals.documents import DocumentKind, DocumentRefusal, SignedDocument, verify_keys
from terminals.keys import KeyRing, KeyUse, PublicKey, signer
from tests.unit.terminals import samples

ROOT_SEED = b"\x66" * 32
ROOTS = {1: samples.public(ROOT_SEED), 2: samples.public(b"\x77" * 32)}
KEYS = [samples.PASS_KEY, samples.ANSWER_KEY]


def document(content: bytes | None = None, version: int = 7, kid: int = 1) -> SignedDocument:
    """A document of issuer 0 under the first root, or under another with its name."""
    content = documents.write_keys(KEYS) if content is None else content
    blank = SignedDocument(DocumentKind.KEYS, 0, version, 0, content, b"")
    return documents.sign(blank, kid, signer(ROOT_SEED))


def listing(*keys: PublicKey) -> SignedDocument:
    return document(documents.write_keys(keys))


def test_document_gives_back_the_keys_it_was_written_from() -> None:
    assert verify_keys(document(), 0, 6, ROOTS) == KEYS


def test_root_signs_kind_issuer_version_kid_and_the_digest_of_the_bytes() -> None:
    signed = replace(document(), issuer=999, version=0x01020304)
    message = bytes.fromhex("63636431 01 03e7 01020304 01") + sha256(signed.content).digest()
    signature = SigningKey(ROOT_SEED).sign(message).signature
    assert documents.sign(signed, 1, signer(ROOT_SEED)).signature == signature


def test_old_document_version_refused() -> None:
    for held, taken in ((6, True), (7, False), (8, False)):
        answer = verify_keys(document(version=7), 0, held, ROOTS)
        assert answer == (KEYS if taken else DocumentRefusal.VERSION_OLD)
    assert verify_keys(replace(document(), version=1 << 32), 0, 6, ROOTS) == "VERSION_OLD"


@pytest.mark.parametrize(("changed", "refusal"), [
    (replace(document(), kind=DocumentKind.DENY), "NOT_MINE"),
    (replace(document(), issuer=1), "NOT_MINE"),
    (replace(document(), kid=3), "KEY_UNKNOWN"),
    (document(kid=2), "SIGNATURE"),
    (replace(document(), kid=2), "SIGNATURE"),
    (replace(document(), version=8), "SIGNATURE"),
    (replace(document(), content=document().content + b" "), "SIGNATURE"),
    (replace(document(), signature=bytes(64)), "SIGNATURE"),
    (replace(document(), signature=b""), "SIGNATURE"),
    (document(b""), "MALFORMED"),
    (document(b"\xff"), "MALFORMED"),
    (document(b'{"keys":[]}'), "MALFORMED"),
    (document(document().content.replace(b'"kid":2', b'"kid":"2"')), "MALFORMED"),
    (listing(samples.PASS_KEY), "MALFORMED"),
    (listing(replace(samples.ANSWER_KEY, issuer=1)), "MALFORMED"),
    (listing(*KEYS, replace(samples.PASS_KEY, kid=2)), "MALFORMED"),
    (listing(*KEYS, replace(samples.PASS_KEY, kid=9, public_key=bytes(32))), "MALFORMED"),
])  # fmt: skip
def test_every_other_document_is_refused(changed: SignedDocument, refusal: str) -> None:
    assert verify_keys(changed, 0, 6, ROOTS) == refusal


DOCUMENT_SEED = b"\x88" * 32
DOCUMENT_KEY = replace(
    samples.PASS_KEY, kid=5, use=KeyUse.DOCUMENT, public_key=samples.public(DOCUMENT_SEED)
)
RING = KeyRing([DOCUMENT_KEY, samples.ANSWER_KEY])


def parameters(version: int = 7, kid: int = 5) -> SignedDocument:
    """A document of issuer 0 under its DOCUMENT key."""
    blank = SignedDocument(DocumentKind.PARAMETERS, 0, version, 0, b"{}", b"")
    return documents.sign(blank, kid, signer(DOCUMENT_SEED))


@pytest.mark.parametrize(("document", "held", "refusal"), [
    (parameters(), 6, None),
    (parameters(), 7, "VERSION_OLD"),
    (parameters(6), 7, "VERSION_OLD"),
    (replace(parameters(), version=1 << 32), 6, "VERSION_OLD"),
    (replace(parameters(), kind=DocumentKind.DENY), 6, "NOT_MINE"),
    (replace(parameters(), issuer=1), 6, "NOT_MINE"),
    (parameters(kid=6), 6, "KEY_UNKNOWN"),
    (parameters(kid=2), 6, "KEY_UNKNOWN"),
    (replace(parameters(), content=b"[]"), 6, "SIGNATURE"),
    (replace(parameters(), version=8), 6, "SIGNATURE"),
])  # fmt: skip
def test_a_document_of_the_school_rises_and_is_signed_by_its_document_key(
    document: SignedDocument, held: int, refusal: str | None
) -> None:
    kind = DocumentKind.PARAMETERS
    assert documents.verify_by_ring(document, kind, 0, held, RING) == refusal
