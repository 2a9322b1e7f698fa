"""The reference meter against the real application: what ran is paid, and nothing else."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from clients.terminal.batches import Batches
from clients.terminal.meter import POWER_CUT, Meter
from clients.terminal.receipt import Patience
from clients.terminal.till import Till
from core.utility.records import Meter as MeterPlace
from terminals.ccr import Outcome
from tests.api.counter import BRISK, Counter
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, OPERATOR
from tests.api.showers import BATH, code_of, funds, slot_from, sound

ONCE = Patience(budget_seconds=5, attempt_seconds=5, pause_seconds=1_000)
"""One try: the pause before the second is longer than the budget."""


@dataclass
class Bath:
    """A meter that knows its group, and a code that Alice holds for now."""

    counter: Counter
    meter: Meter
    code: str

    def cut(self) -> None:
        """No request gets through any more."""
        self.counter.network.cut = lambda operation: True
        till = Till(self.counter.journal, self.counter.line, ONCE)
        self.meter = Meter(self.counter.journal, self.counter.line, till)

    def mend(self) -> None:
        """The network is back; the program was started again."""
        self.counter.network.cut = lambda operation: False
        self.counter.network.lost = lambda operation: False
        till = Till(self.counter.journal, self.counter.line, BRISK)
        self.meter = Meter(self.counter.journal, self.counter.line, till)

    async def state(self, batch_no: int = 1, seq_no: int = 1) -> str:
        """How the server has a start."""
        (row,) = await self.counter.campus.rows(
            "SELECT state FROM authorisation WHERE batch_no = $1 AND seq_no = $2", batch_no, seq_no
        )
        return str(row[0])


@pytest.fixture
async def bath(counter: Counter) -> Bath:
    """A meter that knows its group, and a code that Alice holds for now."""
    campus, number = counter.campus, counter.journal.identity.terminal_no
    await campus.wired.meters.put_group(SCHOOL, BATH, OPERATOR)
    await campus.wired.meters.put(SCHOOL, MeterPlace(number, 1, BATH.number, 0), OPERATOR)
    token = await campus.bind(ALICE)
    code = await code_of(campus, token, slot_from(campus))
    await counter.line.set_clock()
    meter = Meter(counter.journal, counter.line, counter.till)
    await meter.sync()
    return Bath(counter, meter, code)


async def test_meter_lets_water_run_and_takes_what_it_cost(bath: Bath) -> None:
    receipt, run = await bath.meter.start(1, code8=bath.code)
    assert receipt.is_approved
    assert run is not None
    assert await funds(bath.counter.campus) == (5_000, 4_400)
    bath.meter.flush(run, 30)
    (ended,) = await bath.meter.stop(run, 75, "CANCEL")
    assert ended.is_approved
    assert await funds(bath.counter.campus) == (4_775, 4_775)
    assert bath.meter.store.runs() == []
    again, nothing = await bath.meter.start(1, code8=bath.code)
    assert nothing is None
    assert again.answer is not None
    assert again.answer.response_code == "C1"
    await sound(bath.counter.campus)


async def test_meter_power_cut_captures_flushed_units(bath: Bath) -> None:
    _, run = await bath.meter.start(1, code8=bath.code)
    assert run is not None
    bath.meter.flush(run, 40)  # the last ten seconds before the power went are not on the disk
    bath.mend()
    bath.meter.power_up()
    assert [each.reason for each in bath.meter.store.runs()] == [POWER_CUT]
    (ended,) = await bath.meter.settle()
    assert ended.is_approved
    assert await funds(bath.counter.campus) == (4_880, 4_880)
    assert await bath.state() == "CAPTURED"
    (reading,) = await bath.counter.campus.rows("SELECT units, reason FROM meter_reading")
    assert tuple(reading) == (40, "POWER_CUT")
    # Again: nothing is left to tell.
    bath.meter.power_up()
    assert await bath.meter.settle() == []
    await sound(bath.counter.campus)


async def test_power_cut_before_the_first_unit_releases_everything(bath: Bath) -> None:
    await bath.meter.start(1, code8=bath.code)
    bath.meter.power_up()
    (ended,) = await bath.meter.settle()
    assert ended.outcome is Outcome.VOIDED
    assert ended.is_approved
    assert await funds(bath.counter.campus) == (5_000, 5_000)
    await sound(bath.counter.campus)


async def test_power_cut_before_the_valve_opened_is_undone(bath: Bath) -> None:
    _, run = await bath.meter.start(1, code8=bath.code)
    assert run is not None
    bath.meter.store.forget(run.key)  # the answer was on the disk, what runs by it was not
    bath.meter.power_up()
    assert await bath.meter.settle() == []
    await bath.counter.till.settle_open()
    assert await bath.state() == "VOIDED"
    assert await funds(bath.counter.campus) == (5_000, 5_000)
    assert await bath.meter.settle() == []
    assert bath.counter.journal.list_open() == []


async def test_stop_that_got_no_answer_is_told_again_and_paid_once(bath: Bath) -> None:
    _, run = await bath.meter.start(1, code8=bath.code)
    assert run is not None
    bath.counter.network.lost = lambda operation: True
    till = Till(bath.counter.journal, bath.counter.line, ONCE)
    bath.meter = Meter(bath.counter.journal, bath.counter.line, till)
    assert await bath.meter.stop(run, 50, "IDLE") == []
    assert await funds(bath.counter.campus) == (4_850, 4_850)
    bath.mend()
    (ended,) = await bath.meter.settle()
    assert (ended.is_approved, ended.shown["replayed"]) == (True, True)
    assert await funds(bath.counter.campus) == (4_850, 4_850)
    await sound(bath.counter.campus)


async def test_meter_without_a_network_takes_a_code_once_and_tells_it_later(bath: Bath) -> None:
    bath.cut()
    receipt, run = await bath.meter.start(1, code8=bath.code)
    assert receipt.is_offline
    assert run is not None
    assert run.is_alone
    assert await bath.meter.stop(run, 60, "CANCEL") == []
    _, again = await bath.meter.start(1, code8=bath.code)
    assert again is None
    assert await funds(bath.counter.campus) == (5_000, 5_000)
    bath.counter.campus.clock.advance(hours=20)
    bath.mend()
    (ended,) = await bath.meter.settle()
    assert ended.is_approved
    await bath.counter.till.settle_open()
    assert bath.counter.journal.list_open() == []
    assert await funds(bath.counter.campus) == (4_820, 4_820)
    assert await bath.state() == "CAPTURED"
    assert bath.meter.store.runs() == []
    await sound(bath.counter.campus)


async def test_start_whose_answer_was_lost_goes_on_alone_under_its_key(bath: Bath) -> None:
    bath.counter.network.lost = lambda operation: True
    till = Till(bath.counter.journal, bath.counter.line, ONCE)
    bath.meter = Meter(bath.counter.journal, bath.counter.line, till)
    receipt, run = await bath.meter.start(1, code8=bath.code)
    assert (receipt.is_offline, run is not None) == (True, True)
    assert run is not None
    assert await funds(bath.counter.campus) == (5_000, 4_400)  # the server held it all the same
    bath.mend()
    (ended,) = await bath.meter.stop(run, 10, "CANCEL")
    assert ended.is_approved
    assert await funds(bath.counter.campus) == (4_970, 4_970)
    assert len(await bath.counter.campus.rows("SELECT 1 FROM meter_run")) == 1
    await sound(bath.counter.campus)


async def test_decline_whose_answer_was_lost_is_charged_by_what_ran(bath: Bath) -> None:
    campus = bath.counter.campus
    await campus.rows("UPDATE cardholder_limit SET single_minor = 100 RETURNING 1")
    bath.counter.network.lost = lambda operation: True
    till = Till(bath.counter.journal, bath.counter.line, ONCE)
    bath.meter = Meter(bath.counter.journal, bath.counter.line, till)
    _, run = await bath.meter.start(1, code8=bath.code)
    assert run is not None, "the meter could not know"
    assert await funds(campus) == (5_000, 5_000), "the server declined it"
    bath.mend()
    (ended,) = await bath.meter.stop(run, 60, "CANCEL")
    assert ended.is_approved
    assert bath.meter.store.runs() == []
    assert await funds(campus) == (4_820, 4_820)
    batches = Batches(bath.counter.journal, bath.counter.line, bath.counter.line.store)
    assert await batches.close(1) == 180
    await sound(campus)


async def test_wrong_code_starts_nothing_without_a_network_and_five_lock(bath: Bath) -> None:
    bath.cut()
    for tried in range(5):
        receipt, run = await bath.meter.start(1, code8=f"0000000{tried}")
        assert run is None
        assert not receipt.is_approved
    _, run = await bath.meter.start(1, code8=bath.code)
    assert run is None, "the keypad is locked"
    bath.counter.campus.clock.advance(minutes=10)
    _, run = await bath.meter.start(1, code8=bath.code)
    assert run is not None
    bath.mend()
    await bath.meter.stop(run, 10, "CANCEL")
    await bath.counter.till.settle_open()
    assert await funds(bath.counter.campus) == (4_970, 4_970)
    await sound(bath.counter.campus)


async def test_scan_starts_nothing_without_a_network(bath: Bath) -> None:
    bath.cut()
    _, run = await bath.meter.start(1, presented=f"CARD:{ALICE.card_uid}")
    assert run is None
    bath.mend()
    await bath.counter.till.settle_open()
    assert await bath.state() == "TOMBSTONE"
    assert await funds(bath.counter.campus) == (5_000, 5_000)


async def test_code_that_the_server_does_not_know_is_nobodys(bath: Bath) -> None:
    bath.cut()
    _, run = await bath.meter.start(1, code8=bath.code)
    assert run is not None
    await bath.meter.stop(run, 60, "CANCEL")
    campus = bath.counter.campus
    campus.clock.advance(hours=25)
    bath.mend()
    (told,) = await bath.meter.settle()
    assert told.outcome is Outcome.DECLINED
    assert told.answer is not None
    assert told.answer.response_code == "M2"
    assert bath.meter.store.runs() == []
    assert await funds(campus) == (5_000, 5_000)
    assert await bath.meter.settle() == []


async def test_meter_closes_its_batch_with_what_it_took(bath: Bath) -> None:
    _, run = await bath.meter.start(1, code8=bath.code)
    assert run is not None
    await bath.meter.stop(run, 75, "CANCEL")
    batches = Batches(bath.counter.journal, bath.counter.line, bath.counter.line.store)
    assert await batches.close(1) == 225


async def test_price_of_a_start_alone_is_that_of_the_reservation(bath: Bath) -> None:
    dear = replace(BATH, tariff=replace(BATH.tariff, price_minor=60))
    await bath.counter.campus.wired.meters.put_group(SCHOOL, dear, OPERATOR)
    await bath.meter.sync()
    bath.cut()
    _, run = await bath.meter.start(1, code8=bath.code)
    assert run is not None
    assert run.price_minor == 60
    bath.counter.campus.clock.instant += timedelta(minutes=5)
    bath.mend()
    (ended,) = await bath.meter.stop(run, 100, "CANCEL")
    assert ended.is_approved
    assert await funds(bath.counter.campus) == (4_700, 4_700)
