"""The PIN somebody typed at a terminal: opened, counted, compared."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from core.school.records import Guess
from terminals.guesses import Guesses
from terminals.message import RequestKey, find_pin
from terminals.payments import Pins, PinVerdict, SchoolKeys, Till

_WRONG_PIN = {"55", "75", "S4"}


class PinPad:
    """Checks PIN blocks; wrong ones count for the holder and for the terminal."""

    def __init__(self, pins: Pins, guesses: Guesses) -> None:
        self._pins = pins
        self._guesses = guesses

    async def check(
        self, till: Till, key: RequestKey, pin_block: str, cardholder_id: UUID, keys: SchoolKeys
    ) -> PinVerdict:
        """What came of a holder's PIN; a block of another key is none.

        Raises: DatabaseUnavailable, Overloaded.
        """
        return await self.weigh(
            till,
            key,
            pin_block,
            keys,
            lambda digits: self._pins.check_to_pay(till.issuer, cardholder_id, digits),
        )

    async def weigh(
        self,
        till: Till,
        key: RequestKey,
        pin_block: str,
        keys: SchoolKeys,
        check: Callable[[str], Awaitable[PinVerdict]],
    ) -> PinVerdict:
        """The same of whosever PIN `check` counts and compares.

        Raises: DatabaseUnavailable, Overloaded.
        """
        entered = find_pin(pin_block, key, keys.pin_private_key)
        if entered is None:
            return PinVerdict(ok=False, response_code="63", reason="PIN_BLOCK")
        if self._guesses.are_closed(till.issuer, till.terminal_no, Guess.PIN):
            return PinVerdict(ok=False, response_code="05", reason="PIN_CLOSED")
        verdict = await check(entered.digits)
        if verdict.response_code in _WRONG_PIN and not verdict.ok:
            await self._guesses.note(till.issuer, till.terminal_no, Guess.PIN)
        return verdict
