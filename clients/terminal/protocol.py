"""The terminal's questions: each signed with its key, each answer taken for what it proves."""

from collections.abc import Callable, Mapping, Sequence

from clients.device_key import SEED_BYTES, public_key
from clients.endpoint import PATH, Endpoint, Json, NoAnswer, NotAllowed, no_headers
from clients.terminal.gate_store import GateStore, Told
from clients.terminal.item_input import item_input
from clients.terminal.journal import Entry, Journal, Operation
from clients.terminal.keys import Identity, enrolment_proof, rotation_proof
from clients.terminal.offline_store import DENY_HEARD, OfflineStore, Stored
from clients.terminal.wire_format import (
    DOCUMENTS,
    SAID_BY_SERVER,
    AnswerForged,
    DocumentRefused,
    base64_bytes,
    base64_text,
    document_of,
    key_input,
    stated_amount,
)
from terminals.ccr import Answer, Outcome
from terminals.codes import CodeRefusal, strip
from terminals.directives import Directive
from terminals.documents import DocumentKind, DocumentRefusal, SignedDocument
from terminals.message import RequestKey, find_activation_code
from terminals.scenes import Scene
from terminals.signature import SignatureRefusal, sign_request

SOFTWARE_VERSION = "1.0"
NONCE_BYTES = 16
CLOCK_TRUSTED_SECONDS = 72 * 3_600
"""How old the signed time may be that a terminal goes by (terminals.md 8)."""


async def enrol(
    endpoint: Endpoint,
    issuer: int,
    activation_code: str,
    model: str,
    serial_number: str,
    entropy: Callable[[int], bytes],
) -> tuple[Identity, Json]:
    """Registers a new key against an activation code; who the terminal is, and the answer.

    Raises: NoAnswer; then a new activation code is needed.
    """
    seed, code = entropy(SEED_BYTES), find_activation_code(activation_code) or activation_code
    given = {
        "issuer": issuer,
        "activationCode": code,
        "publicKey": base64_text(public_key(seed)),
        "model": model,
        "serialNumber": serial_number,
        "proof": base64_text(enrolment_proof(seed, code, serial_number)),
    }
    payload = await endpoint.change("TerminalEnrol", "terminalEnrol", given, no_headers)
    enrolment = payload["enrolment"]
    return Identity.of(seed, enrolment), enrolment


class Line:
    """The terminal's side of the wire. `clock` is in Unix seconds, `entropy` gives random bytes."""

    def __init__(
        self,
        endpoint: Endpoint,
        journal: Journal,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        *,
        is_edge: bool = False,
    ) -> None:
        self._is_edge = is_edge
        self._endpoint = endpoint
        self._journal = journal
        self._clock = clock
        self._entropy = entropy
        self.store = OfflineStore(journal)
        self.passages = GateStore(journal)

    def now(self) -> int:
        """The server's time in Unix seconds, as far as we know it."""
        return int(self._clock() + self._journal.clock_offset_seconds)

    @property
    def is_clock_trusted(self) -> bool:
        """Whether our clock was set by signed time lately, and has not been set back since."""
        set_at = self._journal.clock_set_at
        return set_at is not None and 0 <= self._clock() - set_at <= CLOCK_TRUSTED_SECONDS

    @property
    def site_no(self) -> int | None:
        """Where this terminal stands by its parameters; None if they do not say."""
        parameters = self.store.parameters()
        return (
            None if parameters is None else parameters.site_of(self._journal.identity.terminal_no)
        )

    @property
    def has_edge(self) -> bool:
        """Whether the key document names an edge for our site: then that is the authority."""
        identity, site = self._journal.identity, self.site_no
        if site is None:
            return False
        return identity.ring.find_edge(identity.issuer, site, self.now()) is not None

    async def ask(self, entry: Entry, pin: str | None = None) -> tuple[Answer, Json]:
        """The verified answer to a request in the journal, and what else the server says of it.

        Raises: NoAnswer, among it AnswerForged.
        """
        given = {**entry.given, "key": key_input(entry.key)}
        if pin is not None:
            given["pinBlock"] = self._journal.identity.seal(pin, entry.key, self.now())
        document, field, answered = DOCUMENTS[entry.operation]
        payload = await self._endpoint.change(document, field, given, self._signed(entry.key))
        answer, shown = self._verified(entry, payload[answered])
        return answer, {**shown, "run": payload["run"]} if "run" in payload else shown

    async def ask_status(self, entry: Entry) -> tuple[Answer, Json] | None:
        """The verified answer that the server keeps for a purchase; None if it knows of none.

        Raises: NoAnswer, among it AnswerForged.
        """
        key = self._journal.control_key()
        variables = {"original": key_input(entry.key)}
        data = await self._endpoint.ask("PurchaseStatus", variables, self._signed(key))
        status = (data.get("terminal") or {}).get("purchaseStatus")
        if not isinstance(status, dict):
            raise NoAnswer("no status")
        if not status["known"]:
            return None
        answer, shown = self._verified(entry, status["authorisation"])
        return answer, {**shown, "state": status["state"]}

    async def set_clock(self, *, clock_lost: bool = False) -> Json:
        """Reports that we are alive and does as the heartbeat tells; the heartbeat answered.

        Our clock is set by the server's. SYNC comes first: who slept long enough knows no key that
        signs the time now.

        Raises: NoAnswer, among it AnswerForged for a time that is not signed, DocumentRefused.
        """
        key, nonce = self._journal.control_key(), self._entropy(NONCE_BYTES)
        held = self._journal.identity
        given = {
            "key": key_input(key),
            "clock": self.now(),
            "clockLost": clock_lost,
            "queue": self._queue(),
            "keysVersion": held.keys_version if held.roots else None,
            "parametersVersion": self.store.version(DocumentKind.PARAMETERS),
            "denyVersion": self.store.version(DocumentKind.DENY),
            "rightsVersion": self._rights_version(),
            "softwareVersion": SOFTWARE_VERSION,
            "terminalsVersion": self._terminals_version(),
        }
        payload = await self._endpoint.change(
            "TerminalHeartbeat", "terminalHeartbeat", given, self._signed(key, nonce)
        )
        beat: Json = payload["heartbeat"]
        if Directive.SYNC in beat["directives"]:
            await self.sync()
        signed_time = base64_bytes(beat["signedTime"])
        if not self._journal.identity.is_signed_time(signed_time, nonce, beat["time"]):
            raise AnswerForged("the time is not signed")
        clock_seconds = self._clock()
        self._journal.set_clock_offset(beat["time"] - clock_seconds, clock_seconds)
        newest = beat.get("denyVersion")
        if newest is not None and newest <= self.store.version(DocumentKind.DENY):
            self.store.hear(DENY_HEARD, self.now())
        if not clock_lost:
            self._journal.set_locked(locked=Directive.LOCK in beat["directives"])
        return beat

    async def rotate_key(self) -> int:
        """Registers our next key and signs with it from then on; its number.

        The one before is good for 24 h more. After a lost answer the same key is asked for again.

        Raises: NoAnswer.
        """
        identity = self._journal.identity.preparing(self._entropy(SEED_BYTES))
        self._journal.enrol(identity)
        following = identity.following
        try:
            await self._register(following, signs=identity)
        except NotAllowed as refused:
            if refused.detail != SignatureRefusal.KEY_UNKNOWN:
                raise
            # It was registered, but we have not heard so until our key before it had ended.
            await self._register(following, signs=following)
        self._journal.enrol(following)
        return following.key_no

    async def _register(self, following: Identity, *, signs: Identity) -> None:
        key = self._journal.control_key()
        given = {
            "key": key_input(key),
            "newPublicKey": base64_text(following.public_key),
            "proof": base64_text(rotation_proof(following)),
        }
        headers = self._signed(key, by=signs)
        await self._endpoint.change("TerminalRotateKey", "terminalRotateKey", given, headers)

    async def sync(self) -> None:
        """Fetches newer documents and goes by those that a root, or a key it named, has signed.

        Raises: NoAnswer, among it DocumentRefused; then what we have stays as it was.
        """
        key = self._journal.control_key()
        given = {
            "key": key_input(key),
            "keysVersion": self._journal.identity.keys_version,
            "parametersVersion": self.store.version(DocumentKind.PARAMETERS),
            # An edge asks for the whole list, which it can relay to whatever terminal.
            "denyVersion": 0 if self._is_edge else self.store.version(DocumentKind.DENY),
            "terminalsVersion": self._terminals_version(),
            "rightsVersion": self._rights_version(),
        }
        payload = await self._endpoint.change(
            "TerminalSyncParameters", "terminalSyncParameters", given, self._signed(key)
        )
        # KEYS is 1: what names the keys of the others is taken first.
        for document in sorted(map(document_of, payload["documents"]), key=lambda each: each.kind):
            if self._is_edge and document.version == self.store.version(document.kind):
                continue
            refusal = self._take(document)
            if refusal is not None:
                raise DocumentRefused(f"the document {document.kind.name} is refused: {refusal}")

    def _terminals_version(self) -> int | None:
        return self.store.version(DocumentKind.TERMINALS) if self._is_edge else None

    def _queue(self) -> int:
        """How much waits for the network."""
        records, passages = self.store.waiting()[0], self.passages.waiting()
        return len(self._journal.list_open()) + records + passages

    def _rights_version(self) -> int | None:
        """The rights of cards we hold; None for a terminal without doors, which fetches none.

        An edge asks for the whole list, too.
        """
        if self._is_edge:
            return 0
        parameters, own = self.store.parameters(), self._journal.identity.terminal_no
        has_doors = parameters is not None and any(d.terminal_no == own for d in parameters.doors)
        return self.store.version(DocumentKind.RIGHTS) if has_doors else None

    def _take(self, document: SignedDocument) -> DocumentRefusal | None:
        if document.kind is DocumentKind.KEYS:
            taken = self._journal.identity.taking(document)
            if isinstance(taken, DocumentRefusal):
                return taken
            self._journal.enrol(taken)
            self.store.keep(document)
            return None
        identity = self._journal.identity
        return self.store.take(document, identity.issuer, identity.ring, self.now())

    async def upload(self, records: Sequence[Stored]) -> list[Json]:
        """The verdicts on records of one batch.

        Raises: NoAnswer.
        """
        key, first = self._journal.control_key(), records[0].item
        given = {
            "key": key_input(key),
            "batchNo": first.record.key.batch_no,
            "previousHash": base64_text(first.previous or b""),
            "items": [item_input(stored.item) for stored in records],
        }
        payload = await self._endpoint.change(
            "OfflineBatchUpload", "offlineBatchUpload", given, self._signed(key)
        )
        verdicts: list[Json] = payload["verdicts"]
        if {each["seqNo"] for each in verdicts} != {r.item.record.key.seq_no for r in records}:
            raise NoAnswer("verdicts are missing")
        return verdicts

    async def tell(self, events: Sequence[Told]) -> list[Json]:
        """The verdicts on passages of one batch, in their order.

        Raises: NoAnswer.
        """
        key = self._journal.control_key()
        items = [
            {
                "seqNo": event.key.seq_no,
                "presented": event.presented,
                "doorNo": event.door_no,
                "direction": event.direction,
                "createdAt": event.created_at,
                "clockLost": event.is_clock_lost,
                "denyVersion": event.deny_version,
            }
            for event in events
        ]
        given = {"key": key_input(key), "batchNo": events[0].key.batch_no, "items": items}
        payload = await self._endpoint.change(
            "EntryEventsUpload", "entryEventsUpload", given, self._signed(key)
        )
        results: list[Json] = payload["results"]
        if [each["seqNo"] for each in results] != [event.key.seq_no for event in events]:
            raise NoAnswer("verdicts are missing")
        return results

    async def close(
        self, batch_no: int, last_seq: int, unused: list[int], totals: list[Json], head: bytes
    ) -> Json:
        """What came of closing a batch.

        Raises: NoAnswer.
        """
        key = self._journal.control_key()
        given = {
            "key": key_input(key),
            "batchNo": batch_no,
            "lastSeq": last_seq,
            "unused": unused,
            "totals": totals,
            "headHash": base64_text(head),
        }
        payload = await self._endpoint.change("BatchClose", "batchClose", given, self._signed(key))
        result: Json = payload["batch"]
        return result

    async def ask_meters(self) -> list[Json]:
        """The meters of this terminal, each with its group's sealed key.

        Raises: NoAnswer.
        """
        payload = await self.ask_control("MeterSync", "meterSync", {})
        meters: list[Json] = payload["meters"]
        return meters

    async def look_up(self, presented: str, scene: Scene, pin: str | None = None) -> Json:
        """What this scene may see of whoever presents a code; a kiosk asks for the PIN.

        Raises: NoAnswer.
        """
        given = {"presented": strip(presented), "scene": scene}
        return await self.ask_control("HolderLookUp", "holderLookUp", given, pin)

    async def ask_control(
        self, document: str, field: str, given: Json, pin: str | None = None
    ) -> Json:
        """The payload of a request of batch 0, whose answer nobody keeps.

        Raises: NoAnswer.
        """
        key = self._journal.control_key()
        asked = {**given, "key": key_input(key)}
        if pin is not None:
            asked["pinBlock"] = self._journal.identity.seal(pin, key, self.now())
        return await self._endpoint.change(document, field, asked, self._signed(key))

    def chance(self) -> float:
        """A random number from 0 to 1."""
        return int.from_bytes(self._entropy(4)) / 0xFFFFFFFF

    def _verified(self, entry: Entry, shown: Json | None) -> tuple[Answer, Json]:
        text = str((shown or {}).get("signedAnswer"))
        is_ours = entry.operation not in SAID_BY_SERVER
        amount = entry.minor_amount if is_ours else stated_amount(shown or {})
        answer = self._journal.identity.verify(text, entry.named, amount, self.site_no)
        if shown is None or isinstance(answer, CodeRefusal):
            raise AnswerForged(f"the signed answer is refused: {answer}")
        if entry.operation is Operation.VOID and answer.outcome is Outcome.APPROVED:
            raise AnswerForged("this answers the purchase, not its void")
        return answer, shown

    def _signed(
        self, key: RequestKey, nonce: bytes | None = None, by: Identity | None = None
    ) -> Callable[[bytes], Mapping[str, str]]:
        identity = by or self._journal.identity

        def headers(body: bytes) -> Mapping[str, str]:
            return sign_request(
                body,
                path=PATH,
                key_id=identity.key_id,
                key=key,
                created_at=self.now(),
                nonce=nonce or self._entropy(NONCE_BYTES),
                sign=identity.sign,
            )

        return headers
