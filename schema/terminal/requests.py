"""The key of a terminal's request, and the terminal as its purchases know it."""

from typing import Any, Protocol

import strawberry

from core.school.records import DocumentKind
from schema.context import RequestInfo, TerminalViewer
from schema.errors import BadDocument, Unauthenticated
from schema.permissions import any_terminal, terminal
from schema.services import services
from terminals.message import NUMBER_MAXIMUM
from terminals.payments import Till
from terminals.scenes import Scene
from terminals.signature import SignatureRefusal


@strawberry.input(description="A terminal's own number for a request; repeats answer as before.")
class TerminalKeyInput:
    """The key; the terminal is that of the signature."""

    batch_no: int = strawberry.field(description="The batch, 1 to 999999; 0: control requests.")
    seq_no: int = strawberry.field(description="The request in its batch, 1 to 999999.")


def control(info: RequestInfo, key: TerminalKeyInput) -> TerminalViewer:
    """The terminal, whose signature names this very key; it may be locked, its clock lost.

    Raises: Unauthenticated (KEY_MISMATCH).
    """
    viewer = any_terminal(info)
    signed = viewer.signed.key
    if (signed.batch_no, signed.seq_no) != (key.batch_no, key.seq_no):
        raise Unauthenticated(SignatureRefusal.KEY_MISMATCH)
    return viewer


def money_till(info: RequestInfo, key: TerminalKeyInput) -> Till:
    """The till of a money request, whose signature names this very key.

    Raises: Unauthenticated (KEY_MISMATCH), BadDocument.
    """
    viewer = terminal(info)
    control(info, key)
    check_key(key)
    return till_of(info, viewer)


def check_key(key: TerminalKeyInput) -> None:
    """Nothing, if the key can be that of a money request.

    Raises: BadDocument.
    """
    if not (1 <= key.batch_no <= NUMBER_MAXIMUM and 1 <= key.seq_no <= NUMBER_MAXIMUM):
        raise BadDocument("KEY_OUT_OF_RANGE")


def till_of(info: RequestInfo, viewer: TerminalViewer, *, every_key: bool = False) -> Till:
    """The terminal with the keys that are valid now; old records may need `every_key` it had."""
    now, enrolled = services(info).clock.now(), viewer.enrolled
    keys = [key for key in enrolled.keys if every_key or key.is_valid_at(now)]
    return Till(
        issuer=viewer.school_id,
        terminal_no=viewer.terminal_no,
        public_keys={key.number: key.public_key for key in keys},
        merchant_account_id=enrolled.merchant.account_id,
        merchant_is_active=enrolled.merchant.active,
        scenes=frozenset(map(Scene, enrolled.terminal.scenes)),
        registered_keys={key.number: key.public_key for key in enrolled.keys},
    )


class HoldsDocuments(Protocol):
    """An input that says which versions a terminal holds."""

    keys_version: Any
    parameters_version: int | None
    deny_version: int | None
    terminals_version: int | None
    rights_version: int | None


def held_by(asked: HoldsDocuments) -> dict[DocumentKind, int]:
    """The versions of those documents that the terminal fetches."""
    versions = {
        DocumentKind.KEYS: asked.keys_version,
        DocumentKind.PARAMETERS: asked.parameters_version,
        DocumentKind.DENY: asked.deny_version,
        DocumentKind.TERMINALS: asked.terminals_version,
        DocumentKind.RIGHTS: asked.rights_version,
    }
    return {kind: version for kind, version in versions.items() if version is not None}


async def newest_keys_version(info: RequestInfo, school_id: int) -> int:
    """The version of the school's newest key document, 0 while there is none."""
    newest = await services(info).documents.find_newest(school_id, DocumentKind.KEYS)
    return 0 if newest is None else newest.version
