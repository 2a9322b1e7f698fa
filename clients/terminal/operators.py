"""Who works this till: signed on by the server, or without a network by the parameters.

The shift is on the disk, so a power cut signs nobody off. What an operator may not do is refused
before anything is written or sent.
"""

import json
from dataclasses import dataclass

from clients.endpoint import NoAnswer, NotAllowed, QuestionRefused
from clients.terminal.journal import Journal
from clients.terminal.protocol import Line
from terminals.documents import DocumentKind
from terminals.operators import OFFLINE_TRIES, matches_offline
from terminals.response import find_response
from terminals.till_parameters import MerchantParameters

SALE, REFUND, VOID, CLOSE = "SALE", "REFUND", "VOID", "CLOSE"
"""The rights of operators."""

_TABLES = """
CREATE TABLE IF NOT EXISTS shift (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    shift_id TEXT,
    operator_no TEXT NOT NULL,
    display_name TEXT NOT NULL,
    rights TEXT NOT NULL,
    parameters_version INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS operator_try (
    operator_no TEXT PRIMARY KEY,
    tries INTEGER NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Shift:
    """The operator at this till; `id` is the server's, None of one who was signed on alone."""

    operator_no: str
    display_name: str
    rights: frozenset[str]
    id: str | None = None


@dataclass(frozen=True, slots=True)
class SignedOn:
    """What came of a sign-on: the shift, or the response code and how many tries are left."""

    shift: Shift | None
    response_code: str = "00"
    tries_left: int | None = None


class RightMissing(Exception):
    """Nobody who may do this is signed on; nothing was written or sent."""

    def __init__(self, response_code: str) -> None:
        super().__init__(find_response(response_code).name)
        self.response_code = response_code


class Operators:
    """The operator at a till, beside its journal, in its file."""

    def __init__(self, journal: Journal, line: Line) -> None:
        self._journal = journal
        self._line = line
        journal.create(_TABLES)

    @property
    def shift(self) -> Shift | None:
        """Who is signed on; nobody, once newer parameters do not name them any more."""
        row = self._journal.row(
            "SELECT operator_no, display_name, rights, shift_id, parameters_version FROM shift"
        )
        if row is None:
            return None
        *facts, version = row
        number, name, rights, shift_id = facts
        if self._line.store.version(DocumentKind.PARAMETERS) <= version:
            return Shift(number, name, frozenset(json.loads(rights)), shift_id)
        merchant = self._merchant()
        named = None if merchant is None else merchant.operator(number)
        return None if named is None else Shift(number, name, frozenset(named.rights), shift_id)

    async def sign_on(self, operator_no: str, pin: str) -> SignedOn:
        """Signs an operator on, without an answer by the hash in the parameters; others go.

        Raises: NotAllowed, QuestionRefused, for the network is there then.
        """
        try:
            said = await self._line.ask_control(
                "OperatorSignOn", "operatorSignOn", {"operatorNo": operator_no}, pin
            )
        except (NotAllowed, QuestionRefused):
            raise
        except NoAnswer:
            return self._sign_on_alone(operator_no, pin)
        found = said["shift"]
        if found is None or found["endedAt"] is not None:
            return SignedOn(None, said["responseCode"], said["triesLeft"])
        rights = frozenset(found["rights"])
        shift = Shift(found["operatorNo"], found["displayName"], rights, found["id"])
        self._keep(shift)
        return SignedOn(shift)

    async def sign_off(self) -> Shift | None:
        """Ends the shift here, and at the server where it has one; who was signed on.

        Raises: NoAnswer; then the shift goes on, and signing off may be repeated.
        """
        shift = self.shift
        if shift is not None and shift.id is not None:
            given = {"shiftId": shift.id}
            await self._line.ask_control("OperatorSignOff", "operatorSignOff", given)
        self._journal.run("DELETE FROM shift")
        return shift

    def check(self, right: str) -> None:
        """Nothing, if it may be done now.

        Where nobody is signed on everybody may, but refund where the school asks for an operator;
        the server knows nothing of one who was signed on alone.
        Raises: RightMissing.
        """
        shift = self.shift
        if right == REFUND and (shift is None or shift.id is None) and self._are_required():
            raise RightMissing("S1")
        if shift is not None and right not in shift.rights:
            raise RightMissing("S2")

    def _sign_on_alone(self, operator_no: str, pin: str) -> SignedOn:
        merchant = self._merchant()
        known = None if merchant is None else merchant.operator(operator_no)
        if known is None:
            return SignedOn(None, "S3")
        tries = self._count(operator_no)
        if tries > OFFLINE_TRIES:
            return SignedOn(None, "S4", 0)
        if not matches_offline(pin, known.salt, known.iterations, known.hash):
            left = OFFLINE_TRIES - tries
            return SignedOn(None, "55", left) if left else SignedOn(None, "S4", 0)
        shift = Shift(operator_no, operator_no, frozenset(known.rights))
        self._keep(shift)
        return SignedOn(shift)

    def _count(self, operator_no: str) -> int:
        """Counts a try before it is compared: a power cut gives none back."""
        self._journal.run(
            "INSERT INTO operator_try VALUES (?, 1)"
            " ON CONFLICT (operator_no) DO UPDATE SET tries = tries + 1",
            operator_no,
        )
        row = self._journal.row("SELECT tries FROM operator_try WHERE operator_no = ?", operator_no)
        assert row is not None  # just written
        return int(row[0])

    def _keep(self, shift: Shift) -> None:
        version = self._line.store.version(DocumentKind.PARAMETERS)
        with self._journal.unit():
            self._journal.run("DELETE FROM operator_try WHERE operator_no = ?", shift.operator_no)
            self._journal.run(
                "INSERT OR REPLACE INTO shift VALUES (1, ?, ?, ?, ?, ?)",
                *(shift.id, shift.operator_no, shift.display_name),
                *(json.dumps(sorted(shift.rights)), version),
            )

    def _merchant(self) -> MerchantParameters | None:
        parameters = self._line.store.parameters()
        own = self._journal.identity.terminal_no
        return None if parameters is None else parameters.merchant_of(own)

    def _are_required(self) -> bool:
        parameters = self._line.store.parameters()
        return parameters is not None and parameters.operators_required
