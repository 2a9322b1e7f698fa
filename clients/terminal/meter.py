"""The meter: water runs against a hold of the server, or alone by a code it can prove.

What ran is on the disk every ten seconds and is told until the server has taken it; after a power
cut what was on the disk is (terminals.md 11).
"""

from base64 import b64decode

from clients.endpoint import Json, NoAnswer, NotAllowed, QuestionRefused
from clients.terminal.journal import Entry, Journal, Operation
from clients.terminal.meter_store import MeterStore, Running
from clients.terminal.protocol import Line
from clients.terminal.receipt import Receipt
from clients.terminal.till import Till
from clients.terminal.wire_format import key_input
from terminals.codes import strip
from terminals.message import RequestKey
from terminals.water import EARLY_SECONDS, Slot, find_sequence, open_key

POWER_CUT = "POWER_CUT"


class Meter:
    """The meters of one terminal. One request at a time."""

    def __init__(self, journal: Journal, line: Line, till: Till) -> None:
        self._journal = journal
        self._line = line
        self._till = till
        self.store = MeterStore(journal)

    async def sync(self) -> list[Json]:
        """Fetches the meters with the keys of their groups; what it takes to go on alone.

        Raises: NoAnswer.
        """
        meters = await self._line.ask_meters()
        self.store.keep_meters(meters)
        return meters

    async def start(
        self, meter_no: int, *, code8: str | None = None, presented: str | None = None
    ) -> tuple[Receipt, Running | None]:
        """Whether water may run; what runs is on the disk before this answers."""
        given: Json = {"meterNo": meter_no}
        if code8 is not None:
            given["code8"] = code8
        if presented is not None:
            given["presented"] = strip(presented)
        entry = self._journal.write(Operation.METER_START, given, 0)
        try:
            receipt = await self._till.send(entry)
        except (NotAllowed, QuestionRefused):
            return await self._given_up(entry)
        except NoAnswer:
            run = self._alone(entry)
            if run is None:
                return await self._given_up(entry)
            return Receipt(entry, None, is_offline=True), run
        if not receipt.is_approved:
            return receipt, None
        run = _begun(entry.key, receipt.shown["run"])
        self.store.begin(entry, run)
        return receipt, run

    def flush(self, run: Running, units: int) -> None:
        """Puts what ran so far on the disk."""
        self.store.flush(run.key, units)

    async def stop(self, run: Running, units: int, reason: str) -> list[Receipt]:
        """Ends what runs and tells it, with whatever else waits to be told."""
        self.store.flush(run.key, units)
        self.store.end(run.key, reason)
        return await self.settle()

    def power_up(self) -> None:
        """What was running when the power went is over, at what was on the disk."""
        for run in self.store.runs():
            self.store.end(run.key, POWER_CUT)

    async def settle(self) -> list[Receipt]:
        """Tells what has ended, oldest first. Stops where the network does."""
        self._undo_unknown()
        receipts = []
        for run in self.store.runs():
            if run.reason is None:
                continue
            try:
                receipts.append(await self._tell(run))
            except (NotAllowed, QuestionRefused):
                continue
            except NoAnswer:
                break
        return receipts

    async def _tell(self, run: Running) -> Receipt:
        if run.is_alone:
            started = await self._till.send(self._journal.get(run.key))
            if started.shown.get("run") is None:
                # The server knows better whose code it was: nobody can be charged here.
                self.store.forget(run.key)
                return started
            self.store.priced(run.key, started.shown["run"]["tariff"])
            run = next(each for each in self.store.runs() if each.key == run.key)
        receipt = await self._till.send(self._stop_of(run))
        self.store.forget(run.key)
        return receipt

    def _stop_of(self, run: Running) -> Entry:
        """The stop of a run, on the disk: the one that waits already, or a new one."""
        for entry in self._journal.list_open():
            if entry.operation is Operation.METER_STOP and entry.original == run.key:
                return entry
        given = {
            "original": key_input(run.key),
            "units": run.units,
            "minorAmount": run.amount_minor or None,
            "reason": run.reason,
        }
        return self._journal.write(Operation.METER_STOP, given, run.amount_minor, run.key)

    def _undo_unknown(self) -> None:
        """A start by which nothing ran, whatever the server made of it, is voided by the till."""
        for key in self.store.unstarted():
            given = {"original": key_input(key), "reason": "TIMEOUT"}
            self._journal.write(Operation.VOID, given, 0, key)

    async def _given_up(self, entry: Entry) -> tuple[Receipt, None]:
        """Whatever the server made of it is undone: no water runs."""
        return await self._till.give_up(entry), None

    def _alone(self, entry: Entry) -> Running | None:
        """Water without the server: for a code that this meter can prove, and never took before."""
        code8, meter_no, now = entry.given.get("code8"), entry.given["meterNo"], self._line.now()
        known = self.store.find_meter(meter_no)
        if code8 is None or known is None or not self._line.is_clock_trusted:
            return None
        if self.store.is_locked(meter_no, now):
            return None
        key = open_key(b64decode(known["sealedKey"]), bytes.fromhex(self._journal.identity.seed))
        if key is None:
            return None
        for slot in _open_slots(known, now):
            if find_sequence(key, slot, code8, now) is None:
                continue
            run = _alone(entry.key, known, slot, now)
            if self.store.is_used(code8, run.ends_at):
                return None
            self.store.begin(entry, run)
            return run
        self.store.note_wrong(meter_no, now)
        return None


def _open_slots(known: Json, now: int) -> list[Slot]:
    """The slots whose codes are good now, of the days around it: at most two."""
    seconds, first = known["slotSeconds"], known["firstSlotAt"]
    day = (now + EARLY_SECONDS - first) // 86_400 * 86_400 + first
    starts = [day + index * seconds for index in range(known["slotCount"])]
    slots = [Slot(known["groupNo"], known["stall"], at, seconds) for at in starts]
    return [slot for slot in slots if slot.is_open(now)]


def _begun(key: RequestKey, told: Json) -> Running:
    tariff = told["tariff"]
    return Running(
        key=key,
        meter_no=told["meterNo"],
        started_at=told["startedAt"],
        ends_at=told["endsAt"],
        price_minor=tariff["price"]["minorAmount"],
        per_units=tariff["perUnits"],
        maximum_units=tariff["maximumUnits"],
        is_alone=False,
    )


def _alone(key: RequestKey, known: Json, slot: Slot, now: int) -> Running:
    tariff = known["tariff"]
    return Running(
        key=key,
        meter_no=known["meterNo"],
        started_at=now,
        ends_at=slot.starts_at + slot.length_seconds,
        price_minor=tariff["price"]["minorAmount"],
        per_units=tariff["perUnits"],
        maximum_units=tariff["maximumUnits"],
        is_alone=True,
    )
