"""What the commands with a database stand on: settings, keys and the services of the registry."""

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bff.keys import load_keys
from bff.settings import load_settings
from core.audit.records import Actor, ActorKind
from core.audit.service import Audit
from core.db.unit import Database
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.kit.slow_hash import SlowHash
from core.ledger.service import Ledger
from core.school.service import Schools, Staff, Terminals
from terminals.proofs import SignedProofs


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the Clock


@dataclass(frozen=True, slots=True)
class Desk:
    """An operator at the registry; `operator` is the account of this machine."""

    operator: Actor
    ids: Ids
    schools: Schools
    terminals: Terminals
    staff: Staff
    audit: Audit


@asynccontextmanager
async def open_desk() -> AsyncIterator[Desk]:
    """The registry's services over the database that the environment names.

    Raises: SettingsInvalid, KeysInvalid.
    """
    settings, clock = load_settings(), SystemClock()
    dsn, keys_file = settings.needed("database_url", "keys_file")
    keys = load_keys(Path(keys_file), settings.environment, clock.now())
    ids = Ids(clock, os.urandom)
    database = Database(dsn, ["core.limit.store"], pool_maximum=2)
    audit = Audit(database, clock, ids, keys.audit)
    ledger = Ledger(database, clock, ids)
    slow_hash = SlowHash(os.urandom)
    sealer = Sealer(keys.data, keys.blind_index, os.urandom)
    await database.open()
    try:
        yield Desk(
            Actor(ActorKind.OPERATOR, getpass.getuser()),
            ids,
            Schools(database, clock, ids, audit, ledger),
            Terminals(database, clock, audit, SignedProofs()),
            Staff(database, clock, ids, sealer, slow_hash, audit),
            audit,
        )
    finally:
        slow_hash.close()
        await database.close()
