"""Roots that follow one another, from the first day to the last, and the day one is stolen."""

from dataclasses import replace
from pathlib import Path

import pytest

from bff.key_documents import Root, check, create_root, draft
from bff.key_rotation import next_keys, next_root, rewrite
from bff.keys import USES, load_keys
from bff.settings import Environment
from clients.terminal.keys import Identity
from core.school.records import DocumentInvalid, DocumentKind, SignedDocument
from terminals.documents import DocumentRefusal, read_keys, write_keys
from terminals.roots import roots_of
from tests.api.devices import SCHOOL
from tests.api.quarter import Quarter
from tests.api.sample import OPERATOR


class Custodians:
    """Whoever keeps the roots, by kid; the campus began with root 1."""

    def __init__(self, quarter: Quarter, folder: Path) -> None:
        self.quarter = quarter
        self.folder = folder
        self.roots: dict[int, Root] = {1: quarter.counter.campus.root}

    def make(self, kid: int) -> Root:
        """A new root, on a machine of its own."""
        entropy = self.quarter.counter.campus.entropy
        self.roots[kid] = create_root(self.folder / f"root-{kid}.json", kid, entropy)
        return self.roots[kid]

    async def change(self, kid: int, leaving: int | None) -> None:
        """The operator names a new root in the key file."""
        campus = self.quarter.counter.campus
        made = next_root(campus.keys, kid, self.make(kid).public_key, leaving)
        rewrite(self.quarter.file, made)
        campus.keys = load_keys(self.quarter.file, Environment.DEVELOPMENT, campus.clock.now())

    async def draft(self) -> SignedDocument:
        """What follows the newest key document."""
        campus = self.quarter.counter.campus
        documents = campus.wired.services.documents
        campus.clock.advance(seconds=31)  # what is known of the newest
        drafted = draft(campus.keys, SCHOOL, await documents.find_newest(SCHOOL, DocumentKind.KEYS))
        assert drafted is not None
        return drafted

    async def publish(self, signed: SignedDocument) -> None:
        """The operator gives it to the terminals."""
        campus = self.quarter.counter.campus
        check(campus.keys, signed)
        await campus.wired.services.documents.publish(signed, OPERATOR)
        await self.quarter.restart()

    async def add_quarter(self) -> SignedDocument:
        """The next quarter's keys, in a draft."""
        campus = self.quarter.counter.campus
        now = campus.clock.now()
        rewrite(self.quarter.file, next_keys(campus.keys, USES, now, now, campus.entropy))
        campus.keys = load_keys(self.quarter.file, Environment.DEVELOPMENT, now)
        return await self.draft()


def identity(quarter: Quarter) -> Identity:
    """The till's, as its journal has it."""
    return quarter.counter.journal.identity


def pinned(quarter: Quarter) -> dict[int, str]:
    """The roots that the till goes by."""
    return {int(kid): key for kid, key in identity(quarter).roots.items()}


@pytest.fixture
async def two(quarter: Quarter, tmp_path: Path) -> Custodians:
    """A second custodian has joined, and the till has heard of it."""
    custodians = Custodians(quarter, tmp_path)
    await custodians.change(2, None)
    endorsed = custodians.roots[2].endorse(await custodians.draft())
    await custodians.publish(custodians.roots[1].sign(endorsed))
    assert await quarter.beat() == ["SYNC"]
    assert set(pinned(quarter)) == {1, 2}
    return custodians


async def test_root_changes_with_both_signatures_and_nothing_is_lost(
    quarter: Quarter, two: Custodians
) -> None:
    asleep = identity(quarter)  # a till that hears nothing from now on
    await two.change(3, leaving=1)
    drafted = await two.draft()
    for alone in (two.roots[1].sign(drafted), two.roots[2].sign(drafted),
                  two.roots[2].sign(two.roots[2].endorse(drafted)),
                  two.roots[2].sign(two.roots[3].endorse(drafted)),
                  two.roots[3].sign(two.roots[1].endorse(drafted))):  # fmt: skip
        with pytest.raises(DocumentInvalid):
            check(quarter.counter.campus.keys, alone)
        assert isinstance(identity(quarter).taking(alone), DocumentRefusal)
    await two.publish(two.roots[2].sign(two.roots[1].endorse(drafted)))
    assert await quarter.beat() == ["SYNC"]
    assert pinned(quarter) == {kid: two.roots[kid].public_key.hex() for kid in (2, 3)}
    assert (await quarter.online()).is_approved
    assert (await quarter.alone()).is_offline

    # The next quarter's document still says who endorsed the roots: the sleeper wakes to it.
    following = two.roots[2].sign(await two.add_quarter())
    await two.publish(following)
    assert await quarter.beat() == ["SYNC"]
    assert (await quarter.online(await quarter.fetch())).is_approved
    woken = asleep.taking(following)
    assert isinstance(woken, Identity)
    assert (woken.roots, woken.keys_version) == (
        identity(quarter).roots,
        identity(quarter).keys_version,
    )

    # A terminal that enrols now is given the new roots, and takes the same document.
    enrolled = replace(identity(quarter), roots_since=0, keys_version=0)
    assert isinstance(enrolled.taking(following), Identity)
    told = {int(kid): key.hex() for kid, key in quarter.counter.campus.keys.roots.items()}
    assert pinned(quarter) == told


async def test_stolen_root_is_nothing_once_it_left(quarter: Quarter, two: Custodians) -> None:
    await two.change(3, leaving=1)
    changed = two.roots[2].sign(two.roots[1].endorse(await two.draft()))
    await two.publish(changed)
    await quarter.beat()
    held = identity(quarter)
    assert held.roots_since == changed.version
    thief = two.roots[1]
    forged = thief.sign(replace(changed, version=changed.version + 1))
    assert held.taking(forged) == DocumentRefusal.KEY_UNKNOWN
    # Nor does it come back by what was endorsed before, under the root that stayed.
    before = await quarter.counter.campus.wired.services.documents.find(
        SCHOOL, DocumentKind.KEYS, changed.version - 1
    )
    assert before is not None
    again = two.roots[2].sign(replace(before, version=changed.version + 1))
    assert held.taking(again) == DocumentRefusal.ROOTS
    assert identity(quarter) == held
    assert (await quarter.online()).is_approved


async def test_one_custodian_alone_signs_keys_but_brings_no_root(
    quarter: Quarter, two: Custodians
) -> None:
    await two.publish(two.roots[1].sign(await two.add_quarter()))
    assert await quarter.beat() == ["SYNC"]
    held = identity(quarter)
    own = two.make(9)
    listed = {1: two.roots[1].public_key, 9: own.public_key}
    newest = await quarter.counter.campus.wired.services.documents.find_newest(
        SCHOOL, DocumentKind.KEYS
    )
    assert newest is not None
    version = newest.version + 1
    content = write_keys(read_keys(newest), roots_of(version, listed))
    forgery = replace(newest, version=version, content=content)
    for endorser in (two.roots[1], own):
        assert held.taking(two.roots[1].sign(endorser.endorse(forgery))) == "ROOTS"
    assert identity(quarter) == held
