"""One invented school with the card services on a real database."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from nacl.signing import SigningKey

from core.card.pin_hash import HashedPin, PinHasher, PinSubject
from core.card.records import CodeDevice
from core.card.service.cards import Cards
from core.card.service.codes import Codes
from core.card.service.denials import CardDenials
from core.card.service.devices import Devices
from core.card.service.pins import Pins
from core.db.unit import Database, Unit
from core.identity.service.cardholders import Cardholders
from core.kit.clock import unix_seconds
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.kit.slow_hash import SlowHash
from core.ports.codes import TokenEntry
from core.ports.newcomers import Newcomer
from core.school.policy import Policy
from core.school.service import DenyList
from terminals.code_maker import CodeMaker, IssuerKeys, PassKey
from terminals.keys import signer
from terminals.message import device_message
from tests.factories.chance import HandClock, counted_entropy, make_ids

SCHOOL = 7
FOREVER = 1 << 32
"""The last second that a key of the tests signs."""
PIN = "270914"
OTHER_PIN = "804613"
ID_NUMBER = "99999919990307123X"
DEFAULT_PIN = "071230"
PHONE = "13900007788"


class CountingHasher(PinHasher):
    """A hasher that notes which PINs it compared."""

    def __init__(self, peppers: dict[int, bytes], slow_hash: SlowHash) -> None:
        super().__init__(peppers, slow_hash)
        self.compared: list[str] = []

    async def matches(self, subject: PinSubject, stored: HashedPin, pin: str) -> bool:
        self.compared.append(pin)
        return await super().matches(subject, stored, pin)


class MemoryTokens:
    """An index of tokens that a test may flush."""

    def __init__(self) -> None:
        self.entries: dict[tuple[int, bytes], TokenEntry] = {}

    async def put(self, school_id: int, digest: bytes, entry: TokenEntry) -> None:
        self.entries[school_id, digest] = entry

    async def find(self, school_id: int, digest: bytes) -> TokenEntry | None:
        return self.entries.get((school_id, digest))

    async def drop(self, school_id: int, digest: bytes) -> None:
        self.entries.pop((school_id, digest), None)


@dataclass
class Purses:
    """What every cardholder could spend, in fen."""

    minor: int = 10_000

    async def available_minor(self, school_id: int, cardholder_id: UUID) -> int:
        return self.minor

    async def lock(self, unit: Unit, cardholder_id: UUID) -> None:
        raise AssertionError("nothing is set aside here")

    async def set_aside(
        self, unit: Unit, cardholder_id: UUID, cap_tag: int, amount_minor: int, day: date
    ) -> bool:
        raise AssertionError("nothing is set aside here")


class Campus:
    """The services, wired as the application wires them, and the hands that move the world."""

    def __init__(self, database: Database, slow_hash: SlowHash) -> None:
        self.database = database
        self.slow_hash = slow_hash
        self.clock = HandClock()
        self.ids: Ids = make_ids(self.clock)
        self.policy = Policy()
        self.hasher = CountingHasher({1: b"\x01" * 32}, slow_hash)
        self.tokens = MemoryTokens()
        self.purses = Purses()
        self.pass_keys = [PassKey(1, 0, FOREVER, signer(b"\x11" * 32))]
        self.sealer = Sealer({1: b"\x05" * 32}, b"\x06" * 32, counted_entropy("seal"))
        self.cardholders = Cardholders(database, self.sealer)
        self.pins = self.pins_with(self.hasher)
        self.deny = DenyList(database, self.clock)
        wired: dict[str, Any] = {"policy_of": self.policy_of}
        maker = CodeMaker(lambda _: IssuerKeys(self.pass_keys, {1: b"\x88" * 32}), self.ids)
        parts = database, self.clock, self.ids
        self.denials = CardDenials(self.clock, self.deny)
        self.cards = Cards(
            *parts, **wired, cardholders=self.cardholders, pins=self.pins, denials=self.denials
        )
        self.devices = Devices(*parts, **wired, pins=self.pins, maker=maker, deny=self.deny)
        self.codes = Codes(
            *parts,
            **wired,
            cardholders=self.cardholders,
            maker=maker,
            tokens=self.tokens,
            funds=self.purses,
        )

    async def policy_of(self, school_id: int) -> Policy:
        """The policy under test."""
        assert school_id == SCHOOL
        return self.policy

    def pins_with(self, hasher: PinHasher) -> Pins:
        """The PIN service of another process."""
        return Pins(
            self.database,
            self.clock,
            hasher=hasher,
            policy_of=self.policy_of,
            cardholders=self.cardholders,
        )

    def rules(self, **groups: object) -> None:
        """Changes groups of the policy."""
        self.policy = replace(self.policy, **groups)  # type: ignore[arg-type]  # groups by name

    async def found(self) -> None:
        """Founds the school."""

        async def work(unit: Unit) -> None:
            await unit.execute(
                "INSERT INTO school VALUES ($1, 'sample', '示例大学', 'Sample', 'zh', $2)",
                SCHOOL, self.clock.now(),
            )  # fmt: skip

        await self.database.unit(SCHOOL, work)

    async def admit(self, number: str, *, kind: str = "STUDENT", uid: str | None = None) -> UUID:
        """A new cardholder with an ID number, a phone and cards."""
        cardholder_id = self.ids.new()

        def sealed(column: str, text: str) -> bytes:
            return self.sealer.seal(SCHOOL, f"cardholder.{column}", cardholder_id, text)

        async def work(unit: Unit) -> None:
            await unit.execute(
                "INSERT INTO cardholder (school_id, id, number, kind, status, name_sealed,"
                " name_index, id_number_sealed, phone_sealed, roster_digest, roster_import_id,"
                " created_at, changed_at)"
                " VALUES ($1, $2, $3, $4, 'ACTIVE', $5, $6, $7, $8, $6, $2, $9, $9)",
                SCHOOL, cardholder_id, number, kind, sealed("name", "示例甲"), b"\0" * 32,
                sealed("id_number", ID_NUMBER), sealed("phone", PHONE), self.clock.now(),
            )  # fmt: skip
            newcomer = Newcomer(cardholder_id, kind, uid, 0)
            await self.cards.open_newcomers(unit, [newcomer], self.clock.now())

        await self.database.unit(SCHOOL, work)
        return cardholder_id

    async def admit_with_pin(self, number: str, **facts: str) -> UUID:
        """A new cardholder who chose `PIN`."""
        cardholder_id = await self.admit(number, **facts)
        now = self.clock.now()
        await self.pins.choose_first(SCHOOL, cardholder_id, "PAY", pin=PIN, step_up_at=now)
        return cardholder_id

    async def admit_with_open_card(self, number: str, **facts: str) -> UUID:
        """A new cardholder whose virtual card is open."""
        cardholder_id = await self.admit_with_pin(number, **facts)
        await self.cards.open_virtual(SCHOOL, cardholder_id, pin=PIN)
        return cardholder_id

    async def enrol(
        self,
        cardholder_id: UUID,
        phone: int,
        *,
        pin: str | None = PIN,
        binding_id: UUID | None = None,
    ) -> CodeDevice:
        """Enrols the phone whose key has the seed of `phone` times one byte."""
        created_at = unix_seconds(self.clock.now())
        key = SigningKey(bytes([phone]) * 32)
        public_key = bytes(key.verify_key)
        return await self.devices.enrol(
            SCHOOL,
            cardholder_id,
            binding_id,
            public_key=public_key,
            created_at=created_at,
            proof=key.sign(device_message(public_key, created_at)).signature,
            pin=pin,
        )

    async def freeze(self, cardholder_id: UUID, status: str = "FROZEN") -> None:
        """Changes the status as staff would."""

        async def work(unit: Unit) -> None:
            await unit.execute(
                "UPDATE cardholder SET status = $3 WHERE school_id = $1 AND id = $2",
                SCHOOL, cardholder_id, status,
            )  # fmt: skip
            await self.devices.revoke_all(unit, cardholder_id)

        await self.database.unit(SCHOOL, work)

    async def rows(self, table: str) -> list[tuple[object, ...]]:
        """Every row of one of the context's tables, to compare before and after a refusal."""
        assert table in TABLES

        async def work(unit: Unit) -> list[tuple[object, ...]]:
            found = await unit.rows(f"SELECT * FROM {table} WHERE school_id = $1", SCHOOL)
            return sorted((tuple(row) for row in found), key=repr)

        return await self.database.unit(SCHOOL, work)

    async def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """All rows of the context."""
        return {table: await self.rows(table) for table in TABLES}


TABLES = ("card", "pin", "code_device", "cap_slot", "code_pass", "code_alias")
