"""Cards on the reader: claims, refreshes, and what a kiosk does for its holder.

The chip's own word decides everything, so a power cut needs no memory of ours: the card's next tap
ends what was open (terminals.md 11).
"""

from base64 import b64decode, b64encode
from enum import StrEnum

from clients.endpoint import Json, NoAnswer
from clients.terminal.chip import Chip, ChipRefused
from clients.terminal.journal import Entry, Journal, Operation
from clients.terminal.receipt import Receipt
from clients.terminal.till import Till
from terminals.codes import strip
from terminals.message import RequestKey
from terminals.scenes import Scene


class Vended(StrEnum):
    """What became of a card in the machine."""

    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class Cards:
    """What a terminal does with cards. One request at a time."""

    def __init__(self, journal: Journal, till: Till) -> None:
        self._journal = journal
        self._till = till

    async def claim(self, chip: Chip, pin: str | None = None) -> Receipt:
        """Loads all that waits: asks, writes the chip, tells; the receipt of the last of them.

        A receipt without an answer is an unknown outcome, which the next tap of the card ends.
        Raises: TillLocked.
        """
        claimed = await self._ask(self._tapped(Operation.LOAD_CLAIM, {}, chip), pin)
        command = claimed.shown.get("command")
        if not claimed.is_approved or command is None:
            return claimed
        result = "WRITTEN"
        try:
            chip.write(b64decode(command))
        except ChipRefused:
            result = "NOT_WRITTEN"
        given = {"loadId": claimed.shown["loadId"], "result": result}
        return await self._ask(self._tapped(Operation.LOAD_CONFIRM, given, chip))

    async def refresh(self, chip: Chip) -> Receipt:
        """Tells the chip what the school decided: release, loss, limits.

        Raises: TillLocked, ChipRefused.
        """
        told = await self._ask(self._tapped(Operation.CARD_REFRESH, {}, chip))
        command = told.shown.get("command")
        if told.answer is not None and command is not None:
            chip.write(b64decode(command))
        return told

    async def sell(self, chip: Chip, minor_amount: int, scene: Scene = Scene.MEAL) -> Receipt:
        """A sale that the chip pays; first it claims, where the school says so (M-070).

        Raises: TillLocked, ChipRefused.
        """
        parameters = self._till.line.store.parameters()
        if parameters is not None and "SPENDING_POS" in parameters.claim_via:
            await self.claim(chip)
        self._till.check_unlocked()
        given = {"minorAmount": minor_amount, "capture": "IMMEDIATE", "scene": scene}
        entry = self._journal.write(Operation.AUTHORISE, given, minor_amount)
        presented = chip.debit(minor_amount, entry.key.packed())
        return await self._till.purchase(self._journal.complete(entry, presented=presented))

    async def list_claims(self, presented: str, pin: str) -> Json:
        """What waits, how it came, and the transfer log.

        Raises: NoAnswer.
        """
        return await self._till.line.look_up(presented, Scene.KIOSK, pin)

    async def release(self, chip: Chip, pin: str) -> Receipt:
        """Lets a reported card work again.

        Raises: TillLocked.
        """
        return await self._ask(self._tapped(Operation.CARD_RELEASE, {}, chip), pin)

    async def replace(self, presented: str, new_uid: str, pin: str) -> Receipt:
        """Takes the fee and begins a job; the card is vended only for a verified yes.

        Raises: TillLocked.
        """
        given = {"presented": strip(presented), "newUid": new_uid}
        return await self._ask(self._write(Operation.CARD_REPLACE, given), pin)

    async def report(self, job_id: str, result: Vended) -> Receipt:
        """Tells what became of a job; repeated until it is acknowledged.

        Raises: TillLocked.
        """
        given = {"jobId": job_id, "result": result.value}
        return await self._ask(self._write(Operation.VEND_REPORT, given))

    async def settle_open(self) -> list[Receipt]:
        """Ends what is open, at the start: a card of an unanswered job never came out."""
        begun = [e for e in self._journal.list_open() if e.operation is Operation.CARD_REPLACE]
        receipts = await self._till.settle_open()
        for receipt in list(receipts):
            if receipt.entry in begun and receipt.is_approved:
                receipts.append(await self.report(receipt.shown["jobId"], Vended.FAILED))
        return receipts

    def _write(self, operation: Operation, given: Json) -> Entry:
        self._till.check_unlocked()
        return self._journal.write(operation, given, 0)

    def _tapped(self, operation: Operation, given: Json, chip: Chip) -> Entry:
        """A request on the disk, with the chip's word for its key."""
        entry = self._write(operation, given)
        return self._journal.complete(entry, tap=_tap(chip, entry.key))

    async def _ask(self, entry: Entry, pin: str | None = None) -> Receipt:
        try:
            return await self._till.send(entry, pin)
        except NoAnswer as none:
            return Receipt(entry, None, {"text": none.reason})


def _tap(chip: Chip, key: RequestKey) -> Json:
    said = b64encode(chip.say(key.packed())).decode()
    return {"cardUid": chip.memory.uid, "chip": said}
