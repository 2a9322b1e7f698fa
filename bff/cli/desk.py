"""What the commands with a database stand on: settings, keys and the services of the registry."""

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from redis.asyncio import Redis

from bff.clock import SystemClock
from bff.connection_tables import Parts
from bff.ground import Ground, parts_over
from bff.keys import Keys, load_keys
from bff.settings import Environment, Settings, load_settings, resolve_secret
from bff.wiring import wire
from core.audit.records import Actor, ActorKind
from core.audit.service import Audit
from core.db.connection import PATIENT_SECONDS
from core.entry.service.doors import Doors
from core.entry.service.passages import Passages
from core.identity.service.campus_sign_in import CampusSignIn
from core.identity.service.roster import RosterImport
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.school.records import SchoolUnknown
from core.school.service import (
    DenyList,
    Documents,
    Losses,
    Operators,
    Prints,
    Schools,
    Staff,
    Terminals,
)
from core.utility.service.meters import Meters

School = Annotated[str, typer.Option("--school", help="Code or number of it 学校代码或编号")]
_NO_REDIS = "redis://nowhere.invalid"
"""Little at the desk asks the cache, so no setting needs to name one."""


@dataclass(frozen=True, slots=True)
class Desk:
    """An operator at the registry; `operator` is the account of this machine."""

    operator: Actor
    clock: Clock
    ids: Ids
    schools: Schools
    losses: Losses
    terminals: Terminals
    doors: Doors
    passages: Passages
    meters: Meters
    staff: Staff
    audit: Audit
    roster: RosterImport
    documents: Documents
    prints: Prints
    operators: Operators
    deny: DenyList
    campus: CampusSignIn
    keys: Keys
    parts: Parts

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
    ground = Ground(
        dsn,
        settings.redis_url.get_secret_value() if settings.redis_url else _NO_REDIS,
        keys,
        clock,
        os.urandom,
        2,
        PATIENT_SECONDS,
        public_url=_public_url(settings),
        development=settings.environment is Environment.DEVELOPMENT,
    )
    wired = wire(ground)
    services = wired.services
    async with wired.opened():
        yield Desk(
            Actor(ActorKind.OPERATOR, getpass.getuser()),
            clock,
            wired.ids,
            services.schools,
            services.losses,
            services.terminals,
            services.doors,
            services.passages,
            wired.meters,
            services.staff,
            wired.audit,
            wired.roster,
            services.documents,
            services.prints,
            services.operators.registry,
            services.deny,
            services.campus,
            keys,
            ground.parts(wired.redis),
        )


def lint_parts() -> Parts:
    """What a school's file is read with where nothing is asked of anybody.

    Raises: SettingsInvalid.
    """
    settings = load_settings()
    return parts_over(
        Redis.from_url(_NO_REDIS),
        SystemClock(),
        os.urandom,
        resolve_secret,
        _public_url(settings),
        settings.environment is Environment.DEVELOPMENT,
    )


def _public_url(settings: Settings) -> str:
    """Where browsers reach us, also where a command goes on without knowing."""
    return settings.public_url or f"http://127.0.0.1:{settings.port}"
