"""The reference terminal and its pretend chips against the real application, message by message."""

from pathlib import Path

import pytest

from clients.terminal.batches import Batches
from clients.terminal.cards import Cards, Vended
from clients.terminal.chip import Chip, ChipRefused
from clients.terminal.journal import Operation
from clients.terminal.receipt import Patience
from clients.terminal.till import Till
from terminals.ccr import Outcome
from tests.api.claims import NEW_UID, SINGLE, Purse, broken, card_key, report_lost, use_policy
from tests.api.counter import ALICES_CARD, Counter
from tests.api.sample import ALICE, PIN

IMPATIENT = Patience(0.2, 0.2, 0.01)


async def purse_at(counter: Counter, folder: Path) -> Purse:
    """Alice's chip, with 30 yuan that wait."""
    await use_policy(counter.campus)
    purse = Purse.of(counter.campus, folder)
    await purse.put(3_000)
    return purse


async def test_claim_takes_no_amount_and_ends_in_one_go(counter: Counter, tmp_path: Path) -> None:
    purse, cards = await purse_at(counter, tmp_path), Cards(counter.journal, counter.till)
    done = await cards.claim(purse.chip)
    assert done.is_approved
    assert done.shown["amount"] == {"minorAmount": 3_000}
    assert purse.chip.memory.balance == 3_000
    nothing = await cards.claim(purse.chip)
    assert nothing.answer is not None
    assert nothing.answer.response_code == "L1"
    assert (await cards.refresh(purse.chip)).is_approved
    assert purse.chip.memory.daily == 5_000
    assert counter.journal.list_open() == []
    assert await broken(counter.campus) == {}


async def test_claim_at_spend_then_close(counter: Counter, tmp_path: Path) -> None:
    purse, cards = await purse_at(counter, tmp_path), Cards(counter.journal, counter.till)
    counter.campus.clock.advance(seconds=61)
    await counter.campus.wired.services.publisher.refresh(7)
    await counter.line.sync()
    assert purse.chip.memory.balance == 0
    sold = await cards.sell(purse.chip, 1_000)
    assert sold.is_approved
    assert purse.chip.memory.balance == 2_000
    assert (await purse.purses())["CARD"] == (2_000, 0)
    with pytest.raises(ChipRefused):
        await cards.sell(purse.chip, 2_500)
    assert purse.chip.memory.balance == 2_000
    assert await broken(counter.campus) == {}


@pytest.mark.parametrize("lost", ["LoadClaim", "LoadConfirm"])
async def test_kill_between_each_step_loses_no_money(
    counter: Counter, tmp_path: Path, lost: str
) -> None:
    """The answer to the claim, or the confirmation, never comes; the program ends there."""
    purse, written = await purse_at(counter, tmp_path), lost == "LoadConfirm"
    cards = Cards(counter.journal, Till(counter.journal, counter.line, IMPATIENT))
    entry = cards._tapped(Operation.LOAD_CLAIM, {}, purse.chip)
    answer, shown = await counter.line.ask(entry)
    if written:
        counter.journal.end(entry, answer.outcome, shown["signedAnswer"])
        purse.write(shown)
        told = {"loadId": shown["loadId"], "result": "WRITTEN"}
        cards._tapped(Operation.LOAD_CONFIRM, told, purse.chip)
    assert purse.chip.memory.balance == (3_000 if written else 0)
    assert (await purse.purses())["CLAIM"] == (3_000, 3_000)
    again = Cards(counter.journal, counter.till)
    settled = await again.settle_open()
    assert [each.entry.operation for each in settled] == (
        [Operation.LOAD_CONFIRM] if written else []
    )
    assert counter.journal.list_open() == []
    last = await again.claim(purse.chip)
    assert last.answer is not None
    assert last.answer.response_code == ("L1" if written else "00")
    assert purse.chip.memory.balance == 3_000
    assert (await purse.purses())["CARD"] == (3_000, 0)
    assert await broken(counter.campus) == {}


async def test_every_message_lost_once_changes_nothing(counter: Counter, tmp_path: Path) -> None:
    purse, cards = await purse_at(counter, tmp_path), Cards(counter.journal, counter.till)
    left = {"LoadClaim": 1, "LoadConfirm": 1, "CardRefresh": 1}

    def lost(name: str) -> bool:
        left[name] = left.get(name, 0) - 1
        return left[name] >= 0

    counter.network.lost = lost
    done = await cards.claim(purse.chip)
    assert (done.is_approved, done.shown["replayed"]) == (True, True)
    assert (await cards.refresh(purse.chip)).shown["replayed"] is True
    assert (await purse.purses())["CARD"] == (3_000, 0)


async def test_kiosk_lists_claims_and_claims(machine: Counter, tmp_path: Path) -> None:
    await machine.campus.with_pin()
    purse, cards = await purse_at(machine, tmp_path), Cards(machine.journal, machine.till)
    shown = await cards.list_claims(ALICES_CARD, PIN)
    assert shown["waiting"] == {"minorAmount": 3_000}
    wrong = await cards.claim(purse.chip, "999999")
    assert wrong.answer is not None
    assert wrong.answer.response_code == "55"
    assert (await cards.claim(purse.chip, PIN)).is_approved
    (line,) = (await cards.list_claims(ALICES_CARD, PIN))["loads"]
    assert (line["state"], line["amount"]) == ("POSTED", {"minorAmount": 3_000})


async def test_kiosk_hands_out_a_card_or_gives_the_fee_back(
    machine: Counter, tmp_path: Path
) -> None:
    await use_policy(machine.campus, SINGLE)
    phone = await machine.phone()
    assert phone.wallet.access_token is not None
    await report_lost(machine.campus, phone.wallet.access_token)
    cards = Cards(machine.journal, machine.till)
    begun = await cards.replace(phone.show(), NEW_UID, PIN)
    assert begun.is_approved
    failed = await cards.report(begun.shown["jobId"], Vended.FAILED)
    assert failed.outcome is Outcome.VOIDED
    assert await machine.balance("S001") == 5_000
    # The answer is lost and the program ends: nothing came out, so the next start says FAILED.
    machine.campus.clock.advance(minutes=1)
    given = {"presented": phone.show(), "newUid": NEW_UID}
    await machine.line.ask(machine.journal.write(Operation.CARD_REPLACE, given, 0), PIN)
    assert await machine.balance("S001") == 3_000
    begun, ended = await cards.settle_open()
    assert (begun.entry.operation, ended.outcome) == (Operation.CARD_REPLACE, Outcome.VOIDED)
    assert await machine.balance("S001") == 5_000
    assert machine.journal.list_open() == []
    machine.campus.clock.advance(minutes=1)
    third = await cards.replace(phone.show(), NEW_UID, PIN)
    assert (await cards.report(third.shown["jobId"], Vended.DELIVERED)).is_approved
    assert await machine.balance("S001") == 3_000
    await machine.campus.deliver()
    assert await broken(machine.campus) == {}


async def test_kiosk_releases_a_chip_in_hand(machine: Counter, tmp_path: Path) -> None:
    await use_policy(machine.campus)
    token = await machine.campus.with_pin()
    cards, uid = Cards(machine.journal, machine.till), ALICE.card_uid or ""
    chip = Chip.make(tmp_path / "chip", uid, card_key(machine.campus, uid))
    await report_lost(machine.campus, token)
    blocked = await cards.refresh(chip)
    assert (blocked.is_approved, chip.memory.usable) == (False, False)
    assert (await cards.release(chip, PIN)).is_approved
    assert (await cards.refresh(chip)).is_approved
    assert chip.memory.usable is True


async def test_claim_that_was_given_up_does_not_keep_a_batch_open(
    counter: Counter, tmp_path: Path
) -> None:
    purse = await purse_at(counter, tmp_path)
    till = Till(counter.journal, counter.line, IMPATIENT)
    counter.network.lost = lambda name: True
    await Cards(counter.journal, till).claim(purse.chip)
    counter.network.lost, counter.network.cut = lambda name: False, lambda name: True
    await Cards(counter.journal, till).claim(purse.chip)
    counter.network.cut = lambda name: False
    await counter.till.settle_open()
    assert await Batches(counter.journal, counter.line, counter.line.store).close(1) == 0
