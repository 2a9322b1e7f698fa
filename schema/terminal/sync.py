"""How a terminal fetches the signed documents (terminals.md 3 and 8)."""

from typing import Annotated

import strawberry

from schema.context import RequestInfo
from schema.directives import Bounded
from schema.errors import UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import terminal, terminal_only
from schema.services import services
from schema.terminal.errors import TERMINAL
from schema.terminal.requests import TerminalKeyInput, control, held_by
from schema.terminal.types import SignedDocument

DOCUMENTS_MAXIMUM = 5


@strawberry.input(description="The versions a terminal holds.")
class TerminalSyncParametersInput:
    """What it has already."""

    key: TerminalKeyInput = strawberry.field(
        description="The key of this request, as its signature names it."
    )
    keys_version: int = strawberry.field(
        description="The version of the key document it holds, 0 for none."
    )
    parameters_version: int | None = strawberry.field(
        default=None,
        description="The version of the parameters it holds, 0 for none; null: it fetches none.",
    )
    deny_version: int | None = strawberry.field(
        default=None,
        description="The version of the deny list it holds, 0 for none; null: it fetches none.",
    )
    terminals_version: int | None = strawberry.field(
        default=None,
        description="Of an edge: the version of the terminals it knows, 0 for none; null: it"
        " fetches none.",
    )
    rights_version: int | None = strawberry.field(
        default=None,
        description="The version of the rights of cards it holds, 0 for none; null: it fetches"
        " none, for only gates do.",
    )


@strawberry.type(description="The documents that are newer than what the terminal holds.")
class TerminalSyncParametersPayload:
    """The newest of each kind; none where the terminal has it."""

    documents: list[SignedDocument] | None = strawberry.field(
        default=None,
        description="At most one of each kind, at most 5.",
        directives=[Bounded(maximum=DOCUMENTS_MAXIMUM)],
    )
    user_errors: list[UserError] = TERMINAL.field()


async def _newer(info: RequestInfo, asked: TerminalSyncParametersInput) -> list[SignedDocument]:
    viewer = terminal(info)
    control(info, asked.key)
    newer = await services(info).publisher.newer(viewer.school_id, held_by(asked))
    return [SignedDocument.of(document) for document in newer]


@strawberry.type(description="Signed documents.")
class SyncMutation:
    """What a terminal fetches."""

    @strawberry.mutation(
        description="The signed documents that are newer than those the terminal holds.",
        extensions=[terminal_only()],
    )
    async def terminal_sync_parameters(
        self, info: RequestInfo, input: Annotated[TerminalSyncParametersInput, INPUT]
    ) -> TerminalSyncParametersPayload | None:
        """Told by SYNC; they may be relayed, for each proves itself."""
        return await answer(
            info,
            TERMINAL,
            TerminalSyncParametersPayload,
            lambda newer: TerminalSyncParametersPayload(documents=newer),
            _newer(info, input),
        )
