"""The pretended server's keys."""

from nacl.public import PrivateKey

from clients.device_key import public_key
from terminals import documents
from terminals.documents import DocumentKind, SignedDocument
from terminals.keys import KeyUse, PublicKey, signer

ANSWER_SEED = b"\x22" * 32
NEXT_ANSWER_SEED = b"\x23" * 32
ROOT_SEED = b"\x66" * 32
PASS_SEED = b"\x11" * 32
DOCUMENT_SEED = b"\x88" * 32
PUBLISHED = ((2, "ANSWER", ANSWER_SEED), (3, "DOCUMENT", DOCUMENT_SEED), (4, "PASS", PASS_SEED))
"""The keys that enrolment names: kid, use, seed."""
PIN_PRIVATE = b"\x55" * 32
PIN_PUBLIC = bytes(PrivateKey(PIN_PRIVATE).public_key)


def answer_public() -> bytes:
    """The public ANSWER key."""
    return public_key(ANSWER_SEED)


def key_document(
    version: int, *answer_seeds: bytes, root_seed: bytes = ROOT_SEED
) -> SignedDocument:
    """The key document of school 7 that lists these ANSWER keys, kid 2 and up."""
    lines = [
        PublicKey(7, kid, KeyUse.ANSWER, public_key(seed), 0, 1 << 32, 1 << 32)
        for kid, seed in enumerate(answer_seeds, start=2)
    ]
    content = documents.write_keys(lines)
    draft = SignedDocument(DocumentKind.KEYS, 7, version, 0, content, b"")
    return documents.sign(draft, 1, signer(root_seed))


def school_document(kind: DocumentKind, version: int, content: bytes) -> SignedDocument:
    """A document of school 7 under its DOCUMENT key."""
    draft = SignedDocument(kind, 7, version, 0, content, b"")
    return documents.sign(draft, 3, signer(DOCUMENT_SEED))
