"""Sign-in of the native channel: a one-time code proves an address, and only that."""

from datetime import datetime, timedelta
from uuid import UUID

from core.db.unit import Database, Unit
from core.identity import one_time
from core.identity.addresses import Address
from core.identity.one_time import DIGITS, LIFE_SECONDS, RESEND_SECONDS, Purpose
from core.identity.records import (
    SessionRecord,
    SessionTokens,
    SignInBegun,
    SignInNotConfirmed,
)
from core.identity.service.attempts import Attempts
from core.identity.service.messages import Messages
from core.identity.service.sessions import Sessions
from core.identity.store import bindings, codes
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ports.messages import AddressKind

CHANNEL = "NATIVE"
LABEL_LENGTH_MAXIMUM = 80


class OneTimeCodes:
    """Makes and checks one-time codes. `pepper` (32 bytes) keys what is kept of them."""

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        sealer: Sealer,
        attempts: Attempts,
        messages: Messages,
        pepper: bytes,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._sealer = sealer
        self._attempts = attempts
        self._messages = messages
        self._pepper = pepper

    async def send(
        self,
        unit: Unit,
        purpose: Purpose,
        address: Address,
        bound_to: str = "",
        network: str | None = None,
    ) -> None:
        """Makes a code and writes the intent to send it, unless too many were sent; tells nobody.

        Inside the caller's unit, which has to commit: sends are counted in it.
        """
        code = await self._make(unit, purpose, address, bound_to, network)
        if code is not None:
            await self._messages.write_code(unit, address, code)

    async def pretend(self, unit: Unit, purpose: Purpose, decoy: Address, bound_to: str) -> None:
        """Makes a code for an address that nobody has, so that nobody can tell the difference."""
        await self._make(unit, purpose, decoy, bound_to, None)

    async def _make(
        self, unit: Unit, purpose: Purpose, address: Address, bound_to: str, network: str | None
    ) -> str | None:
        now = self._clock.now()
        index = address.index(self._sealer, unit.school_id)
        if not await self._attempts.count_send(unit, index, network):
            return None
        if await codes.sent_since(unit, index, now - timedelta(seconds=RESEND_SECONDS)):
            return None
        code_id, code = self._ids.new(), self._ids.digits(DIGITS)
        kept = one_time.code_hash(self._pepper, code_id, purpose, bound_to, code)
        expires_at = now + timedelta(seconds=LIFE_SECONDS)
        await codes.add(unit, code_id, purpose, address.kind, index, kept, now, expires_at)
        return code

    async def check(
        self,
        database: Database,
        school_id: int,
        purpose: Purpose,
        address: Address,
        code: str,
        bound_to: str = "",
    ) -> UUID:
        """Counts a try in a unit of its own, then compares; the id of the right code.

        Raises: SignInNotConfirmed.
        """
        index, now = address.index(self._sealer, school_id), self._clock.now()
        tried = await database.unit(
            school_id, lambda unit: codes.count_try(unit, purpose, index, now)
        )
        if tried is None:
            raise SignInNotConfirmed("code")
        code_id, kept = tried
        entered = one_time.code_hash(self._pepper, code_id, purpose, bound_to, code)
        if not one_time.is_right(kept, entered):
            raise SignInNotConfirmed("code")
        return code_id

    async def use(self, unit: Unit, code_id: UUID) -> None:
        """Uses a right code up, in the unit of what it proves.

        Raises: SignInNotConfirmed, if it was used a moment ago.
        """
        if not await codes.use(unit, code_id, self._clock.now()):
            raise SignInNotConfirmed("code")


class SignIn:
    """Sign-in by e-mail or telephone."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sealer: Sealer,
        one_time_codes: OneTimeCodes,
        sessions: Sessions,
        ids: Ids,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._codes = one_time_codes
        self._sessions = sessions
        self._ids = ids

    async def sign_in_begin(
        self, school_id: int, kind: AddressKind, address_text: str, network: str
    ) -> SignInBegun:
        """Sends a code to an address, whoever's it is; the answer is always the same.

        `network` is the caller's IP address. Limits (channels.md 8) are kept silently.
        Raises: AddressInvalid.
        """
        address = Address.parse(kind, address_text)

        async def work(unit: Unit) -> None:
            await self._codes.send(unit, Purpose.SIGN_IN, address, network=network)

        await self._database.unit(school_id, work)
        return SignInBegun(LIFE_SECONDS, RESEND_SECONDS)

    async def sign_in_complete(
        self, school_id: int, kind: AddressKind, address_text: str, code: str, device_label: str
    ) -> SessionTokens:
        """A session of the proven address, with its cardholder if the address is bound.

        Raises: AddressInvalid, SignInNotConfirmed.
        """
        address = Address.parse(kind, address_text)
        code_id = await self._codes.check(self._database, school_id, Purpose.SIGN_IN, address, code)

        async def work(unit: Unit) -> SessionTokens:
            await self._codes.use(unit, code_id)
            index = address.index(self._sealer, school_id)
            bound = await bindings.hold_of_subject(unit, address.issuer, index)
            now = self._clock.now()
            session = _of_device(
                school_id, self._ids.new(), address.issuer, index, device_label, now, bound
            )
            return await self._sessions.open(unit, session)

        return await self._database.unit(school_id, work)


def _of_device(
    school_id: int,
    family_id: UUID,
    issuer: str,
    subject_index: bytes,
    device_label: str,
    now: datetime,
    bound: tuple[UUID, UUID] | None,
) -> SessionRecord:
    """A session to be opened. The proven address of a bound subject is a fresh proof as well."""
    binding_id, cardholder_id = bound or (None, None)
    return SessionRecord(
        school_id=school_id,
        id=family_id,
        family_id=family_id,
        issuer=issuer,
        subject_index=subject_index,
        channel=CHANNEL,
        device_label=device_label[:LABEL_LENGTH_MAXIMUM],
        binding_id=binding_id,
        cardholder_id=cardholder_id,
        staff_id=None,
        step_up_at=now if bound else None,
        created_at=now,
        last_seen_at=now,
        expires_at=now,
    )
