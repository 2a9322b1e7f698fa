"""Whose card or code is on the reader, without spending it: the fields of the scene and no more."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.kit.clock import Clock
from core.ledger.records import Balances
from core.top_up.records import Overview
from terminals.codes import Use
from terminals.guesses import Reader
from terminals.instruments import Declined, Found
from terminals.message import RequestKey
from terminals.payments import SchoolKeys, Terms, Till
from terminals.pin_pad import PinPad
from terminals.response import Response, find_response, response_to
from terminals.scanning import scan_of
from terminals.scenes import ENTRY_SCENES, HolderView, Scene, view


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The response and, where it is 00, the holder; the balance in fen where the scene shows it.

    `overview` is what a kiosk lists of claims; `tries_left` tells of a wrong PIN.
    """

    response: Response
    reason: str | None = None
    holder: HolderView | None = None
    available_minor: int | None = None
    as_of: datetime | None = None
    overview: Overview | None = None
    tries_left: int | None = None


class LookUps:
    """Answers `holderLookUp` (terminals.md 3 and 9)."""

    def __init__(
        self,
        reader: Reader,
        pad: PinPad,
        overview: Callable[[int, UUID], Awaitable[Overview]],
        balances: Callable[[int, UUID], Awaitable[Balances]],
        terms: Callable[[int], Awaitable[Terms]],
        keys: Callable[[int], SchoolKeys],
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._pad = pad
        self._overview = overview
        self._balances = balances
        self._terms = terms
        self._keys = keys
        self._clock = clock

    async def look_up(
        self, till: Till, key: RequestKey, presented: str, scene: Scene, pin_block: str | None
    ) -> LookedUp:
        """Who it is, for a terminal that may serve the scene; at a kiosk after the PIN.

        Raises: Overloaded, DatabaseUnavailable.
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
        if scene is Scene.KIOSK:
            refused = await self._refuse_pin(till, key, found, pin_block, keys)
            if refused is not None:
                return refused
        assert found.owner.holder is not None  # only a continuation comes without its holder
        seen = view(scene, found.owner.holder)
        if not seen.shows_balance:
            return LookedUp(find_response("00"), holder=seen)
        cardholder_id = found.owner.cardholder_id
        balances = await self._balances(till.issuer, cardholder_id)
        listed = None
        if scene is Scene.KIOSK:
            listed = await self._overview(till.issuer, cardholder_id)
        return LookedUp(
            find_response("00"), None, seen, balances.available_minor, balances.as_of, listed
        )

    async def _refuse_pin(
        self, till: Till, key: RequestKey, found: Found, pin_block: str | None, keys: SchoolKeys
    ) -> LookedUp | None:
        """Nothing, if the holder typed the right PIN."""
        if pin_block is None:
            return LookedUp(find_response("70"), "PIN_MISSING")
        holder = found.owner.cardholder_id
        verdict = await self._pad.check(till, key, pin_block, holder, keys)
        if verdict.ok:
            return None
        response = find_response(verdict.response_code)
        return LookedUp(response, verdict.reason, tries_left=verdict.tries_left)
