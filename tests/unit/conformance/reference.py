"""The reference terminal, led through the script as its staff would lead it."""

import os
import shutil
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2

from bff.conformance.play import Play, Prompt
from bff.conformance.school import PIN, WRONG_PIN
from bff.conformance.steps import NOTHING, Do, Done, Door, Shown, Water
from clients.endpoint import Endpoint, Json, NoAnswer
from clients.screen import yuan
from clients.terminal.alone import Alone
from clients.terminal.batches import Batches, BatchNotWhole
from clients.terminal.gate import Gate
from clients.terminal.gate_store import GateStore
from clients.terminal.journal import Entry, Journal, TillLocked
from clients.terminal.keys import Identity
from clients.terminal.meter import Meter
from clients.terminal.meter_commands import Head
from clients.terminal.meter_store import MeterStore
from clients.terminal.offline_store import OfflineStore
from clients.terminal.protocol import Line, enrol
from clients.terminal.receipt import ClockUntrusted, CodeTaken, Direction, Receipt, ReceiptRefused
from clients.terminal.till import Till
from terminals.scenes import Scene
from terminals.signature import Request

NOW = 1_800_000_000
SILENCE_SECONDS = 1.0
BEATS = 4
"""Heartbeats that staff wait for before they say that nothing comes."""


class Time:
    """Time that passes by waiting alone: no test waits, and none is late on a busy machine."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> float:
        """The present in seconds, of an invented day."""
        return NOW + self._passed

    async def sleep(self, seconds: float) -> None:
        """Lets it pass."""
        self._passed += seconds

    async def wait_for(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        """The work, if there is time for it at all."""
        if seconds <= 0:
            work.close()
            raise TimeoutError
        return await work


TIME = Time()


class Wire(httpx2.AsyncBaseTransport):
    """The network between terminal and scripted server: silence is a time-out at once."""

    def __init__(self, play: Play) -> None:
        self._play = play

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One question."""
        body = await request.aread()
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = self._play.answer(Request(request.method, request.url.path, headers, body))
        if reply is None:
            await TIME.sleep(SILENCE_SECONDS)
            raise httpx2.ReadTimeout("silence", request=request)
        return httpx2.Response(reply.status, content=reply.body, headers=dict(reply.headers))


class Memory(Journal):
    """A journal that believes what a class of identities does; its disk needs no flushing here."""

    def __init__(self, path: Path, kind: type[Identity] = Identity) -> None:
        super().__init__(path)
        self.run("PRAGMA synchronous = OFF")
        self._kind = kind

    @property
    def identity(self) -> Identity:
        """Who this terminal is."""
        own = super().identity
        if type(own) is not self._kind:
            facts = {name: getattr(own, name) for name in own.__dataclass_fields__}
            own = self._identity = self._kind(**facts)
        return own


class Terminal:
    """A terminal and its staff. What a broken one does otherwise stands in its subclasses."""

    line_class: type[Line] = Line
    till_class: type[Till] = Till
    batches_class: type[Batches] = Batches
    identity_class: type[Identity] = Identity
    endpoint_class: type[Endpoint] = Endpoint
    store_class: type[OfflineStore] = OfflineStore
    alone_class: type[Alone] = Alone
    gate_class: type[Gate] = Gate
    passages_class: type[GateStore] = GateStore
    meter_class: type[Meter] = Meter

    def __init__(self, path: Path, http: httpx2.AsyncClient) -> None:
        self._path = path
        self._endpoint = self.endpoint_class(http)
        self._receipts: dict[str, Receipt] = {}
        self._shown: Entry | None = None
        self._open()

    def _open(self) -> None:
        self.journal = self.make_journal(self._path)
        self.line = self.line_class(self._endpoint, self.journal, self.now, os.urandom)
        self.line.store = self.store_class(self.journal)
        self.line.passages = self.passages_class(self.journal)
        self.batches = self.batches_class(self.journal, self.line, self.line.store)

    def make_journal(self, path: Path) -> Journal:
        """Its memory, which reads itself as `identity_class`."""
        return Memory(path, self.identity_class)

    def now(self) -> float:
        """The device's own clock."""
        return TIME.now()

    def till(self) -> Till:
        """It at work."""
        till = self.till_class(self.journal, self.line)
        till._alone = self.alone_class(self.journal, self.line)
        till._gate = self.gate_class(self.journal, self.line)
        return till

    async def play(self, play: Play) -> None:
        """All steps, told as somebody sees them who stands before it."""
        while (prompt := play.prompt) is not None:
            word = await self.act(prompt, play)
            if play.prompt is not None and play.prompt.step.id == prompt.step.id:
                assert play.tell(prompt.step.id, word), (prompt, word)
        self.journal.close()

    async def act(self, prompt: Prompt, play: Play) -> str:
        """Does a step; what staff say of it."""
        if prompt.step.do is Do.ENROL:
            return await self.enrol(prompt, play)
        till = self.till()
        # A sale that is shown still waits for its receipt, and a power cut for nothing.
        if prompt.step.do not in (Do.SCAN, Do.POWER_CUT):
            with suppress(NoAnswer):
                await till.settle_open()
        match prompt.step.do:
            case Do.WAIT:
                await self.wait(prompt, play, till)
            case Do.POWER_CUT:
                self.cut_power()
                if prompt.step.id == "meter.power":
                    self.meter(self.till()).power_up()
            case Do.METER:
                return await self.use(self.meter(till), prompt)
            case Do.VOID:
                await self.void(till, prompt)
            case Do.UPLOAD:
                await self.upload(prompt, play, till)
            case Do.CLOSE:
                await self.close_batch(prompt, play)
            case Do.ASK:
                return await self.ask(till, prompt)
            case Do.SCAN:
                return self.scan(till, prompt)
            case Do.HOLD | Do.CAPTURE | Do.REFUND:
                return await self.follow(till, prompt)
            case Do.LOOK_UP:
                return await self.look_up(prompt)
            case Do.ROTATE:
                await self.rotate(prompt, play)
            case Do.PASS:
                return await self.enter(till, prompt)
            case _:
                return await self.sell(till, prompt)
        return "GO ON"

    async def enrol(self, prompt: Prompt, play: Play) -> str:
        """Registers itself; the fingerprint on its screen."""
        with suppress(NoAnswer):
            code = play.school.activation_code
            identity, _ = await enrol(self._endpoint, 7, code, "SAMPLE", "SN-1", os.urandom)
            self.journal.enrol(identity)
            return self.journal.identity.fingerprint
        return "nothing"

    async def wait(self, prompt: Prompt, play: Play, till: Till) -> None:
        """Beats, and ends what is open."""
        for _ in range(BEATS):
            with suppress(NoAnswer):
                await self.line.set_clock()
            if play.prompt is None or play.prompt.step.id != prompt.step.id:
                return
            with suppress(NoAnswer):
                await till.settle_open()

    async def sell(self, till: Till, prompt: Prompt) -> str:
        """A sale, or its PIN; what the screen shows."""
        try:
            receipt = await self.sale(till, prompt)
        except (TillLocked, CodeTaken):
            return Shown.NOT_PAID
        self._receipts[prompt.step.id] = receipt
        return shown(receipt)

    async def sale(self, till: Till, prompt: Prompt) -> Receipt:
        """What came of the sale of a step."""
        if prompt.step.do is Do.PIN:
            return await till.sell_with_pin(self._receipts[prompt.step.of], PIN)
        receipt = await till.sell(f"{prompt.code}\r\n", prompt.step.minor_amount)
        if prompt.step.id == "pin":
            return await till.sell_with_pin(receipt, WRONG_PIN)
        return receipt

    async def enter(self, till: Till, prompt: Prompt) -> str:
        """Asks whether to open; what the door does."""
        try:
            receipt = await till.enter(f"{prompt.code}\r\n", 1, Direction.IN)
        except (TillLocked, CodeTaken):
            return Door.SHUT
        return Door.OPENED if self.opens(prompt, receipt) else Door.SHUT

    def opens(self, prompt: Prompt, receipt: Receipt) -> bool:
        """Whether its door opens for an answer."""
        return receipt.is_approved

    async def void(self, till: Till, prompt: Prompt) -> None:
        """Undoes a sale for the cashier."""
        sold = self._receipts.get(prompt.step.of)
        if sold is not None:
            await till.void(sold.entry.key)

    async def follow(self, till: Till, prompt: Prompt) -> str:
        """A hold, or what follows a purchase; what the screen shows."""
        try:
            receipt = self._receipts[prompt.step.id] = await self.followed(till, prompt)
        except (TillLocked, CodeTaken):
            return Done.REFUSED
        return self.done(prompt, receipt)

    async def followed(self, till: Till, prompt: Prompt) -> Receipt:
        """What came of it."""
        step = prompt.step
        if step.do is Do.HOLD:
            return await till.sell(f"{prompt.code}\r\n", step.minor_amount, is_held=True)
        if step.of == "":
            assert prompt.code is not None
            return await till.refund(prompt.code, step.minor_amount, "cold soup")
        original = self._receipts[step.of].entry.key
        if step.do is Do.CAPTURE:
            return await till.capture(original, step.minor_amount)
        return await till.refund(original, step.minor_amount, "cold soup")

    def done(self, prompt: Prompt, receipt: Receipt) -> str:
        """What the screen says of it."""
        if receipt.is_approved:
            return Done.DONE
        is_told = receipt.answer is not None or "text" in receipt.shown
        return Done.REFUSED if is_told else Done.UNKNOWN

    async def look_up(self, prompt: Prompt) -> str:
        """The balance of whoever presents a code."""
        try:
            told = await self.line.look_up(prompt.code or "", Scene.MEAL)
        except NoAnswer:
            return NOTHING
        return self.balance(told)

    def balance(self, told: Json) -> str:
        """What the screen shows of it."""
        return NOTHING if told["balance"] is None else yuan(told["balance"]["minorAmount"])

    async def rotate(self, prompt: Prompt, play: Play) -> None:
        """Changes its key, and goes on with it; staff try it twice."""
        for _ in range(2):
            with suppress(NoAnswer):
                await self.line.rotate_key()
                await self.line.set_clock()
            if play.prompt is None or play.prompt.step.id != prompt.step.id:
                return

    def meter(self, till: Till) -> Meter:
        """The meter at work."""
        return self.meter_class(self.journal, self.line, till)

    async def use(self, meter: Meter, prompt: Prompt) -> str:
        """Presses what staff press; what the valve does."""
        head, code = Head(meter, self.line, 1, "en"), prompt.code or ""
        for word in [f"scan:{code}"] if prompt.step.id == "meter.scan" else ["confirm", code]:
            await head.meet(word)
        if head._run is None:
            return Water.STOOD
        after = {"meter.idle": ["confirm", "wait:300"], "meter.cut": ["wait:10"]}
        for word in ["water:75", *after.get(prompt.step.id, ["cancel"])]:
            await head.meet(word)
        return Water.RAN

    async def tell(self, meter: Meter, prompt: Prompt) -> None:
        """Fetches the meters, or tells what ran."""
        if prompt.step.id == "meter.sync":
            await meter.sync()
        await meter.settle()

    async def upload(self, prompt: Prompt, play: Play, till: Till) -> None:
        """Uploads until the verdicts are in."""
        for _ in range(BEATS):
            with suppress(NoAnswer):
                if prompt.step.id.startswith("meter."):
                    await self.tell(self.meter(till), prompt)
                else:
                    await (till.gate if prompt.step.id == "gate.upload" else self.batches).upload()
            if play.prompt is None or play.prompt.step.id != prompt.step.id:
                return

    async def close_batch(self, prompt: Prompt, play: Play) -> None:
        """Closes the day."""
        number = self.journal.batch_no()
        for _ in range(BEATS):
            with suppress(NoAnswer, BatchNotWhole):
                await self.batches.close(number)
            if play.prompt is None or play.prompt.step.id != prompt.step.id:
                return

    async def ask(self, till: Till, prompt: Prompt) -> str:
        """Shows its own code; the text that staff read."""
        try:
            self._shown = await till.show_challenge(prompt.step.minor_amount)
        except (ClockUntrusted, TillLocked):
            return NOTHING
        return till.challenge_text(self._shown)

    def scan(self, till: Till, prompt: Prompt) -> str:
        """Scans a receipt."""
        assert prompt.code is not None
        try:
            return shown(till.take_receipt(prompt.code))
        except ReceiptRefused:
            return Shown.NOT_PAID

    def cut_power(self) -> None:
        """Starts again with what is on the disk."""
        self.journal.close()
        self._open()


def shown(receipt: Receipt) -> Shown:
    """What the screen says."""
    if receipt.is_approved:
        return Shown.PAID
    return Shown.UNKNOWN if receipt.answer is None else Shown.NOT_PAID


def blank(folder: Path, name: str) -> Path:
    """A new terminal's file: a copy of one, for making the tables waits for the disk."""
    made, path = folder / "blank.db", folder / f"{name}.db"
    if not made.exists():
        with Journal(made) as journal:
            OfflineStore(journal)
            GateStore(journal)
            MeterStore(journal)
    shutil.copy(made, path)
    return path


async def played(terminal: type[Terminal], folder: Path, **options: Any) -> Play:
    """The play after a terminal of this kind went through it."""
    play = Play(os.urandom, TIME.now, **options)
    async with httpx2.AsyncClient(transport=Wire(play), base_url="http://school.example") as http:
        await terminal(blank(folder, terminal.__name__), http).play(play)
    return play
