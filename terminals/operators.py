"""Operators at a terminal: their sign-on, and the hash by which a terminal checks it alone."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import pbkdf2_hmac
from hmac import compare_digest
from typing import Protocol
from uuid import UUID

from core.kit.peppered_hash import Peppered
from core.school.operators import Shift, SignOnRefusal, Tried
from terminals.message import RequestKey, hash_of
from terminals.payments import PinVerdict, SchoolKeys, Till
from terminals.pin_pad import PinPad
from terminals.response import Response, find_response, response_to

OFFLINE_TRIES = 5
"""Wrong PINs in a row at a terminal alone; then only the server can sign the operator on."""


def offline_hash(pin: str, salt: bytes, iterations: int) -> bytes:
    """PBKDF2-HMAC-SHA-256 of the PIN's digits: 32 bytes."""
    return pbkdf2_hmac("sha256", pin.encode(), salt, iterations)


def matches_offline(pin: str, salt: bytes, iterations: int, expected: bytes) -> bool:
    """Whether `pin` is the one of a hash in the parameters."""
    return compare_digest(offline_hash(pin, salt, iterations), expected)


@dataclass(frozen=True, slots=True)
class SignedOn:
    """The response and, where it is 00, the shift; `tries_left` tells of a wrong PIN."""

    response: Response
    reason: str | None = None
    shift: Shift | None = None
    tries_left: int | None = None


class OperatorRegistry(Protocol):
    """The core's operators, as `core.school` answers them."""

    async def find_repeated(
        self, school_id: int, terminal_no: int, request_hash: bytes
    ) -> Shift | None:
        """The shift that this very sign-on was answered with."""
        ...

    async def prove(self, school_id: int, terminal_no: int, number: str, pin: str) -> Tried:
        """Counts a try and compares."""
        ...

    async def begin(
        self, school_id: int, terminal_no: int, number: str, proven: Peppered, request_hash: bytes
    ) -> Shift | SignOnRefusal:
        """Signs on who proved the PIN."""
        ...

    async def end(self, school_id: int, terminal_no: int, shift_id: UUID) -> Shift:
        """Ends a shift."""
        ...


class SignOns:
    """Answers `operatorSignOn` and `operatorSignOff` (terminals.md 3)."""

    def __init__(
        self, operators: OperatorRegistry, pad: PinPad, keys: Callable[[int], SchoolKeys]
    ) -> None:
        self._operators = operators
        self._pad = pad
        self._keys = keys

    async def sign_on(
        self, till: Till, key: RequestKey, operator_no: str, pin_block: str
    ) -> SignedOn:
        """Who is signed on now; the same request again hears of the same shift, and no try counts.

        Raises: Overloaded, DatabaseUnavailable.
        """
        issuer, terminal_no = till.issuer, till.terminal_no
        asked = hash_of(("SIGN_ON", *key, operator_no, pin_block))
        repeated = await self._operators.find_repeated(issuer, terminal_no, asked)
        if repeated is not None:
            return SignedOn(find_response("00"), shift=repeated)
        if not till.merchant_is_active:
            return SignedOn(find_response("03"), "MERCHANT_INVALID")
        proven: list[Peppered] = []

        async def check(digits: str) -> PinVerdict:
            tried = await self._operators.prove(issuer, terminal_no, operator_no, digits)
            if tried.refusal is not None:
                code = response_to(tried.refusal).code
                return PinVerdict(False, code, tried.tries_left, tried.refusal)
            assert tried.proven is not None
            proven.append(tried.proven)
            return PinVerdict(ok=True)

        verdict = await self._pad.weigh(till, key, pin_block, self._keys(issuer), check)
        if not verdict.ok:
            response = find_response(verdict.response_code)
            return SignedOn(response, verdict.reason, tries_left=verdict.tries_left)
        begun = await self._operators.begin(issuer, terminal_no, operator_no, proven[0], asked)
        if isinstance(begun, SignOnRefusal):
            return SignedOn(response_to(begun), begun)
        return SignedOn(find_response("00"), shift=begun)

    async def sign_off(self, till: Till, shift_id: UUID) -> Shift:
        """The ended shift; again: the same.

        Raises: ShiftUnknown, DatabaseUnavailable.
        """
        return await self._operators.end(till.issuer, till.terminal_no, shift_id)
