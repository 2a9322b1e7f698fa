"""The channels and campus sign-ons of each school, opened from its file, generation by generation.

A file that is activated is a new generation; a sign-on that began under an older one ends under
it. What one school's file, or one of its tables, has wrong closes that alone.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from adapters.sso.api import Problem, SettingsInvalid, Text
from adapters.sso.connection import Connection, Ground, connect
from adapters.sso.lint import lint
from adapters.sso.registry import kinds
from adapters.sso.settings import Setting, SignOn, read_table
from adapters.sso.wecom import WecomDoor
from bff.connection_tables import Parts, open_channels
from core.ports.campus_sign_on import CampusSignOn
from core.ports.channels import Door
from core.ports.notices import NoticeReader
from core.school.policy_file import SchoolFile, parse_school_file
from core.school.policy_words import Channel
from core.school.records import PolicyInvalid, PolicyProblem, SchoolUnknown
from core.school.service import Schools
from core.school.toml_lines import Path, key_lines

GENERATIONS_KEPT = 4
"""Older ones are closed: a sign-on lives ten minutes, and no school changes its file that often."""

_NO_DOCUMENT = Text("没有这份协议的 [[consent]]", "There is no [[consent]] of this document")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Generation:
    """What one version of a school's file opened, and what kept the rest closed."""

    doors: Mapping[str, Door]
    returns: Mapping[str, frozenset[str]]
    sign_ons: Mapping[str, Connection]
    readers: Mapping[str, Sequence[NoticeReader]]
    problems: Sequence[Problem]
    closers: Sequence[Callable[[], Awaitable[None]]]

    async def close(self) -> None:
        """Closes every connection."""
        for close in self.closers:
            await close()


def open_generation(file: SchoolFile, parts: Parts) -> Generation:
    """Opens what a school's file names; nothing is asked of anybody yet."""
    channels = open_channels(file.school.id, file.connections, parts)
    problems, sign_ons = list(channels.problems), {}
    for place, table in enumerate(sign_on_tables(file)):
        try:
            read = read_table(table, sign_on_setting(channels.doors, parts), place)
            if read.id in sign_ons:
                continue
            sign_ons[read.id] = connected(file, read, parts)
        except SettingsInvalid as invalid:
            problems += invalid.problems
    closers = [*channels.closers, *(each.close for each in sign_ons.values())]
    return Generation(
        channels.doors, channels.returns, sign_ons, channels.readers, problems, closers
    )


async def check_file(text: str, parts: Parts, before: SchoolFile | None = None) -> SchoolFile:
    """A school's file with nothing wrong in it, the tables of its connections included.

    `before` is the file in force. Nothing is asked of anybody.
    Raises: PolicyInvalid, with every problem by its line.
    """
    file = parse_school_file(text)
    problems = await lint_connections(file, parts, before)
    if problems:
        lines = key_lines(text)
        raise PolicyInvalid(
            [
                PolicyProblem(_line(lines, each.key), each.key, each.text.zh, each.text.en)
                for each in problems
            ]
        )
    return file


async def lint_connections(
    file: SchoolFile, parts: Parts, before: SchoolFile | None = None
) -> list[Problem]:
    """Everything wrong with the tables of a file; `before` is the file in force."""
    channels = open_channels(file.school.id, file.connections, parts)
    setting = sign_on_setting(channels.doors, parts)
    earlier = sign_on_tables(before) if before is not None else ()
    found = [*channels.problems, *lint(sign_on_tables(file), setting, earlier)]
    documents = {each.document for each in file.consents}
    for place, table in enumerate(sign_on_tables(file)):
        if table.get("consent") not in {None, *documents}:
            found.append(Problem(f"sso.{place}.consent", _NO_DOCUMENT))
    for close in channels.closers:
        await close()
    return found


def _line(lines: Mapping[Path, int], key: str) -> int:
    """Where a key stands, or the table that it is missing from."""
    path = tuple(key.split("."))
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)


def sign_on_tables(file: SchoolFile) -> Sequence[Mapping[str, object]]:
    """The `[[sso]]` tables."""
    tables = file.connections.get("sso", [])
    return (
        [each for each in tables if isinstance(each, Mapping)] if isinstance(tables, list) else []
    )


def sign_on_setting(doors: Mapping[str, Door], parts: Parts) -> Setting:
    """What a school's sign-on tables are read with; its WeCom is handed to the kind `wecom`."""
    door, wecom = doors.get(Channel.WECOM), None
    if door is not None and door.sign_in is not None:
        wecom = WecomDoor(door.page_sign_in or door.sign_in, door.page)
    return Setting(kinds(wecom), frozenset(Channel), parts.resolve, parts.plain_loopback)


def connected(file: SchoolFile, sign_on: SignOn, parts: Parts) -> Connection:
    """A provider under its one callback address."""
    school_id = file.school.id
    url = f"{parts.public_url}/sso/{school_id}/{sign_on.id}/callback"

    async def once(key: str, seconds: int) -> bool:
        return await parts.store.once(school_id, f"sso:{sign_on.id}:{key}", seconds)

    ground = Ground(once, parts.clock.now, _log.info, parts.entropy)
    return connect(sign_on, file.school.code, url, ground)


class Connections:
    """Implements `Doors` and `NoticeReaders` of the core's ports; `sign_ons` `CampusSignOns`."""

    def __init__(self, schools: Schools, parts: Parts) -> None:
        self._schools = schools
        self._parts = parts
        self._kept: dict[int, OrderedDict[int, Generation]] = {}
        self._opening: dict[int, asyncio.Lock] = {}
        self.doors = self
        self.notices = self
        self.sign_ons = SignOns(self)

    async def find_door(self, school_id: int, channel: str) -> Door | None:
        """The door of a channel."""
        _, found = await self.current(school_id)
        return found.doors.get(channel)

    async def find_door_of(self, school_id: int, issuer: str) -> Door | None:
        """The door whose subjects an issuer names."""
        _, found = await self.current(school_id)
        return next((door for door in found.doors.values() if door.issuer == issuer), None)

    async def return_addresses(self, school_id: int, channel: str) -> frozenset[str]:
        """Where a page may come back to."""
        _, found = await self.current(school_id)
        return found.returns.get(channel, frozenset())

    async def notice_readers(self, school_id: int, provider: str) -> Sequence[NoticeReader]:
        """Who reads what a provider posts."""
        _, found = await self.current(school_id)
        return found.readers.get(provider, ())

    async def current(self, school_id: int) -> tuple[int, Generation]:
        """The generation in force and its number."""
        in_force = await self._schools.in_force(school_id)
        return in_force.version, await self._open(school_id, in_force.version, in_force.file)

    async def of_version(self, school_id: int, version: int) -> Generation | None:
        """A generation that is or was in force."""
        kept = self._kept.get(school_id)
        if kept is not None and version in kept:
            return kept[version]
        try:
            file = await self._schools.file_of_version(school_id, version)
        except SchoolUnknown:
            return None
        return await self._open(school_id, version, file)

    async def close(self) -> None:
        """Closes everything."""
        for generations in self._kept.values():
            for generation in generations.values():
                await generation.close()
        self._kept.clear()

    async def _open(self, school_id: int, version: int, file: SchoolFile) -> Generation:
        generations = self._kept.setdefault(school_id, OrderedDict())
        if version in generations:
            return generations[version]
        async with self._opening.setdefault(school_id, asyncio.Lock()):
            if version not in generations:
                # Reading keys and certificates takes a while, and other requests go on.
                opened = await asyncio.to_thread(open_generation, file, self._parts)
                for each in opened.problems:
                    _log.error("school %s: %s: %s", school_id, each.key, each.text.en)
                generations[version] = opened
                if len(generations) > GENERATIONS_KEPT:
                    _, oldest = generations.popitem(last=False)
                    await oldest.close()
        return generations[version]


class SignOns:
    """The campus sign-ons of the same generations."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def list_all(self, school_id: int) -> Sequence[CampusSignOn]:
        """Those in force, in the file's order."""
        _, found = await self._connections.current(school_id)
        return list(found.sign_ons.values())

    async def find(
        self, school_id: int, provider_id: str, generation: int | None = None
    ) -> tuple[int, CampusSignOn] | None:
        """A provider and its generation."""
        if generation is None:
            generation, opened = await self._connections.current(school_id)
        else:
            kept = await self._connections.of_version(school_id, generation)
            if kept is None:
                return None
            opened = kept
        found = opened.sign_ons.get(provider_id)
        return None if found is None else (generation, found)
