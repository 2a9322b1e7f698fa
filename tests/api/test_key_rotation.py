"""Every key through its quarter, from the first day to the last, and the day one leaks."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from clients.endpoint import NotAllowed
from core.school.records import DocumentKind
from terminals import cc1, ccr
from terminals.ccr import Answer, Outcome, Outstanding
from terminals.codes import CodeRefusal
from terminals.keys import KeyUse, PublicKey, signer
from terminals.message import RequestKey
from tests.api.counter import ALICES_CARD
from tests.api.devices import SCHOOL
from tests.api.quarter import Quarter, answer_kid, pass_kid, response_code, signed_by, slot_of
from tests.unit.terminals.samples import public

ACCEPTED = ("ACCEPTED", None)
USES = (KeyUse.PASS, KeyUse.ANSWER, KeyUse.DOCUMENT)


async def test_a_quarter_changes_every_key_and_nothing_is_lost(quarter: Quarter) -> None:
    counter, store = quarter.counter, quarter.counter.line.store
    first = {use: quarter.kid(use) for use in USES}
    sold = await quarter.online()
    assert (pass_kid(quarter.phone.show()), answer_kid(sold)) == (
        first[KeyUse.PASS],
        first[KeyUse.ANSWER],
    )

    # The next keys are known to terminals a week before they sign.
    quarter.pass_days(80)
    await quarter.add_next()
    assert await quarter.beat() == ["SYNC"]
    assert counter.journal.identity.keys_version == 2
    assert {use: quarter.kid(use) for use in USES} == first
    assert pass_kid(await quarter.fetch()) == first[KeyUse.PASS]
    assert answer_kid(await quarter.online()) == first[KeyUse.ANSWER]

    # The day they begin, between two heartbeats; the phone's pass has some hours left.
    quarter.pass_days(6.9)
    await quarter.beat()
    old = await quarter.fetch()
    quarter.pass_days(0.3)
    following = {use: quarter.kid(use) for use in USES}
    assert all(following[use] != first[use] for use in USES)
    alone = await quarter.alone()
    assert alone.is_offline
    online = await quarter.online()
    assert (pass_kid(quarter.phone.show()), answer_kid(online)) == (
        first[KeyUse.PASS], following[KeyUse.ANSWER],
    )  # fmt: skip
    parameters = store.version(DocumentKind.PARAMETERS)
    assert await quarter.beat() == ["SYNC"]
    assert store.version(DocumentKind.PARAMETERS) == parameters + 1
    quarter.pass_days(0.3)
    fresh = await quarter.fetch()  # late in the old pass's slot: the next one's comes with it
    quarter.pass_days(0.5)
    assert (pass_kid(fresh), pass_kid(quarter.phone.show())) == (
        first[KeyUse.PASS], following[KeyUse.PASS],
    )  # fmt: skip
    assert await quarter.beat() == []
    assert (await quarter.alone()).is_offline
    assert (await quarter.online()).is_approved
    assert await quarter.judged() == [ACCEPTED, ACCEPTED]

    # An answer of the first day is repeated to the byte, and believed.
    status = await counter.till.status(sold.entry.key)
    assert status is not None
    assert (status.is_approved, signed_by(status.shown["signedAnswer"])) == (
        True,
        first[KeyUse.ANSWER],
    )
    await over(quarter, old)
    assert await counter.balance("S001") == 5_000 - 6 * 100


async def over(quarter: Quarter, old: str) -> None:
    """The old pass is over, and at last its key is nothing a terminal knows by name."""
    quarter.pass_days(1)
    for days, online_code, reason in ((0, "C0", "PASS_EXPIRED"), (20, "63", "KEY_UNKNOWN")):
        quarter.pass_days(days)
        await quarter.beat()
        before = await quarter.money()
        assert response_code(await quarter.online(old)) == online_code
        assert await quarter.refusal(old) == reason
        assert await quarter.money() == before


async def test_till_that_slept_through_the_change_wakes_up(quarter: Quarter) -> None:
    quarter.pass_days(80)
    await quarter.add_next()
    quarter.pass_days(8)
    fresh = await quarter.fetch()
    assert await quarter.refusal(fresh) == "KEY_UNKNOWN"
    assert await quarter.beat() == ["SYNC"]
    assert (await quarter.online()).is_approved
    assert (await quarter.alone()).is_offline
    assert await quarter.judged() == [ACCEPTED]


async def test_records_of_the_terminals_key_before_are_paid_after_it_ended(
    quarter: Quarter,
) -> None:
    counter = quarter.counter
    before = counter.journal.identity
    assert (await quarter.alone()).is_offline
    assert await counter.line.rotate_key() == 2
    assert counter.journal.identity == replace(before.preparing(b"").following,
                                               seed=counter.journal.identity.seed)  # fmt: skip
    assert counter.journal.identity.seed != before.seed
    assert (await quarter.alone()).is_offline
    assert (await quarter.online()).is_approved

    rotated = counter.journal.identity
    for days, is_good in ((0.99, True), (0.02, False)):
        quarter.pass_days(days)
        counter.journal.enrol(before)
        if is_good:
            assert await quarter.beat() is not None
        else:
            with pytest.raises(NotAllowed, match="KEY_UNKNOWN"):
                await quarter.beat()
        counter.journal.enrol(rotated)
    assert await quarter.judged() == [ACCEPTED, ACCEPTED]
    assert await quarter.judged() == []


@pytest.mark.parametrize("days", [0, 2])
async def test_rotation_whose_answer_was_lost_is_asked_for_again(
    quarter: Quarter, days: float
) -> None:
    counter = quarter.counter
    before = counter.journal.identity
    counter.network.lost = lambda name: name == "TerminalRotateKey"
    with pytest.raises(Exception, match="ReadTimeout"):
        await counter.line.rotate_key()
    asked = counter.journal.identity
    assert (asked.seed, asked.key_no) == (before.seed, 1)
    counter.network.lost = lambda _name: False
    quarter.pass_days(days)
    assert await counter.line.rotate_key() == 2
    assert counter.journal.identity.seed == asked.next_seed
    rows = await counter.campus.rows("SELECT key_no FROM terminal_key ORDER BY key_no")
    assert [row[0] for row in rows] == [1, 2]
    assert (await quarter.online(ALICES_CARD)).is_approved


async def test_other_process_knows_the_terminals_next_key_at_once(quarter: Quarter) -> None:
    counter, campus = quarter.counter, quarter.counter.campus
    here, way = campus.app, counter.line
    await quarter.restart()
    assert (await quarter.online()).is_approved  # the other process has the terminal in its cache
    there, campus.app = campus.app, here
    await way.rotate_key()
    campus.app = there
    # Within the half minute that a process goes by what it read.
    assert (await counter.till.sell(ALICES_CARD, 100)).is_approved


async def test_leaked_pass_key_dies_on_each_terminal_with_the_document(quarter: Quarter) -> None:
    counter, campus = quarter.counter, quarter.counter.campus
    old, leaked = quarter.phone.show(), quarter.kid(KeyUse.PASS)
    thief = stolen(quarter)
    # Before anybody has noticed, the register of phones keeps the thief from paying online.
    before = await quarter.money()
    assert response_code(await quarter.online(thief())) == "63"
    assert await quarter.money() == before
    await quarter.withdraw(KeyUse.PASS)

    # The server knows at once; a till without a network sells on in good faith.
    before = await quarter.money()
    assert response_code(await quarter.online()) == "63"
    assert await quarter.money() == before
    assert (await quarter.alone()).is_offline
    assert (await quarter.alone(thief())).is_offline

    # The phone needs no new slot: its pass is signed anew, and the till hears of the key.
    unaware = counter.journal.identity
    assert await quarter.beat() == ["SYNC"]
    assert await quarter.beat() == []  # which acknowledges the document
    assert await quarter.refusal(quarter.phone.show()) == "KEY_UNKNOWN"
    fresh = await quarter.fetch()
    assert pass_kid(fresh) == quarter.kid(KeyUse.PASS) != leaked
    assert slot_of(fresh) == slot_of(old)
    assert (await quarter.online(fresh)).is_approved
    assert await quarter.judged() == [ACCEPTED, ("SUSPECT", "PASS_UNKNOWN")]
    assert await counter.balance("S001") == 5_000 - 200

    # A till that takes such a pass although it was told pays for it itself.
    counter.journal.enrol(unaware)
    counter.campus.clock.advance(seconds=31)
    assert (await quarter.alone(thief())).is_offline
    before = await quarter.money()
    assert await quarter.judged() == [("REJECTED", "KEY_UNKNOWN")]
    assert await quarter.money() == before
    assert len(campus.keys.signing) == 4


def stolen(quarter: Quarter) -> Callable[[], str]:
    """Shows codes of a pass that somebody signed with the leaked key over the victim's serial."""
    campus = quarter.counter.campus
    seed = campus.keys.signing_seed(KeyUse.PASS, campus.clock.now())
    code, own = cc1.read(quarter.phone.show()), bytes([0x34]) * 32
    assert isinstance(code, cc1.Presentation)
    forged = cc1.issue_pass(
        issuer=SCHOOL, kid=seed.kid, kind=cc1.Kind(code.kind), cap_tag=code.cap_tag,
        pass_no=code.pass_no, not_before=code.not_before, ttl=code.ttl, cap_class=code.cap_class,
        flags=code.flags, mask=code.mask, device_key=public(own),
        sign=signer(seed.for_issuer(SCHOOL)),
    )  # fmt: skip

    def show() -> str:
        campus.clock.advance(seconds=31)
        t = int(campus.clock.now().timestamp()) + 31 - code.not_before
        return cc1.show(forged, t, cc1.Intent.PAY, signer(own))

    return show


async def test_leaked_answer_and_document_keys_are_believed_no_more(quarter: Quarter) -> None:
    counter = quarter.counter
    sold, store = await quarter.online(), counter.line.store
    parameters = store.version(DocumentKind.PARAMETERS)
    await quarter.withdraw(KeyUse.ANSWER)
    # A till that has not heard of the new key takes no answer for an approval: it decides alone.
    unknown = await quarter.online(ALICES_CARD)
    assert (unknown.outcome, unknown.is_offline) == (None, True)
    assert await quarter.beat() == ["SYNC"]
    assert await quarter.judged() == [("ACCEPTED", None)]
    assert (await quarter.online()).is_approved
    signed = counter.journal.get(sold.entry.key).signed_answer
    refused = counter.journal.identity.verify(str(signed), sold.entry.key, 100)
    assert refused is CodeRefusal.KEY_UNKNOWN
    await quarter.withdraw(KeyUse.DOCUMENT)
    assert await quarter.beat() == ["SYNC"]
    assert store.version(DocumentKind.PARAMETERS) == parameters + 1
    assert await counter.balance("S001") == 5_000 - 300


async def test_key_of_a_site_edge_lives_as_long_as_the_document_says(quarter: Quarter) -> None:
    counter, campus = quarter.counter, quarter.counter.campus
    edge, now = bytes([0x45]) * 32, counter.line.now()
    line = PublicKey(SCHOOL, 200, KeyUse.EDGE, public(edge), now, now + 100, now + 100, site_no=1)

    def heard(site_no: int = 1, later: int = 0) -> object:
        identity, key = counter.journal.identity, RequestKey(1, 1, 1)
        answer = Answer(Outcome.APPROVED, SCHOOL, line.kid, key, 100, now + later, "00")
        text = ccr.make(answer, signer(edge))
        waiting = Outstanding(SCHOOL, key, 100, 0, 0)
        found = ccr.verify(text, keys=identity.ring, outstanding=waiting, site_no=site_no)
        return found if isinstance(found, CodeRefusal) else found.outcome

    await quarter.publish_lines([*campus.keys.public_keys(SCHOOL), line])
    assert await quarter.beat() == ["SYNC"]
    assert heard() is Outcome.APPROVED
    assert heard(site_no=2) is CodeRefusal.KEY_UNKNOWN
    assert heard(later=101) is CodeRefusal.KEY_UNKNOWN
    assert heard(later=-1) is CodeRefusal.KEY_UNKNOWN
    await quarter.publish_lines(campus.keys.public_keys(SCHOOL))
    assert await quarter.beat() == ["SYNC"]
    assert heard() is CodeRefusal.KEY_UNKNOWN
