"""Terminals that each neglect one duty of a sale, and the rows that are meant to catch them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bff.conformance.play import Play, Prompt
from bff.conformance.school import PIN
from bff.conformance.steps import Shown
from clients.endpoint import Endpoint, Headers, Json, NoAnswer
from clients.terminal.journal import Entry, Journal, Operation
from clients.terminal.keys import Identity
from clients.terminal.protocol import Line
from clients.terminal.receipt import Receipt
from clients.terminal.till import Till
from terminals.ccr import Answer, Outcome
from terminals.message import RequestKey
from terminals.response import RESPONSES
from tests.unit.conformance.reference import Memory, Terminal

CAUGHT: dict[type[Terminal], set[str]] = {}
"""Each broken terminal, and exactly the rows that go wrong by it.

Who believes in a payment that was none counts it, so its totals are wrong as well.
"""


def caught_by(*rows: str) -> Callable[[type[Terminal]], type[Terminal]]:
    """Says which rows a broken terminal breaks."""

    def enter(kind: type[Terminal]) -> type[Terminal]:
        CAUGHT[kind] = set(rows)
        return kind

    return enter


def changing(
    operation: str, change: Callable[[Json], Json], headers: Mapping[str, str] | None = None
) -> type[Endpoint]:
    """An endpoint that sends other input, or other headers, with one operation."""

    class Changing(Endpoint):
        async def change(self, name: str, field: str, given: Json, signed: Headers) -> Json:
            def more(body: bytes) -> Mapping[str, str]:
                return {**signed(body), **(headers or {})}

            if name != operation:
                return await super().change(name, field, given, signed)
            return await super().change(name, field, change(given), more)

    return Changing


@caught_by("enrol.fingerprint")
class RepeatsTheFingerprint(Terminal):
    """Shows at enrolment what the answer claims."""

    async def enrol(self, prompt: Prompt, play: Play) -> str:
        await super().enrol(prompt, play)
        told = play.school.enrolment(play.evidence().terminal_key or b"")
        return str(told["fingerprint"])


@caught_by("enrol.proof")
class ProvesNothing(Terminal):
    """Sends a proof that is none."""

    endpoint_class = changing("TerminalEnrol", lambda given: {**given, "proof": f"{'A' * 86}=="})


class _SignsMore(Line):
    def _signed(
        self, key: RequestKey, nonce: bytes | None = None, by: Identity | None = None
    ) -> Headers:
        usual = super()._signed(key, nonce, by)

        def headers(body: bytes) -> Mapping[str, str]:
            made = dict(usual(body))
            made["signature-input"] = made["signature-input"].replace(
                '"idempotency-key")', '"idempotency-key" "x-operation")'
            )
            return made

        return headers


@caught_by("sign.form")
class SignsMore(Terminal):
    """Signs a component more than the form has."""

    line_class = _SignsMore


class _OneNonce(Line):
    async def sync(self) -> None:
        usual, self._entropy = self._entropy, bytes
        try:
            await super().sync()
        finally:
            self._entropy = usual


@caught_by("sign.nonce")
class UsesOneNonce(Terminal):
    """Fetches documents with the same nonce each time."""

    line_class = _OneNonce


@caught_by("sign.key")
class SendsTwoKeys(Terminal):
    """Names another key in the body of its void than it signs."""

    endpoint_class = changing(
        "BatchClose", lambda given: {**given, "key": {"batchNo": 0, "seqNo": 999_999}}
    )


@caught_by("sign.operation")
class NamesNoOperation(Terminal):
    """Calls a void something else."""

    endpoint_class = changing("PurchaseVoid", dict, {"x-operation": "Void"})


@caught_by("sign.document")
class SendsMoreThanAsked(Terminal):
    """Closes with a field that the contract does not have."""

    endpoint_class = changing("BatchClose", lambda given: {**given, "cashier": "A. Sample"})


class _BatchedControl(Memory):
    def control_key(self) -> RequestKey:
        return self._next_key()


@caught_by("keys.batch")
class NumbersEverything(Terminal):
    """Sends its heartbeats under the numbers of sales."""

    def make_journal(self, path: Any) -> Journal:
        return _BatchedControl(path)


class _Rewrites(Line):
    asked: set[RequestKey]

    async def ask(self, entry: Entry, pin: str | None = None) -> tuple[Answer, Json]:
        asked = self.__dict__.setdefault("asked", set())
        if entry.key in asked and entry.operation is Operation.AUTHORISE:
            entry = replace(entry, given={**entry.given, "scene": "SHOP"})
        asked.add(entry.key)
        return await super().ask(entry, pin)


@caught_by("keys.content")
class RewritesRepeats(Terminal):
    """Sends other content when it asks again."""

    line_class = _Rewrites


class _NewKeys(Till):
    async def _insist(self, entry: Entry, pin: str | None = None) -> Receipt:
        if entry.operation is not Operation.AUTHORISE:
            return await super()._insist(entry, pin)
        try:
            answer, told = await self._line.ask(entry, pin)
        except NoAnswer as none:
            if type(none).__name__ != "NoAnswer":
                return await super()._insist(entry, pin)
            again = self._journal.write(entry.operation, entry.given, entry.minor_amount)
            return await super()._insist(again, pin)
        return self._noted(entry, answer, told)


@caught_by("keys.one", "busy.waits")
class TakesNewKeys(Terminal):
    """Asks again under a new key."""

    till_class = _NewKeys


@caught_by("sale.request")
class KeepsLineEnds(Terminal):
    """Sends what the scanner typed, return key and all."""

    endpoint_class = changing(
        "PurchaseAuthorise",
        lambda given: (
            {**given, "presented": f"{given['presented']}\r\n"}
            if given.get("presented", "").isdigit()
            else given
        ),
    )


class _VoidsDeclines(Till):
    async def sell(self, presented: str, minor_amount: int, *others: Any, **more: Any) -> Receipt:
        receipt = await super().sell(presented, minor_amount, *others, **more)
        if receipt.outcome is Outcome.DECLINED:
            await self.void(receipt.entry.key)
        return receipt


@caught_by("declined", "declined.unknown")
class VoidsDeclines(Terminal):
    """Takes a decline for a failure."""

    till_class = _VoidsDeclines


@caught_by("declined.unknown")
class TakesUnknownCodesForYes(Terminal):
    """Knows no code Z9, and sells."""

    async def sell(self, till: Till, prompt: Prompt) -> str:
        word = await super().sell(till, prompt)
        receipt = self._receipts.get(prompt.step.id)
        known = {response.code for response in RESPONSES}
        if receipt and receipt.answer and receipt.answer.response_code not in known:
            return Shown.PAID
        return word


@caught_by("lost.outcome", "progress.polls")
class TakesRepeatsForRefusals(Terminal):
    """Shows a sale as not paid because its answer came the second time."""

    async def sell(self, till: Till, prompt: Prompt) -> str:
        word = await super().sell(till, prompt)
        receipt = self._receipts.get(prompt.step.id)
        return Shown.NOT_PAID if receipt and receipt.shown.get("replayed") else word


class _Impatient(Endpoint):
    async def ask(self, name: str, variables: Json, headers: Headers) -> Json:
        try:
            return await super().ask(name, variables, headers)
        except NoAnswer as none:
            none.retry_after_seconds = 0
            raise


@caught_by("busy.waits")
class IgnoresRetryAfter(Terminal):
    """Asks a busy server again at once."""

    endpoint_class = _Impatient


class _VoidsAtOnce(Till):
    async def _find_out(self, entry: Entry) -> Receipt | None:
        return None


@caught_by("progress.polls")
class VoidsAtOnce(Terminal):
    """Never asks for a status."""

    till_class = _VoidsAtOnce


class _ScansAgain(Till):
    async def sell_with_pin(self, refused: Receipt, pin: str) -> Receipt:
        return await super().sell_with_pin(replace(refused, shown={}), pin)


@caught_by("pin.continuation")
class ScansAgain(Terminal):
    """Sends the code again with the PIN."""

    till_class = _ScansAgain


class _OldKey(Till):
    async def sell_with_pin(self, refused: Receipt, pin: str) -> Receipt:
        before = refused.entry.given
        given = {name: before[name] for name in ("minorAmount", "capture", "scene")}
        given["continuation"] = refused.shown.get("continuation") or before.get("continuation")
        return await self.purchase(replace(refused.entry, given=given), pin)


@caught_by("pin.key", "keys.content")
class KeepsTheKeyForThePin(Terminal):
    """Sends the PIN under the key that was answered already."""

    till_class = _OldKey


class _SealsForAnother(Identity):
    def seal(self, pin: str, key: RequestKey, now: int) -> str:
        return super().seal(pin, key._replace(seq_no=key.seq_no + 1), now)


@caught_by("pin.block")
class SealsForAnotherKey(Terminal):
    """Makes one PIN block for several keys."""

    identity_class = _SealsForAnother


@caught_by("pin.block")
class SendsThePinInClear(Terminal):
    """Writes the PIN beside its block."""

    endpoint_class = changing(
        "PurchaseAuthorise",
        lambda given: {**given, "challenge": PIN} if given.get("pinBlock") else given,
    )


@caught_by("pin.outcome")
class TakesWrongPinsForFailures(Terminal):
    """Shows a wrong PIN as an outcome that nobody knows."""

    async def sell(self, till: Till, prompt: Prompt) -> str:
        word = await super().sell(till, prompt)
        receipt = self._receipts.get(prompt.step.id)
        is_wrong = receipt and receipt.answer and receipt.answer.response_code == "55"
        return Shown.UNKNOWN if is_wrong else word
