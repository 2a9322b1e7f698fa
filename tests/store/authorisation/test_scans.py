"""Payments that payers begin: races for one scanned code, on a real database."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from core.audit.records import Actor, ActorKind
from core.audit.service import Audit
from core.authorisation.records import (
    Answer,
    ChallengeExpired,
    CodeUsed,
    Key,
    PurchaseRequest,
    ScanKey,
)
from core.authorisation.service.scans import Scans
from core.kit.errors import IdempotencyConflict
from core.school.service import Prints
from tests.factories.canteen import PURSES, SCHOOL, TILLS, Canteen, Holder, sign

OPERATOR = Actor(ActorKind.OPERATOR, "sample-operator")


@dataclass
class Scanning:
    """The services under test at a canteen, and the hands that play payers."""

    canteen: Canteen
    prints: Prints
    scans: Scans

    def own(self, holder: Holder, name: str = "k1", **given: Any) -> ScanKey:
        """A payer's key."""
        return ScanKey(holder.id, name, given.get("text", "CCQ:1"), given.get("typed"))

    def maker(
        self, holder: Holder, amount_minor: int, **changes: Any
    ) -> Callable[[Key], PurchaseRequest]:
        """Makes the payer's request under a key, as the terminals room does."""

        def make(key: Key) -> PurchaseRequest:
            return self.canteen.purchase(
                holder,
                amount_minor,
                **{
                    "terminal_no": key.terminal_no,
                    "batch_no": key.batch_no,
                    "seq_no": key.seq_no,
                    "content_hash": holder.id.bytes + amount_minor.to_bytes(16),
                    "device_id": None,
                    "instrument": "CCQ",
                    "replay_key": b"\x03" + b"%013d" % (key.batch_no * 1_000_000 + key.seq_no),
                    **changes,
                },
            )

        return make

    async def pay(
        self, holder: Holder, key: Key, amount_minor: int = 700, name: str = "k1", **changes: Any
    ) -> Answer:
        """A payer pays a code."""
        make = self.maker(holder, amount_minor, **changes)
        return await self.scans.pay(SCHOOL, PURSES, self.own(holder, name), key, make, sign)

    async def print_code(self) -> Key:
        """The key of a merchant's new print."""
        made = await self.prints.issue(SCHOOL, 1, 1, 0, 2, OPERATOR)
        return Key(made.terminal_no, 0, made.number)


@pytest.fixture
def scanning(canteen: Canteen) -> Scanning:
    """Scans at a canteen."""
    audit = Audit(canteen.database, canteen.clock, canteen.ids, {1: bytes(range(32))})
    prints = Prints(canteen.database, canteen.clock, audit)
    scans = Scans(canteen.database, canteen.clock, canteen.limits, prints.count_payment)
    return Scanning(canteen, prints, scans)


CODE = Key(TILLS[0], 1, 500)


async def test_two_payers_at_once_pay_one_code_once(scanning: Scanning) -> None:
    canteen = scanning.canteen
    for round_ in range(20):
        one, two = await canteen.holder(5_000), await canteen.holder(5_000)
        code = Key(TILLS[0], 2, round_ + 1)
        results = await asyncio.gather(
            scanning.pay(one, code), scanning.pay(two, code), return_exceptions=True
        )
        won = [isinstance(each, Answer) for each in results]
        assert sorted(won) == [False, True], results
        assert isinstance(results[won.index(False)], CodeUsed)
        left = [await canteen.funds(holder) for holder in (one, two)]
        assert left[won.index(True)] == (4_300, 4_300)
        assert left[won.index(False)] == (5_000, 5_000)
    assert await canteen.broken() == {}


async def test_void_races_payment_and_no_money_is_lost(scanning: Scanning) -> None:
    canteen = scanning.canteen
    holder = await canteen.holder(90_000)
    for round_ in range(30):
        code = Key(TILLS[0], 3, round_ + 1)
        paid, voided = await asyncio.gather(
            scanning.pay(holder, code, 10, f"k{round_}"),
            canteen.answer(canteen.follow("VOID", code), process=1),
        )
        assert (voided.outcome, voided.response_code) == ("VOIDED", "00")
        assert paid.response_code in ("00", "22")
        assert paid.signed_answer == sign(paid)
        status = await canteen.authorisations.status(SCHOOL, code)
        assert status.state == ("VOIDED" if paid.response_code == "00" else "TOMBSTONE")
    assert await canteen.funds(holder) == (90_000, 90_000)
    assert await canteen.broken() == {}


async def test_terminal_and_payer_race_for_one_key_and_one_of_them_has_it(
    scanning: Scanning,
) -> None:
    canteen = scanning.canteen
    holder, other = await canteen.holder(90_000), await canteen.holder(90_000)
    for round_ in range(20):
        code = Key(TILLS[0], 4, round_ + 1)
        tapped = canteen.purchase(other, 700, batch_no=4, seq_no=code.seq_no)
        results = await asyncio.gather(
            scanning.pay(holder, code, 700, f"k{round_}"),
            canteen.authorise(tapped),
            return_exceptions=True,
        )
        lost = [type(each) for each in results if not isinstance(each, Answer)]
        assert lost in ([CodeUsed], [IdempotencyConflict])
    left = [(await canteen.funds(each))[0] for each in (holder, other)]
    assert sum(left) == 2 * 90_000 - 20 * 700
    assert await canteen.broken() == {}


async def test_fifty_parallel_equal_payments_post_once(scanning: Scanning) -> None:
    canteen = scanning.canteen
    holder = await canteen.holder(5_000)
    answers = await asyncio.gather(*(scanning.pay(holder, CODE) for _ in range(50)))
    assert [a.verdict for a in answers].count("NEW") == 1
    assert len({(a.outcome, a.retrieval_reference, a.signed_answer) for a in answers}) == 1
    assert await canteen.funds(holder) == (4_300, 4_300)
    assert await canteen.counts() == (1, 1, 2, 4, 1)
    assert await canteen.broken() == {}


async def test_fifty_payments_of_one_code_under_fifty_keys_post_once(scanning: Scanning) -> None:
    canteen = scanning.canteen
    holder = await canteen.holder(5_000)
    answers = await asyncio.gather(*(scanning.pay(holder, CODE, name=f"k{n}") for n in range(50)))
    assert [a.verdict for a in answers].count("NEW") == 1
    assert len({a.signed_answer for a in answers}) == 1
    assert await canteen.funds(holder) == (4_300, 4_300)
    assert await canteen.counts() == (1, 1, 2, 4, 1)


@pytest.mark.parametrize(
    ("amount", "outcome", "code"), [(5_001, "DECLINED", "51"), (4_000, "PIN_REQUIRED", "70")]
)
async def test_what_is_not_paid_leaves_nothing_behind(
    scanning: Scanning, amount: int, outcome: str, code: str
) -> None:
    canteen = scanning.canteen
    holder = await canteen.holder(5_000)
    answer = await scanning.pay(holder, CODE, amount, single_minor=3_000)
    assert (answer.outcome, answer.response_code) == (outcome, code)
    assert answer.signed_answer is None
    assert await canteen.counts() == (0, 0, 1, 2, 0)
    for table in ("idempotency", "continuation"):
        assert await canteen.rows(f"SELECT 1 FROM {table}") == []
    assert await scanning.scans.repeated(SCHOOL, scanning.own(holder)) is None
    assert (await canteen.authorisations.status(SCHOOL, CODE)).answer is None
    assert (await scanning.pay(holder, CODE, 100)).outcome == "APPROVED"
    assert await canteen.funds(holder) == (4_900, 4_900)


async def test_repeat_is_found_before_and_other_content_conflicts(scanning: Scanning) -> None:
    canteen = scanning.canteen
    holder = await canteen.holder(5_000)
    paid = await scanning.pay(holder, CODE)
    found = await scanning.scans.repeated(SCHOOL, scanning.own(holder))
    assert found is not None
    assert (found.verdict, found.signed_answer) == ("REPEATED", paid.signed_answer)
    for changed in ({"text": "CCQ:2"}, {"typed": 700}):
        with pytest.raises(IdempotencyConflict):
            await scanning.scans.repeated(SCHOOL, scanning.own(holder, **changed))
    assert await canteen.funds(holder) == (4_300, 4_300)


async def test_payments_by_one_print_at_once_are_numbered_without_gaps(scanning: Scanning) -> None:
    canteen, code = scanning.canteen, await scanning.print_code()
    rich = [await canteen.holder(1_000) for _ in range(12)]
    poor = [await canteen.holder(10) for _ in range(6)]
    answers = await asyncio.gather(*(scanning.pay(h, code, 300) for h in [*rich, *poor]))
    kept = [a for a in answers if a.outcome == "APPROVED"]
    assert sorted((a.batch_no, a.seq_no) for a in kept) == [(1, n + 1) for n in range(12)]
    assert [a.response_code for a in answers].count("51") == 6
    assert await canteen.rows("SELECT payments FROM printed_code") == [(12,)]
    assert {await canteen.funds(holder) for holder in rich} == {(700, 700)}
    assert await canteen.broken() == {}


async def test_fifty_parallel_equal_payments_by_a_print_post_once(scanning: Scanning) -> None:
    canteen, code = scanning.canteen, await scanning.print_code()
    holder = await canteen.holder(5_000)
    answers = await asyncio.gather(*(scanning.pay(holder, code) for _ in range(50)))
    assert [a.verdict for a in answers].count("NEW") == 1
    assert len({a.signed_answer for a in answers}) == 1
    assert await canteen.funds(holder) == (4_300, 4_300)
    assert await canteen.rows("SELECT payments FROM printed_code") == [(1,)]
    assert await canteen.counts() == (1, 1, 2, 4, 1)
    assert await canteen.broken() == {}


async def test_revocation_takes_its_turn_among_payments(scanning: Scanning) -> None:
    canteen, code = scanning.canteen, await scanning.print_code()
    holders = [await canteen.holder(1_000) for _ in range(10)]
    results = await asyncio.gather(
        *(scanning.pay(holder, code, 300) for holder in holders),
        scanning.prints.revoke(SCHOOL, 1, code.seq_no, OPERATOR),
        return_exceptions=True,
    )
    paid = [each for each in results if isinstance(each, Answer)]
    late = [each for each in results if isinstance(each, ChallengeExpired)]
    assert len(paid) + len(late) == 10
    assert await canteen.rows("SELECT payments FROM printed_code") == [(len(paid),)]
    before = await canteen.counts()
    with pytest.raises(ChallengeExpired):
        await scanning.pay(holders[0], code, 300, "k2")
    assert await canteen.counts() == before
    assert await canteen.broken() == {}


async def test_print_whose_numbers_are_used_up_is_over(scanning: Scanning) -> None:
    canteen, code = scanning.canteen, await scanning.print_code()
    holder = await canteen.holder(1_000)
    await canteen.rows("UPDATE printed_code SET payments = 999998")
    last = await scanning.pay(holder, code, 300)
    assert last.seq_no == 999_999
    with pytest.raises(ChallengeExpired):
        await scanning.pay(holder, code, 300, "k2")
    assert await canteen.funds(holder) == (700, 700)
