"""Whose card or code is on the reader, without spending it: the fields of the scene and no more."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.kit.clock import Clock
from core.ledger.records import Balances
from terminals.codes import Use
from terminals.guesses import Reader
from terminals.instruments import Declined
from terminals.payments import SchoolKeys, Terms, Till
from terminals.response import Response, find_response, response_to
from terminals.scanning import scan_of
from terminals.scenes import ENTRY_SCENES, HolderView, Scene, view


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The response and, where it is 00, the holder; the balance in fen where the scene shows it."""

    response: Response
    reason: str | None = None
    holder: HolderView | None = None
    available_minor: int | None = None
    as_of: datetime | None = None


class LookUps:
    """Answers `holderLookUp` (terminals.md 3 and 9)."""

    def __init__(
        self,
        reader: Reader,
        balances: Callable[[int, UUID], Awaitable[Balances]],
        terms: Callable[[int], Awaitable[Terms]],
        keys: Callable[[int], SchoolKeys],
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._balances = balances
        self._terms = terms
        self._keys = keys
        self._clock = clock

    async def look_up(self, till: Till, presented: str, scene: Scene) -> LookedUp:
        """Who it is, for a terminal that may serve the scene.

        Raises: DatabaseUnavailable.
        """
        if scene not in till.scenes:
            return LookedUp(find_response("58"), "TERMINAL_NOT_ALLOWED")
        terms = await self._terms(till.issuer)
        use = Use.ENTRY if scene in ENTRY_SCENES else Use.PAY
        keys, now = self._keys(till.issuer), self._clock.now()
        scan = scan_of(till, presented, use, terms, keys, now)
        found = await self._reader.read(till.terminal_no, scan)
        if isinstance(found, Declined):
            code = found.response_code
            response = find_response(code) if code else response_to(found.reason, scan.use)
            return LookedUp(response, found.reason)
        assert found.owner.holder is not None  # only a continuation comes without its holder
        seen = view(scene, found.owner.holder)
        if not seen.shows_balance:
            return LookedUp(find_response("00"), holder=seen)
        balances = await self._balances(till.issuer, found.owner.cardholder_id)
        return LookedUp(find_response("00"), None, seen, balances.available_minor, balances.as_of)
