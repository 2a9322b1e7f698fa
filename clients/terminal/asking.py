"""How a terminal asks: within its patience, again and again with the same key and content."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import monotonic
from typing import TypeVar

from clients.endpoint import Json, NoAnswer, NotAllowed, QuestionRefused
from clients.terminal.alone import Alone
from clients.terminal.journal import Entry, Journal
from clients.terminal.protocol import Line
from clients.terminal.receipt import Patience, Receipt
from terminals.ccr import Answer
from terminals.response import Action, find_response

_Told = TypeVar("_Told")


class Asking:
    """Asks for what is in the journal, and keeps what comes of it."""

    def __init__(self, journal: Journal, line: Line, patience: Patience) -> None:
        self._journal = journal
        self._line = line
        self._patience = patience
        self._alone = Alone(journal, line)

    async def _find_out(self, entry: Entry) -> Receipt | None:
        """The kept answer of a purchase whose answer did not come, if it can be had in time."""
        tries, patience = 0, self._patience
        give_up_at = monotonic() + patience.progress_seconds
        while tries < patience.status_tries:
            try:
                found = await self._in_time(lambda: self._line.ask_status(entry))
            except NoAnswer:
                tries += 1
                await asyncio.sleep(self._pause(tries))
                continue
            if found is None or monotonic() > give_up_at:
                return None
            receipt = self._noted(entry, *found)
            if is_final(receipt):
                return receipt
            if receipt.is_edges:
                return None
            await asyncio.sleep(patience.progress_pause_seconds)
        return None

    async def _insist(self, entry: Entry, pin: str | None = None) -> Receipt:
        """The answer to a request within the budget; the same key and content at each repeat.

        Raises: NoAnswer.
        """
        give_up_at = monotonic() + self._patience.budget_seconds
        attempt = 0
        while True:
            try:
                answer, shown = await self._in_time(lambda: self._line.ask(entry, pin), give_up_at)
            except (NotAllowed, QuestionRefused) as refusal:
                if not (isinstance(refusal, NotAllowed) and refusal.detail == "CLOCK_SKEW"):
                    raise
                failure: NoAnswer = refusal
                await self._in_time(lambda: self._line.set_clock(clock_lost=True), give_up_at)
            except NoAnswer as none:
                failure = none
            else:
                return self._noted(entry, answer, shown)
            attempt += 1
            pause = max(self._pause(attempt), failure.retry_after_seconds)
            if monotonic() + pause >= give_up_at:
                raise failure
            await asyncio.sleep(pause)

    def _noted(self, entry: Entry, answer: Answer, shown: Json) -> Receipt:
        """The receipt of a verified answer, kept if it ends the request.

        Raises: NoAnswer, for a void by the edge that no record of ours can tell the server.
        """
        receipt = Receipt(entry, answer, shown)
        if self._journal.identity.is_edges(answer):
            return self._alone.note_edges(replace(receipt, is_edges=True))
        if is_final(receipt):
            self._journal.end(entry, answer.outcome, shown["signedAnswer"])
        if receipt.response is find_response("90"):
            self._journal.open_batch()
        return receipt

    async def _in_time(
        self, ask: Callable[[], Awaitable[_Told]], give_up_at: float | None = None
    ) -> _Told:
        left = self._patience.attempt_seconds
        if give_up_at is not None:
            left = min(left, give_up_at - monotonic())
        try:
            return await asyncio.wait_for(ask(), max(left, 0))
        except TimeoutError as failure:
            raise NoAnswer("too late") from failure

    def _pause(self, attempt: int) -> float:
        pause: float = self._patience.pause_seconds * 2**attempt * self._line.chance()
        return pause


def is_final(receipt: Receipt) -> bool:
    """Whether it ends its request: nothing more is to be asked."""
    if receipt.is_edges:
        return receipt.is_approved
    assert receipt.response is not None
    return receipt.response.action is not Action.STATUS
