"""What the commands with a database stand on: settings, keys and the services of the registry."""

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bff.clock import SystemClock
from bff.keys import load_keys
from bff.settings import load_settings
from bff.wiring import MODELS
from core.audit.records import Actor, ActorKind
from core.audit.service import Audit
from core.card.pin_hash import PinHasher
from core.card.service.cards import Cards
from core.card.service.pins import Pins
from core.db.unit import Database
from core.identity.service.cardholders import Cardholders
from core.identity.service.roster import RosterImport
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.kit.slow_hash import SlowHash
from core.ledger.service import Ledger
from core.limit.service import Limits
from core.ports.newcomers import NewcomerOpener
from core.school.records import SchoolUnknown
from core.school.service import Schools, Staff, Terminals
from terminals.proofs import SignedProofs


@dataclass(frozen=True, slots=True)
class Desk:
    """An operator at the registry; `operator` is the account of this machine."""

    operator: Actor
    ids: Ids
    schools: Schools
    terminals: Terminals
    staff: Staff
    audit: Audit
    roster: RosterImport

    async def school_id(self, name: str) -> int:
        """The number of the school that an operator names by its code or number.

        Raises: SchoolUnknown.
        """
        for school in await self.schools.list_all():
            if name in {school.code, str(school.id)}:
                return school.id
        raise SchoolUnknown("school")


@asynccontextmanager
async def open_desk() -> AsyncIterator[Desk]:
    """The registry's services over the database that the environment names.

    Raises: SettingsInvalid, KeysInvalid.
    """
    settings, clock = load_settings(), SystemClock()
    dsn, keys_file = settings.needed("database_url", "keys_file")
    keys = load_keys(Path(keys_file), settings.environment, clock.now())
    ids = Ids(clock, os.urandom)
    database = Database(dsn, MODELS, pool_maximum=2)
    audit = Audit(database, clock, ids, keys.audit)
    ledger = Ledger(database, clock, ids)
    slow_hash = SlowHash(os.urandom)
    sealer = Sealer(keys.data, keys.blind_index, os.urandom)
    schools = Schools(database, clock, ids, audit, ledger)
    cardholders = Cardholders(database, sealer)
    pins = Pins(
        database,
        clock,
        hasher=PinHasher(keys.pepper, slow_hash),
        policy_of=schools.policy,
        cardholders=cardholders,
    )
    cards = Cards(
        database, clock, ids, policy_of=schools.policy, cardholders=cardholders, pins=pins
    )
    openers: list[NewcomerOpener] = [Limits(database), ledger, cards]
    await database.open()
    try:
        yield Desk(
            Actor(ActorKind.OPERATOR, getpass.getuser()),
            ids,
            schools,
            Terminals(database, clock, audit, SignedProofs()),
            Staff(database, clock, ids, sealer, slow_hash, audit),
            audit,
            RosterImport(database, clock, ids, sealer, schools.policy, cards, openers),
        )
    finally:
        slow_hash.close()
        await database.close()
