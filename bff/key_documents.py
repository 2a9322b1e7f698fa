"""Key documents on their way: drafted from the key file, signed by a custodian, then published.

The root keys are never on a machine that serves (codes.md 9), so drafts travel to them as a file.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from nacl.signing import SigningKey
from pydantic import BaseModel, ConfigDict, ValidationError

from bff.keys import (
    KEY_BYTES,
    SIGNING_DAYS,
    HexBytes,
    Keys,
    KeysInvalid,
    Kid,
    SecretRecord,
    read_secret,
    write_secret,
)
from core.kit.clock import unix_seconds
from core.school.edge_keys import EdgeKey
from core.school.records import DocumentInvalid, DocumentKind, SignedDocument
from terminals.documents import (
    DocumentRefusal,
    read_keys,
    read_roots,
    sign,
    verify_keys,
    write_keys,
)
from terminals.keys import KeyUse, PublicKey, signer
from terminals.roots import Roots, endorse, roots_of


class Root(SecretRecord):
    """A root key, in a file of its custodian."""

    kid: Kid
    seed: HexBytes

    @property
    def public_key(self) -> bytes:
        """What terminals pin, 32 bytes."""
        return bytes(SigningKey(self.seed).verify_key)

    def sign(self, draft: SignedDocument) -> SignedDocument:
        """The draft, signed."""
        return sign(draft, self.kid, signer(self.seed))

    def endorse(self, draft: SignedDocument) -> SignedDocument:
        """The draft with its list of roots endorsed; another root signs it then.

        Raises: DocumentInvalid, for a draft that lists none.
        """
        listed = read_roots(draft)
        if listed is None:
            raise DocumentInvalid(reason="NO_ROOTS")
        proven = endorse(listed, draft.issuer, self.kid, signer(self.seed))
        return replace(draft, content=write_keys(read_keys(draft), proven))


class _File(BaseModel):
    """Documents on their way, as a file holds them."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
    documents: Sequence[SignedDocument]


def create_root(path: Path, kid: int, entropy: Callable[[int], bytes]) -> Root:
    """Writes a new root key to a file that only its owner reads.

    Raises: FileExistsError, so that no key is ever overwritten.
    """
    root = Root(kid=kid, seed=entropy(KEY_BYTES))
    write_secret(path, root)
    return root


def load_root(path: Path) -> Root:
    """The root key of a file.

    Raises: KeysInvalid.
    """
    root, problems = read_secret(path, Root)
    if len(root.seed) != KEY_BYTES:
        problems.append(f"seed: {len(root.seed)} bytes instead of {KEY_BYTES}")
    if problems:
        raise KeysInvalid(problems)
    return root


def write_documents(path: Path, documents: Sequence[SignedDocument]) -> None:
    """Writes drafts or signed documents to a file."""
    path.write_text(_File(documents=documents).model_dump_json(indent=2) + "\n", "utf-8")


def read_documents(path: Path) -> Sequence[SignedDocument]:
    """The drafts or signed documents of a file.

    Raises: DocumentInvalid.
    """
    try:
        return _File.model_validate_json(path.read_bytes()).documents
    except ValidationError:
        raise DocumentInvalid(reason=DocumentRefusal.MALFORMED) from None


def lines_of(keys: Keys, school_id: int, edges: Sequence[EdgeKey]) -> list[PublicKey]:
    """The keys that a school's key document lists: those of the key file, and its edges'."""
    return [*keys.public_keys(school_id), *(_edge_line(school_id, each) for each in edges)]


def _edge_line(school_id: int, edge: EdgeKey) -> PublicKey:
    starts = unix_seconds(edge.valid_from)
    until = unix_seconds(edge.valid_from + timedelta(days=SIGNING_DAYS))
    return PublicKey(
        school_id, edge.kid, KeyUse.EDGE, edge.public_key, starts, until, until, edge.site_number
    )


def draft(
    keys: Keys, school_id: int, newest: SignedDocument | None, edges: Sequence[EdgeKey] = ()
) -> SignedDocument | None:
    """The unsigned key document that follows the newest; None if that says the same already."""
    version = 1 if newest is None else newest.version + 1
    content = write_keys(lines_of(keys, school_id, edges), _roots(keys, newest, version))
    if newest is not None and newest.content == content:
        return None
    return SignedDocument(DocumentKind.KEYS, school_id, version, 0, content, b"")


def _roots(keys: Keys, newest: SignedDocument | None, version: int) -> Roots | None:
    """The roots, once they changed: as they were endorsed, or for a custodian to endorse."""
    if not keys.roots_before:
        return None
    listed = None if newest is None else read_roots(newest)
    if listed is not None and listed.by_kid == keys.roots:
        return listed
    return roots_of(version, keys.roots)


def unlists_edge(newest: SignedDocument | None, document: SignedDocument) -> bool:
    """Whether a site has an edge by the newest key document and none by the one that follows."""
    return newest is not None and not _edge_sites(newest) <= _edge_sites(document)


def _edge_sites(document: SignedDocument) -> set[int]:
    return {key.site_no for key in read_keys(document) if key.use is KeyUse.EDGE}


def check(keys: Keys, document: SignedDocument, edges: Sequence[EdgeKey] = ()) -> None:
    """Nothing, if terminals will take the document and find our keys in it.

    Those that enrol now, and those that pin the roots of before. Raises: DocumentInvalid.
    """
    found = verify_keys(document, document.issuer, 0, keys.roots)
    if keys.roots_before and not isinstance(found, DocumentRefusal):
        found = verify_keys(document, document.issuer, 0, keys.roots_before)
    if isinstance(found, DocumentRefusal):
        raise DocumentInvalid(reason=found)
    if found != lines_of(keys, document.issuer, edges):
        raise DocumentInvalid(reason="KEYS_DIFFER")
