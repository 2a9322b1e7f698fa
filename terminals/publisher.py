"""The documents that the API process signs: parameters as they change, lists as they are asked."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.audit.records import Actor, ActorKind
from core.entry.records import Door
from core.entry.service.rights import CardRights
from core.school.policy import Policy
from core.school.policy_file import SchoolFile
from core.school.records import DocumentInvalid, DocumentKind, SignedDocument
from core.school.service import DenyList, Documents, Operators, Schools, Terminals
from terminals import deny, documents, rights
from terminals.keys import Sign
from terminals.parameters import Parameters, ParametersInvalid, parameters_of, read, write
from terminals.roll import roll_of
from terminals.till_parameters import TillFacts

_KEPT = 256
"""Documents and versions remembered: they never change once published."""
_STORED = (DocumentKind.KEYS, DocumentKind.PARAMETERS, DocumentKind.TERMINALS)
PUBLISHER = Actor(ActorKind.SYSTEM, "parameters")


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """The DOCUMENT key of a school that signs now."""

    kid: int
    sign: Sign


class Publisher:
    """Makes, signs and finds the PARAMETERS, DENY and RIGHTS documents of every school."""

    def __init__(
        self,
        published: Documents,
        denied: DenyList,
        rights: CardRights,
        doors: Callable[[int], Awaitable[Sequence[Door]]],
        schools: Schools,
        terminals: Terminals,
        operators: Operators,
        key_of: Callable[[int], DocumentKey],
        purses_by: Callable[[Policy], Sequence[str]],
        pin_public_key: bytes,
    ) -> None:
        self._published = published
        self._denied = denied
        self._rights = rights
        self._doors = doors
        self._schools = schools
        self._terminals = terminals
        self._operators = operators
        self._key_of = key_of
        self._purses_by = purses_by
        self._pin_public_key = pin_public_key
        self._read: OrderedDict[tuple[int, int], Parameters | None] = OrderedDict()
        self._signed = lru_cache(_KEPT)(documents.sign)

    async def refresh(self, school_id: int) -> SignedDocument | None:
        """Publishes the parameters anew if policy, registry or key changed; the new document.

        The rights of cards follow what cards, people and doors are now; they are signed as asked. A
        school with an edge publishes its terminals, too. A second process that does so at the same
        moment is beaten by the version, and silent.
        """
        await self._rights.refresh(school_id)
        working, doors = await self._terminals.list_working(school_id), await self._doors(school_id)
        roll = roll_of(working, doors)
        if roll.terminals:
            await self._publish(school_id, DocumentKind.TERMINALS, roll.write())
        file = (await self._schools.in_force(school_id)).file
        content = write(
            parameters_of(
                file.policy,
                await self._schools.sites(school_id),
                await self._terminals.list_all(school_id),
                self._purses_by(file.policy),
                self._pin_public_key,
                doors,
                await self._till_facts(school_id, file),
            )
        )
        return await self._publish(school_id, DocumentKind.PARAMETERS, content)

    async def _till_facts(self, school_id: int, file: SchoolFile) -> TillFacts:
        return TillFacts(
            await self._schools.merchants(school_id),
            await self._operators.list_all(school_id),
            file.meal_periods,
            file.prices,
            file.display,
        )

    async def _publish(
        self, school_id: int, kind: DocumentKind, content: bytes
    ) -> SignedDocument | None:
        key = self._key_of(school_id)
        newest = await self._published.find_newest(school_id, kind)
        if newest is not None and (newest.content, newest.kid) == (content, key.kid):
            return None
        version = 1 if newest is None else newest.version + 1
        drafted = SignedDocument(kind, school_id, version, 0, content, b"")
        signed = documents.sign(drafted, key.kid, key.sign)
        try:
            await self._published.publish(signed, PUBLISHER)
        except DocumentInvalid:
            return None
        return signed

    async def parameters(self, school_id: int, version: int) -> Parameters | None:
        """The parameters of a version; None if the school never published it."""
        name = school_id, version
        if name in self._read:
            self._read.move_to_end(name)
            return self._read[name]
        found = await self._published.find(school_id, DocumentKind.PARAMETERS, version)
        if found is None:
            return None  # not remembered: it may be published any moment
        try:
            self._read[name] = read(found.content)
        except ParametersInvalid:
            return None
        if len(self._read) > _KEPT:
            self._read.popitem(last=False)
        return self._read[name]

    async def newest_versions(self, school_id: int) -> Mapping[DocumentKind, int]:
        """The newest version of each kind, 0 where there is none."""
        found = {kind: await self._published.find_newest(school_id, kind) for kind in _STORED}
        versions = {kind: 0 if each is None else each.version for kind, each in found.items()}
        versions[DocumentKind.DENY] = await self._denied.newest_version(school_id)
        versions[DocumentKind.RIGHTS] = await self._rights.newest_version(school_id)
        return versions

    async def newer(self, school_id: int, held: Mapping[DocumentKind, int]) -> list[SignedDocument]:
        """The documents that are newer than those held; kinds that are not named are not sent."""
        found = []
        for kind in _STORED:
            newest = await self._published.find_newest(school_id, kind)
            if kind in held and newest is not None and newest.version > held[kind]:
                found.append(newest)
        if DocumentKind.DENY in held:
            found += await self._deny_list(school_id, held[DocumentKind.DENY])
        if DocumentKind.RIGHTS in held:
            found += await self._card_rights(school_id, held[DocumentKind.RIGHTS])
        return found

    async def _card_rights(self, school_id: int, held_version: int) -> list[SignedDocument]:
        change = await self._rights.changes(school_id, held_version)
        if change is None:
            return []
        content = rights.write(rights.Change(change.base_version, change.salt, change.lines))
        key = self._key_of(school_id)
        drafted = SignedDocument(DocumentKind.RIGHTS, school_id, change.version, 0, content, b"")
        return [documents.sign(drafted, key.kid, key.sign)]  # too large to be remembered

    async def _deny_list(self, school_id: int, held_version: int) -> list[SignedDocument]:
        version, lines = await self._denied.changes(school_id, held_version)
        if version <= held_version:
            return []
        entries = [
            deny.Entry(
                line.kind, deny.Op.REMOVE if line.is_removed else deny.Op.ADD, line.id, line.until
            )
            for line in lines
        ]
        content = deny.write(deny.Change(held_version, entries))
        key = self._key_of(school_id)
        drafted = SignedDocument(DocumentKind.DENY, school_id, version, 0, content, b"")
        return [self._signed(drafted, key.kid, key.sign)]
