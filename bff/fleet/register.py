"""The register on a till: what is asked of it, and what went over the counter.

What went over the counter goes into the diary at that moment, whatever the till does next.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from bff.fleet.crowd import Crowd, Customer, Part
from bff.fleet.day import Means
from bff.fleet.device import TRIES, DayNotEnded, Device, Json
from bff.fleet.diary import Diary, digest
from bff.fleet.dice import Dice
from clients.endpoint import NoAnswer

AHEAD_SECONDS = 3_600
"""Phone and till wrong alike: what they make is signed well, and of the future."""
_POWER_CUT, _POWER_SECONDS = 0.012, 1.4
_POWER_CUT_AT_UPLOAD = 0.2
_POWER_CUT_AT_VOID = 0.2
_WALKS_OFF = 0.15
_SAID = ("refusal", "responseCode", "error")
"""Where an answer says why there was no sale."""


class Offer(NamedTuple):
    """What a customer holds out, and when; fen. `clock_off` is the till's then, in seconds."""

    customer: Customer
    minor: int
    text: str
    means: Means
    at: float
    clock_off: float

    @property
    def code(self) -> str:
        """As it stands in the diary: a card is no code, it may be tapped again."""
        return "" if self.means is Means.CARD else digest(self.text)


@dataclass
class Register:
    """One till, and who stands behind it."""

    till: int
    device: Device
    crowd: Crowd
    diary: Diary
    dice: Dice
    chaos: bool
    taken: int = 0
    """How many records it took alone."""
    _batches: set[int] = field(default_factory=lambda: {1})
    _ended: set[tuple[int, int]] = field(default_factory=set)
    """Sales that were handed over or undone: the customer has gone."""
    _clock_off: float = 0

    @property
    def number(self) -> int:
        """Of the terminal."""
        return self.till

    async def sell(
        self, customer: Customer, minor: int, text: str, means: Means = Means.CODE
    ) -> Json | None:
        """What the till said to a code or a card; none if the power was cut before it."""
        offer = Offer(customer, minor, text, means, self.crowd.clock(), self._clock_off)
        self.diary.note("asked", till=self.till, code=offer.code)
        if not self._is_cut(_POWER_CUT):
            return self._note_sold(offer, await self.device.ask("sell", code=text, amount=minor))
        seconds = self.dice.between(0, _POWER_SECONDS)
        answer = await self.device.ask_and_cut(seconds, "sell", code=text, amount=minor)
        if answer is not None:
            self._note_sold(offer, answer)
        await self.start()
        return await self._look_again(offer) if answer is None else answer

    async def charge(self, customer: Customer, minor: int) -> None:
        """The till shows a code, the phone pays it online, and the till reads the receipt.

        It asks the server first: without a line only the receipt tells.
        """
        at, shown = self.crowd.clock(), await self.device.ask("show", amount=minor)
        if "text" not in shown:
            self._note_refused(shown)
            return
        try:
            payment = await customer.phone.pay_code(shown["text"])
        except NoAnswer as none:
            payment = {"outcome": "UNKNOWN", "responseCode": type(none).__name__}
        walks_off = self.chaos and self.dice.between(0, 1) < _WALKS_OFF
        if payment["outcome"] != "APPROVED" or walks_off:
            if payment["outcome"] == "APPROVED":
                self.note_custom("paid, and walked off")
            await self.device.ask("giveUp")
            self._note_refused(payment)
            return
        receipt = payment["receipt"]
        offer = Offer(customer, minor, receipt, Means.RECEIPT, at, self._clock_off)
        answer = await self.device.ask("look")
        if not answer.get("approved"):
            answer = await self._read_receipt(offer, (shown["batchNo"], shown["seqNo"]))
        self._note_sold(offer, answer)

    async def undo(self, sold: Json) -> None:
        """The customer changes their mind at a till without a line.

        Raises: DayNotEnded.
        """
        key = {"batchNo": sold["batchNo"], "seqNo": sold["seqNo"]}
        if self._is_cut(_POWER_CUT_AT_VOID):
            await self.device.ask_and_cut(self.dice.between(0, 0.1), "void", **key)
            await self.start()
        answer = await self.device.ask("void", **key)
        if not answer.get("offline"):
            raise DayNotEnded(f"{self.device.name}: {key} is not undone alone: {answer}")
        self.note_custom("undone alone")
        self.diary.note("undone", till=self.till, batch=key["batchNo"], seq=key["seqNo"],
                        void=answer["seqNo"])  # fmt: skip

    async def upload(self) -> None:
        """Tries to upload over whatever the line is."""
        if self._is_cut(_POWER_CUT_AT_UPLOAD):
            answer = await self.device.ask_and_cut(self.dice.between(0, 2), "upload")
            self.note_judged(answer or {})
            await self.start()
        else:
            self.note_judged(await self.device.ask("upload"))

    async def close(self, batch: int, *, has_lost: bool) -> None:
        """Closes a batch, or hears why not where a record of it was lost.

        Raises: DayNotEnded.
        """
        for _ in range(TRIES):
            answer = await self.device.insist("close", batchNo=batch)
            if answer["net"] is not None or has_lost:
                self.diary.note("closed", till=self.till, batch=batch, net=answer["net"],
                                result=answer.get("result"))  # fmt: skip
                if answer["net"] is not None:
                    self._batches.discard(batch)
                return
            if answer["result"] is not None:
                break
            await self.device.insist("settle")
        raise DayNotEnded(f"{self.device.name}: batch {batch} does not close: {answer}")

    async def start(self, clock_off: float = 0) -> None:
        """Switches the till on, by a clock that is off by so many seconds."""
        self._clock_off = clock_off
        await self.device.start(clock_off)

    def note_custom(self, name: str) -> None:
        """Somebody did something of this kind."""
        self.diary.note("custom", till=self.till, name=name)

    def note_fault(self, name: str) -> None:
        """Something of this kind was done to the till."""
        self.diary.note("fault", till=self.till, name=name)

    def note_judged(self, answer: Json) -> None:
        """The verdicts that the till heard."""
        for judged in answer.get("judged", ()):
            self.diary.note(
                "judged", till=self.till, batch=judged["batchNo"], seq=judged["seqNo"],
                minor=judged["amount"], verdict=judged["verdict"], reason=judged["reason"],
                flags=judged["flags"],
            )  # fmt: skip

    async def _read_receipt(self, offer: Offer, key: tuple[int, int]) -> Json:
        if not self._is_cut(_POWER_CUT):
            return await self.device.ask("take", text=offer.text)
        seconds = self.dice.between(0, 0.1)
        answer = await self.device.ask_and_cut(seconds, "take", text=offer.text)
        await self.start()
        if answer is not None:
            return answer
        # A code that was shown at a power cut is over, unless its receipt was on the disk.
        last = await self.device.ask("last")
        is_taken = (last.get("batchNo"), last.get("seqNo")) == key
        if is_taken and last["outcome"] == "APPROVED":
            return {**last, "approved": True, "offline": True}
        return {"error": "power cut"}

    async def _look_again(self, offer: Offer) -> Json | None:
        """After a power cut: the customer still waits. Was it taken? Then hand it over, or undo."""
        last = await self.device.ask("last")
        key = last.get("batchNo"), last.get("seqNo")
        if last.get("code") != offer.text or last["outcome"] != "APPROVED" or key in self._ended:
            return None
        if not last["offline"] and self.dice.below(2):
            self.note_fault("undone after a power cut")
            self._ended.add((last["batchNo"], last["seqNo"]))
            await self.device.ask("void", batchNo=key[0], seqNo=key[1])
            return None
        self.note_fault("handed over after a power cut")
        return self._note_sold(offer, {**last, "approved": True})

    def _note_sold(self, offer: Offer, answer: Json) -> Json:
        if not answer.get("approved"):
            self._note_refused(answer)
            return answer
        batch, seq = answer["batchNo"], answer["seqNo"]
        self._ended.add((batch, seq))
        self._batches.add(batch)
        self.diary.note(
            "goods", till=self.till, batch=batch, seq=seq, minor=answer["amount"],
            holder=offer.customer.number, code=offer.code, offline=answer["offline"],
            ahead=offer.clock_off >= AHEAD_SECONDS, means=offer.means, since=offer.at,
            until=self.crowd.clock(),
        )  # fmt: skip
        if answer["offline"]:
            self.taken += 1
            self.crowd.count()
            is_seen = offer.means is Means.CODE and offer.customer.part is not Part.THIEF
            if offer.clock_off == 0 and is_seen:
                self.crowd.seen_at_tills.photograph(self.till, offer.customer, offer.text)
        return answer

    def _note_refused(self, answer: Json) -> None:
        said = next(filter(None, map(answer.get, _SAID)), "no answer")
        self.diary.note("refused", till=self.till, said=said)

    def _is_cut(self, chance: float) -> bool:
        is_cut = self.chaos and self.dice.between(0, 1) < chance
        if is_cut:
            self.note_fault("power cut")
        return is_cut
