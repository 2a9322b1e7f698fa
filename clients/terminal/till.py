"""The till: from a scanned text to an outcome that is certain, or a void that makes it so.

Whatever is not a verified answer leaves the outcome unknown. A purchase whose outcome stays unknown
is voided, and the void is repeated until it is acknowledged; every other request is repeated itself
(terminals.md 5).
"""

import asyncio
from contextlib import suppress
from dataclasses import replace

from clients.endpoint import Json, NoAnswer, NotAllowed, QuestionRefused
from clients.terminal.asking import Asking, is_final
from clients.terminal.gate import Gate
from clients.terminal.journal import Entry, Journal, Operation, TillLocked
from clients.terminal.operators import REFUND, SALE, VOID, Operators
from clients.terminal.protocol import Line
from clients.terminal.receipt import (
    GIVEN_UP,
    ClockUntrusted,
    CodeTaken,
    Direction,
    Patience,
    Receipt,
    ReceiptRefused,
)
from clients.terminal.wire_format import key_input
from terminals import ccq
from terminals.ccq import Challenge, Purpose
from terminals.codes import SKEW_SECONDS, CodeRefusal, strip
from terminals.message import RequestKey
from terminals.scenes import Scene

CHALLENGE_SECONDS = 120
_TOO_LATE = "VOID_TOO_LATE"


class Till(Asking):
    """A terminal at work. One request at a time."""

    def __init__(self, journal: Journal, line: Line, patience: Patience | None = None) -> None:
        super().__init__(journal, line, patience or Patience())
        self._gate = Gate(journal, line)
        self.operators = Operators(journal, line)

    @property
    def line(self) -> Line:
        """Its side of the wire."""
        return self._line

    @property
    def gate(self) -> Gate:
        """Its doors, while there is no network."""
        return self._gate

    async def sell(
        self,
        presented: str,
        minor_amount: int,
        scene: Scene = Scene.MEAL,
        *,
        is_held: bool = False,
        pin: str | None = None,
        challenge: Entry | None = None,
    ) -> Receipt:
        """Asks for a payment by whoever presented a code or card; `is_held` captures it later.

        `challenge` is what `show_challenge` showed for this sale.

        Raises: TillLocked, RightMissing; CodeTaken, for a code that was taken here without a
        network.
        """
        self.check_unlocked()
        self.operators.check(SALE)
        if self._alone.has_taken(strip(presented)):
            raise CodeTaken
        given = {
            "presented": strip(presented),
            "minorAmount": minor_amount,
            "capture": "MANUAL" if is_held else "IMMEDIATE",
            "scene": scene,
        }
        if challenge is None:
            entry = self._journal.write(Operation.AUTHORISE, given, minor_amount)
        else:
            given["challenge"] = self.challenge_text(challenge)
            entry = self._journal.begin_sale(challenge.key, given)
        return await self.purchase(entry, pin)

    async def sell_with_pin(self, refused: Receipt, pin: str) -> Receipt:
        """Goes on with a sale that asks for a PIN: a new key, no second scan.

        After a wrong PIN the continuation of the first answer stays good for its 90 s.

        Raises: TillLocked.
        """
        self.check_unlocked()
        before = refused.entry.given
        given = {key: before[key] for key in ("minorAmount", "capture", "scene")}
        continuation = refused.shown.get("continuation") or before.get("continuation")
        if continuation is None:
            given["presented"] = before["presented"]
        else:
            given["continuation"] = continuation
        entry = self._journal.write(Operation.AUTHORISE, given, refused.entry.minor_amount)
        return await self.purchase(entry, pin)

    async def show_challenge(self, minor_amount: int) -> Entry:
        """A key whose `challenge_text` may be shown; the one shown before ends unpaid.

        Raises: TillLocked, RightMissing; ClockUntrusted, for phones and server would not believe
        its time.
        """
        self.check_unlocked()
        self.operators.check(SALE)
        if not self._line.is_clock_trusted:
            with suppress(NoAnswer):
                await self._in_time(self._line.set_clock)
            if not self._line.is_clock_trusted:
                raise ClockUntrusted
        for entry in self._journal.list_open():
            if entry.operation is Operation.CHALLENGE:
                await self._undo(entry)
        given = {"createdAt": self._line.now()}
        return self._journal.write(Operation.CHALLENGE, given, minor_amount)

    def challenge_text(self, shown: Entry) -> str:
        """The CCQ text of a shown key."""
        identity = self._journal.identity
        challenge = Challenge(
            purpose=Purpose.PAY,
            issuer=identity.issuer,
            key_no=identity.key_no,
            key=shown.key,
            created_at=shown.given["createdAt"],
            life_seconds=CHALLENGE_SECONDS,
            minor_amount=shown.minor_amount,
        )
        return ccq.make(challenge, identity.sign).text

    def is_over(self, shown: Entry) -> bool:
        """Whether nobody can pay a shown challenge any more."""
        last: int = shown.given["createdAt"] + CHALLENGE_SECONDS + SKEW_SECONDS
        return self._line.now() > last

    async def look(self, shown: Entry) -> Receipt | None:
        """What came of a shown challenge so far; None while nobody has paid it.

        Raises: NoAnswer.
        """
        found = await self._in_time(lambda: self._line.ask_status(shown))
        receipt = self._noted(shown, *found) if found else None
        return receipt if receipt and is_final(receipt) else None

    async def await_payment(self, shown: Entry) -> Receipt:
        """What came of a shown challenge; when its time is over unpaid, it is voided."""
        while not self.is_over(shown):
            with suppress(NoAnswer):
                receipt = await self.look(shown)
                if receipt is not None:
                    return receipt
            await asyncio.sleep(self._patience.progress_pause_seconds)
        return await self.give_up(shown)

    async def give_up(self, shown: Entry) -> Receipt:
        """Ends a shown challenge: its key is voided, so a late payer is answered 22."""
        return await self._undo(shown)

    def take_receipt(self, text: str) -> Receipt:
        """What the receipt on a payer's phone says of the challenge we show; no network is needed.

        An approval is on the disk as a record when this returns, and is uploaded like any other.

        Raises: ReceiptRefused; nothing has changed then.
        """
        identity, shown = self._journal.identity, self._journal.find_challenge()
        nothing = RequestKey(identity.terminal_no, 0, 0)
        answer = identity.verify_receipt(
            strip(text),
            shown.key if shown else nothing,
            shown.minor_amount if shown else 0,
            shown.given["createdAt"] if shown else 0,
            CHALLENGE_SECONDS,
        )
        if isinstance(answer, CodeRefusal):
            raise ReceiptRefused(answer)
        assert shown is not None  # no answer names the key of nothing
        receipt = Receipt(shown, answer)
        if receipt.is_approved:
            self._alone.keep_receipt(shown, strip(text), self.challenge_text(shown))
        elif is_final(receipt):
            self._journal.end(shown, answer.outcome, strip(text))
        return receipt

    async def capture(self, original: RequestKey, minor_amount: int) -> Receipt:
        """Posts a held purchase, whole or in part."""
        given = {"original": key_input(original), "minorAmount": minor_amount}
        return await self._follow(Operation.CAPTURE, given, minor_amount, original)

    async def void(self, original: RequestKey) -> Receipt:
        """Undoes a purchase for the cashier; one that was taken alone, by a record of it.

        Raises: RightMissing; RequestUnknown, for a key that this terminal did not make.
        """
        self.operators.check(VOID)
        undone = self._journal.get(original)
        void = self._alone.undo(undone)
        if void is not None:
            return Receipt(void, None, is_offline=True)
        amount = undone.minor_amount
        given = {"original": key_input(original), "reason": "CASHIER"}
        return await self._follow(Operation.VOID, given, amount, original)

    async def refund(
        self,
        original: RequestKey | str,
        minor_amount: int,
        reason: str,
        operator_no: str | None = None,
    ) -> Receipt:
        """Gives captured money back, whole or in part; by whom: who is signed on, if unsaid.

        `original` is our own key, or the retrieval reference of another terminal's purchase.
        Raises: RightMissing.
        """
        self.operators.check(REFUND)
        shift = self.operators.shift
        if operator_no is None and shift is not None:
            operator_no = shift.operator_no
        own = original if isinstance(original, RequestKey) else None
        named = {"retrievalReference": original} if own is None else {"original": key_input(own)}
        given = {
            **named,
            "minorAmount": minor_amount,
            "reason": reason,
            "operatorNo": operator_no,
        }
        return await self._follow(Operation.REFUND, given, minor_amount, own)

    async def enter(self, presented: str, door_no: int, direction: Direction) -> Receipt:
        """Asks whether somebody may pass a door; it opens for a verified yes.

        Without an answer the gate decides alone and its event settles what the server may have
        granted. Nothing undoes an entry that was granted and whose door stayed closed: it may stand
        in the log though nobody passed. It is not asked again later, when nobody stands there.

        Raises: TillLocked.
        """
        self.check_unlocked()
        given = {"presented": strip(presented), "doorNo": door_no, "direction": direction.value}
        entry = self._journal.write(Operation.ENTRY, given, 0)
        try:
            self._gate.check_untaken(entry)
            receipt = await self._insist(entry)
        except (NotAllowed, QuestionRefused) as refusal:
            self._journal.give_up(entry)  # the network is there: no case for deciding alone
            return Receipt(entry, None, {"text": refusal.reason})
        except NoAnswer:
            refused = self._gate.open(entry)
            if refused is None:
                return Receipt(entry, None, is_offline=True)
            self._journal.give_up(entry)
            return Receipt(entry, None, {"text": refused})
        if receipt.is_approved and receipt.is_edges:
            # The server learns of it by our event alone, so our own documents have to allow it.
            refused = self._gate.open(entry)
            return receipt if refused is None else Receipt(entry, None, {"text": refused})
        if receipt.is_approved:
            self._gate.note_answered(entry)
        return receipt

    async def status(self, original: RequestKey) -> Receipt | None:
        """What the server keeps for a purchase of ours; None if it knows of none.

        Raises: NoAnswer, RequestUnknown.
        """
        entry = self._journal.get(original)
        found = await self._line.ask_status(entry)
        return Receipt(entry, *found) if found else None

    async def send(self, entry: Entry, pin: str | None = None) -> Receipt:
        """The answer to a request in the journal, within the budget.

        Raises: NoAnswer.
        """
        return await self._insist(entry, pin)

    async def settle_open(self) -> list[Receipt]:
        """Ends what is open, oldest first; call it at the start and whenever the till is idle.

        A purchase that is open here was shown to nobody as paid, so it is voided. Stops where the
        network does.
        """
        receipts = []
        for entry in self._journal.list_open():
            if self._journal.get(entry.key).outcome is not None:
                continue  # the void before it has ended it
            if entry.operation in GIVEN_UP:
                self._journal.give_up(entry)
                continue
            if entry.operation in (Operation.METER_START, Operation.METER_STOP):
                continue  # what runs, or ran, is the meter's to end
            is_purchase = entry.operation in (Operation.AUTHORISE, Operation.CHALLENGE)
            sent = self._void_of(entry) if is_purchase else entry
            try:
                receipts.append(await self._insist(sent))
            except QuestionRefused as refused:
                receipts.append(await self._settle_late(entry, sent, refused))
            except NotAllowed:
                receipts.append(Receipt(sent, None))
            except NoAnswer:
                break
        return receipts

    async def _settle_late(self, entry: Entry, void: Entry, refused: QuestionRefused) -> Receipt:
        """What stands of a purchase whose batch the server closed; what did not come never can."""
        if refused.code != _TOO_LATE:
            return Receipt(void, None)
        original = self._journal.get(void.named)
        with suppress(NoAnswer):
            found = await self._in_time(lambda: self._line.ask_status(original))
            self._journal.give_up(void)
            if found is not None and original.outcome is None:
                return self._noted(original, *found)
            self._journal.give_up(original)
        return Receipt(entry, None)

    def check_unlocked(self) -> None:
        """Nothing, if the school lets this terminal work. Raises: TillLocked."""
        if self._journal.is_locked:
            raise TillLocked

    async def purchase(self, entry: Entry, pin: str | None = None) -> Receipt:
        """What came of a sale in the journal, or of its void."""
        refusal: CodeRefusal | None = None
        try:
            receipt = await self._insist(entry, pin)
            if is_final(receipt):
                return receipt
            if receipt.is_edges:  # the server may have had it before the line broke
                await self._undo(entry)
                return receipt
        except (NotAllowed, QuestionRefused):
            pass  # the network is there: this is no case for deciding alone
        except NoAnswer:
            if pin is None:
                refusal = self._alone.accept(entry)
                if refusal is None:
                    return Receipt(entry, None, is_offline=True)
        ended = await self._find_out(entry) or await self._undo(entry)
        return replace(ended, refusal=refusal)

    async def _follow(
        self, operation: Operation, given: Json, minor_amount: int, original: RequestKey | None
    ) -> Receipt:
        entry = self._journal.write(operation, given, minor_amount, original)
        try:
            return await self._insist(entry)
        except QuestionRefused as refusal:
            return Receipt(entry, None, {"text": refusal.reason})
        except NoAnswer:
            return Receipt(entry, None)

    async def _undo(self, entry: Entry) -> Receipt:
        """The purchase, voided, or with its void waiting on the disk."""
        try:
            voided = await self._insist(self._void_of(entry))
        except NoAnswer:
            return Receipt(entry, None)
        return replace(voided, entry=entry)

    def _void_of(self, entry: Entry) -> Entry:
        """The void of a purchase, on the disk: the one that waits already, or a new one."""
        given = {"original": key_input(entry.key), "reason": "TIMEOUT"}
        return self._journal.find_open_void(entry.key) or self._journal.write(
            Operation.VOID, given, entry.minor_amount, entry.key
        )
