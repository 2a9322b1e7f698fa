"""What the clients send: intents with their keys, and the facts of each answer."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bff.fleet.dice import Dice
from clients.endpoint import PATH, Endpoint, Json, NoAnswer, NotAllowed, QuestionRefused
from clients.terminal.journal import CONTROL_BATCH
from clients.terminal.keys import Identity
from terminals import cc1
from terminals.cc1 import Intent as CodeIntent
from terminals.codes import CodeRefusal
from terminals.keys import signer
from terminals.message import RequestKey
from terminals.signature import sign_request
from tests.faults.bank.doors import OPERATIONS, Doors
from tests.faults.bank.town import Holder

DOCUMENTS = {
    "AUTHORISE": ("PurchaseAuthorise", "purchaseAuthorise"),
    "CAPTURE": ("PurchaseCapture", "purchaseCapture"),
    "VOID": ("PurchaseVoid", "purchaseVoid"),
    "REFUND": ("PurchaseRefund", "purchaseRefund"),
    "TOP_UP": ("CashTopUp", "cashTopUp"),
    "LOSS": ("CardReportLost", "cardReportLost"),
    "RELEASE": ("CardRelease", "cardRelease"),
    "LIMITS": ("LimitsSet", "limitsSet"),
    "ENTRY": ("EntryAuthorise", "entryAuthorise"),
    "UPLOAD": ("OfflineBatchUpload", "offlineBatchUpload"),
    "CLOSE": ("BatchClose", "batchClose"),
    "PAY": ("MerchantCodePay", "merchantCodePay"),
}
TERMINAL = frozenset({"AUTHORISE", "CAPTURE", "VOID", "REFUND"})
"""What leaves an answer under a till's own key."""
BATCH = 1
"""Where sales go; what a till takes alone and closes has batches of its own."""
Headers = Callable[[bytes], Mapping[str, str]]


class ServerFault(NoAnswer):
    """An answer that no client may ever see: a 5xx but 503, or INTERNAL."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing a client wants, kept in its journal before it is first sent.

    `id` is the key as text (a terminal's: school.terminal.batch.seq). `about` says what it is
    judged by: the code shown, the card's uid, the cardholder's number.
    """

    id: str
    operation: str
    school_id: int
    given: Json
    amount_minor: int
    about: Json
    till: int | None = None
    token: str = ""
    named: tuple[int, int] | None = None

    def line(self, at: float) -> dict[str, Any]:
        """The journal's line of it."""
        return {"t": "intent", "at": at, **asdict(self)}

    def numbers(self) -> list[tuple[int, int, int]]:
        """Each number of a terminal that it spends: (terminal, batchNo, seqNo)."""
        taken = self.about.get("numbers")
        if taken is None and self.till is not None:
            taken = [[self.till, *self.given["key"].values()]]
        return [tuple(each) for each in taken or ()]

    @classmethod
    def of(cls, line: dict[str, Any]) -> "Intent":
        """From the journal's line."""
        facts = {name: line[name] for name in cls.__slots__}
        return cls(**{**facts, "named": line["named"] and tuple(line["named"])})


def status_of(purchase: Intent, seq_no: int) -> Intent:
    """Asks what the server keeps of a purchase, under a key that no answer is kept for.

    It has the purchase's id: what comes is one more answer to the same key.
    """
    given = {"key": {"batchNo": CONTROL_BATCH, "seqNo": seq_no}, "original": purchase.given["key"]}
    return replace(purchase, operation="STATUS", given=given)


def show_code(holder: Holder, now: int) -> str:
    """The CC1 text that the holder's phone shows at `now` (Unix seconds)."""
    sign = signer(bytes.fromhex(holder.seed))
    return cc1.show(b64decode(holder.content), now - holder.not_before, CodeIntent.ANY, sign)


class Wire:
    """Sends intents to one app process. `clock` is in Unix seconds; `doors` plays sign-ins."""

    def __init__(
        self,
        endpoint: Endpoint,
        identities: dict[int, Identity],
        clock: Callable[[], float],
        dice: Dice,
        doors: Doors | None = None,
    ) -> None:
        self._doors = doors
        self._endpoint = endpoint
        self._identities = identities
        self._clock = clock
        self._dice = dice

    async def send(self, intent: Intent) -> Json:
        """The facts of the answer.

        Raises: NoAnswer (the outcome is unknown), ServerFault.
        """
        try:
            return await self._asked(intent)
        except QuestionRefused as refused:
            return {"refused": refused.code}
        except NotAllowed as refused:
            if refused.code == "INTERNAL":
                raise ServerFault(refused.reason) from None
            return {"refused": refused.code, "detail": refused.detail}
        except NoAnswer as none:
            raise checked(none) from None

    @property
    def doors(self) -> Doors:
        """What plays sign-ins."""
        assert self._doors is not None
        return self._doors

    async def _asked(self, intent: Intent) -> Json:
        if intent.operation in OPERATIONS:
            return await self.doors.play(intent.operation, intent.given, intent.token)
        headers = self._headers(intent)
        if intent.operation == "STATUS":
            variables = {"original": intent.given["original"]}
            data = await self._endpoint.ask("PurchaseStatus", variables, headers)
            found = data["terminal"]["purchaseStatus"]
            shown = found["authorisation"]
            facts = self._facts(intent, shown) if shown else {"refused": "NO_ANSWER_KEPT"}
            return {**facts, "state": found["state"]}
        document, field = DOCUMENTS[intent.operation]
        payload = await self._endpoint.change(document, field, intent.given, headers)
        if intent.operation in TERMINAL:
            return self._facts(intent, payload["authorisation"])
        return {"done": True, **self._others(intent, payload)}

    async def read(self, name: str, variables: Json, token: str) -> Json:
        """The data of a query.

        Raises: NoAnswer.
        """
        try:
            return await self._endpoint.ask(name, variables, _bearer(token))
        except NotAllowed as refused:
            if refused.code == "INTERNAL":
                raise ServerFault(refused.reason) from None
            raise
        except NoAnswer as none:
            raise checked(none) from None

    def _facts(self, intent: Intent, shown: Json) -> Json:
        amount = 0 if intent.operation == "VOID" else intent.amount_minor
        return {
            **_outcome(shown),
            "reference": shown["retrievalReference"],
            "continuation": shown["continuation"],
            "verified": self._is_signed(intent, shown, amount),
        }

    def _others(self, intent: Intent, payload: Json) -> Json:
        """The facts of what is no sale of a till."""
        match intent.operation:
            case "ENTRY":
                shown = payload["entry"]
                return {**_outcome(shown), "verified": self._is_signed(intent, shown, 0)}
            case "UPLOAD":
                return {"verdicts": payload["verdicts"]}
            case "CLOSE":
                return {"batch": payload["batch"]}
            case "PAY":
                shown = payload["payment"]
                facts = {**_outcome(shown), "signed": shown["receipt"]}
                return {**facts, "reference": shown["retrievalReference"]}
        top_up = payload.get("topUp")
        return {"topUp": top_up["id"]} if top_up else {}

    def _is_signed(self, intent: Intent, shown: Json, amount: int) -> bool:
        assert intent.till is not None
        named = RequestKey(intent.till % 1_000_000, *(intent.named or (0, 0)))
        answer = self._identities[intent.till].verify(shown["signedAnswer"], named, amount)
        return not isinstance(answer, CodeRefusal)

    def _headers(self, intent: Intent) -> Headers:
        if intent.till is None:
            return _bearer(intent.token)
        identity = self._identities[intent.till]
        key = RequestKey(identity.terminal_no, **_key(intent.given["key"]))

        def signed(body: bytes) -> Mapping[str, str]:
            return sign_request(
                body, path=PATH, key_id=identity.key_id, key=key, created_at=int(self._clock()),
                nonce=self._dice.bytes(16), sign=identity.sign,
            )  # fmt: skip

        return signed


def checked(none: NoAnswer) -> NoAnswer:
    """The same, or a fault of the server's where it may never answer so."""
    is_fault = none.reason.startswith("HTTP 5") and none.reason != "HTTP 503"
    return ServerFault(none.reason) if is_fault else none


def _key(given: Json) -> dict[str, int]:
    return {"batch_no": given["batchNo"], "seq_no": given["seqNo"]}


def _bearer(token: str) -> Headers:
    return lambda _body: {"authorization": f"Bearer {token}"}


def _outcome(shown: Json) -> Json:
    return {
        "outcome": shown["outcome"],
        "code": shown["responseCode"],
        "reason": shown.get("reason"),
        "replayed": shown["replayed"],
        "signed": shown.get("signedAnswer"),
    }
