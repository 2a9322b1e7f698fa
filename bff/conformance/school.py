"""The invented school that the terminal meets: keys made for one run, its documents and its codes.

Nothing of it is any real school's: the seeds are drawn when the run begins and die with it.
"""

from base64 import b64encode
from collections.abc import Callable

from nacl.public import PrivateKey

from bff.conformance.words import Text
from clients.device_key import public_key
from core.school.records import DeniedKind
from terminals import cc1, ccr, deny, documents, parameters, water
from terminals.cc1 import Flags, Intent, Kind
from terminals.ccr import NO_REFERENCE, Answer, Outcome
from terminals.documents import DocumentKind, SignedDocument
from terminals.keys import KeyRing, KeyUse, PublicKey, fingerprint, signer
from terminals.message import ACTIVATION_CHARACTERS, CROCKFORD, RequestKey, time_message
from terminals.parameters import DoorParameters, FundingLine, OfflineCap, Parameters, SiteTerminals
from terminals.scenes import Holder

ISSUER = 7
TERMINAL_NO = 42
KEY_NO = 1
DOOR_NO = 1
SITE = 1
NAME = Text("示范学校", "Sample school")
PIN, WRONG_PIN = "314159", "271828"
PIN_ABOVE_MINOR = 5_000
HOLDER = Holder(name="示例同学", number="S0000001", holder_class=1)
BALANCE_MINOR = 8_640
"""What the only cardholder has, whatever they pay."""
METER_NO, GROUP_NO, STALL = 1, 1, 1
SLOT_SECONDS, SLOTS = 3_600, 20
WRONG_SEQUENCE = 200
"""No code has this number: a slot has 64."""
PRICE_MINOR, PER_UNITS, UNITS_MAXIMUM = 30, 10, 2_000
"""Water costs 30 fen for 10 units; no slot has more than so many."""
FOREIGN_REFERENCE = "6A0000000001"
"""The reference of another merchant's sale, at another terminal."""
CAP_MINOR = 2_000
"""What one purchase without a network may come to."""
ROOT_KID, FIRST_ANSWER, DOCUMENT, PASS, ANSWER, STRANGER = 1, 2, 3, 4, 6, 9
"""Key numbers: FIRST_ANSWER is named at enrolment and withdrawn by the first key document."""
NEWEST = {DocumentKind.KEYS: 3, DocumentKind.PARAMETERS: 7, DocumentKind.DENY: 9}
OLDER = {kind: version - 1 for kind, version in NEWEST.items()}
NEXT = {**NEWEST, DocumentKind.KEYS: 4, DocumentKind.PARAMETERS: 8}
"""What the school publishes in the middle of the play."""
CODE_SECONDS = 1_800
"""How long a code may be shown here; a school takes 45 seconds."""
_HOUR, _DAY, _YEAR = 3_600, 86_400, 31_536_000
_SEEDS = ("root", "first answer", "answer", "document", "pass", "phone", "stranger", "pin", "water")


class School:
    """`entropy(n)` gives n random bytes; instants are Unix seconds. A gate has one door."""

    def __init__(
        self, entropy: Callable[[int], bytes], begun_at: int, *, is_gates: bool = False
    ) -> None:
        self._is_gates = is_gates
        self._entropy = entropy
        self._begun_at = begun_at
        self._seeds = {name: entropy(32) for name in _SEEDS}
        self.activation_code = "".join(
            CROCKFORD[byte % 32] for byte in entropy(ACTIVATION_CHARACTERS)
        )
        self.pin_private = self._seeds["pin"]
        self.ring = KeyRing([*self.keys(), self._key(FIRST_ANSWER, KeyUse.ANSWER, "first answer")])

    def keys(self) -> list[PublicKey]:
        """The keys of the newest key document."""
        return [
            self._key(DOCUMENT, KeyUse.DOCUMENT, "document"),
            self._key(PASS, KeyUse.PASS, "pass"),
            self._key(ANSWER, KeyUse.ANSWER, "answer"),
        ]

    def enrolment(self, terminal_key: bytes) -> dict[str, object]:
        """What `terminalEnrol` answers; its ANSWER key is not the one that signs afterwards.

        The fingerprint is another key's: a terminal shows that of its own.
        """
        first = self._key(FIRST_ANSWER, KeyUse.ANSWER, "first answer")
        named = [first, *(key for key in self.keys() if key.use is not KeyUse.ANSWER)]
        return {
            "issuer": ISSUER,
            "terminalNo": TERMINAL_NO,
            "keyNo": KEY_NO,
            "state": "PENDING",
            "fingerprint": fingerprint(terminal_key + b"\0"),
            "keys": [_answered(key) for key in named],
            "roots": [{"kid": ROOT_KID, "publicKey": base64(self._public("root"))}],
            "pinPublicKey": base64(bytes(PrivateKey(self.pin_private).public_key)),
        }

    def key_document(self, version: int, *, is_forged: bool = False) -> SignedDocument:
        """The keys; old versions still name the withdrawn one, a forged one names a stranger's."""
        lines = self.keys()
        if version < NEWEST[DocumentKind.KEYS]:
            lines.append(self._key(FIRST_ANSWER, KeyUse.ANSWER, "first answer"))
        if is_forged:
            lines.append(self._key(STRANGER, KeyUse.ANSWER, "stranger"))
        draft = _draft(DocumentKind.KEYS, version, documents.write_keys(lines))
        return documents.sign(draft, ROOT_KID, self._signer("stranger" if is_forged else "root"))

    def parameters_document(self, version: int, *, is_forged: bool = False) -> SignedDocument:
        """The parameters; a forged one allows more, and a stranger signed it."""
        facts = self.parameters(TERMINAL_NO)
        if is_forged or version < NEWEST[DocumentKind.PARAMETERS]:
            ten_times = [_cap(10 * CAP_MINOR)]
            facts = facts.model_copy(update={"caps": ten_times})
        draft = _draft(DocumentKind.PARAMETERS, version, parameters.write(facts))
        return documents.sign(
            draft, DOCUMENT, self._signer("stranger" if is_forged else "document")
        )

    def deny_document(self, version: int) -> SignedDocument:
        """The deny list; the older one is empty."""
        lines = [(DeniedKind.SERIAL, serial(DENIED_TAG), self._begun_at + _DAY)]
        content = deny.write(deny.Change(0, deny.added(lines if version >= 9 else [])))
        return documents.sign(
            _draft(DocumentKind.DENY, version, content), DOCUMENT, self._signer("document")
        )

    def parameters(self, *terminals: int) -> Parameters:
        """What the school decided for its terminals."""
        return Parameters(
            offline_money=True,
            offline_instruments=["VIRTUAL"],
            caps=[_cap(CAP_MINOR)],
            sites=[
                SiteTerminals(
                    site_no=SITE, name_zh=NAME.zh, name_en=NAME.en, terminals=list(terminals)
                )
            ],
            challenge_above_minor=None,
            offline_challenge_above_minor=None,
            funding_plan=[
                FundingLine(
                    instrument="VIRTUAL", online=["MAIN"], outage=["MAIN"], offline=["MAIN"]
                )
            ],
            code_prefixes=[],
            skew_seconds=15,
            life_seconds=CODE_SECONDS,
            rotation_seconds=30,
            deny_age_seconds=_DAY,
            upload_due_seconds=_DAY,
            upload_seconds=10 * _DAY,
            stored_records=2_000,
            stored_total_minor=2_000_000,
            heartbeat_seconds=30,
            hold_seconds=_DAY,
            single_minor=PIN_ABOVE_MINOR,
            daily_minor=100 * PIN_ABOVE_MINOR,
            zone="Asia/Shanghai",
            pin_public_key=bytes(PrivateKey(self.pin_private).public_key),
            doors=[_door(number) for number in terminals] if self._is_gates else [],
        )

    def token(self) -> str:
        """A code of 20 digits, which only a server can judge."""
        return f"91{int.from_bytes(self._entropy(16)) % 10**18:018}"

    def code(self, cap_tag: int, shown_at: int, *, is_forged: bool = False) -> str:
        """A code that a terminal can judge alone; each capTag is another holder."""
        not_before = self._begun_at - _HOUR
        signed = cc1.issue_pass(
            issuer=ISSUER,
            kid=PASS,
            kind=Kind.VIRTUAL_CARD,
            cap_tag=cap_tag,
            pass_no=1,
            not_before=not_before,
            ttl=96,
            cap_class=1,
            flags=Flags.ENTRY if self._is_gates else Flags.PAY,
            mask=1 << SITE,
            device_key=self._public("phone"),
            sign=self._signer("stranger" if is_forged else "pass"),
        )
        intent = Intent.ENTRY if self._is_gates else Intent.PAY
        return cc1.show(signed, shown_at - not_before, intent, self._signer("phone"))

    @property
    def water_key(self) -> bytes:
        """The key of the codes of the only group of meters."""
        return self._seeds["water"]

    @property
    def first_slot_at(self) -> int:
        """When the first slot of the day began: just before the play."""
        return self._begun_at - _HOUR // 4

    def code8(self, sequence: int, now: int) -> str:
        """The digits of a sequence number of the slot that is open."""
        place = (now - self.first_slot_at) // SLOT_SECONDS
        starts_at = self.first_slot_at + place * SLOT_SECONDS
        slot = water.Slot(GROUP_NO, STALL, starts_at, SLOT_SECONDS)
        return water.code(self.water_key, slot, sequence)

    def answer(
        self, outcome: Outcome, key: RequestKey, minor_amount: int, code: str, at: int
    ) -> str:
        """A signed answer; approved ones have a reference."""
        reference = reference_of(key) if code == "00" else NO_REFERENCE
        facts = Answer(outcome, ISSUER, ANSWER, key, minor_amount, at, code, reference)
        return ccr.make(facts, self._signer("answer"))

    def forged_answer(self, facts: Answer, *, kid: int = ANSWER) -> str:
        """The same by a stranger's key or, for the withdrawn kid, by the key that was withdrawn."""
        who = "first answer" if kid == FIRST_ANSWER else "stranger"
        return ccr.make(facts._replace(kid=kid), self._signer(who))

    def other_answer(self, facts: Answer) -> str:
        """A genuine answer with these facts."""
        return ccr.make(facts._replace(kid=ANSWER), self._signer("answer"))

    def signed_time(self, terminal_no: int, nonce: bytes, at: int) -> str:
        """The school's signature over its time."""
        return base64(self._signer("answer")(time_message(ISSUER, terminal_no, nonce, at)))

    def lied_time(self, terminal_no: int, nonce: bytes, at: int) -> str:
        """A stranger's signature over a time."""
        return base64(self._signer("stranger")(time_message(ISSUER, terminal_no, nonce, at)))

    def _public(self, name: str) -> bytes:
        return public_key(self._seeds[name])

    def _signer(self, name: str) -> Callable[[bytes], bytes]:
        return signer(self._seeds[name])

    def _key(self, kid: int, use: KeyUse, name: str) -> PublicKey:
        return PublicKey(
            issuer=ISSUER,
            kid=kid,
            use=use,
            public_key=self._public(name),
            sign_from=self._begun_at - 90 * _DAY,
            sign_until=self._begun_at + _YEAR,
            drop_after=self._begun_at + _YEAR,
        )


DENIED_TAG = 900
"""The holder whose code is on the deny list."""


def reference_of(key: RequestKey) -> str:
    """The retrieval reference of what was approved under a key."""
    return f"{key.batch_no:06}{key.seq_no:06}"


def serial(cap_tag: int) -> bytes:
    """The serial of the only pass of a capTag."""
    return cap_tag.to_bytes(4) + (1).to_bytes(2)


def base64(raw: bytes) -> str:
    """As bytes stand in JSON."""
    return b64encode(raw).decode()


def document_json(document: SignedDocument) -> dict[str, object]:
    """A document as `terminalSyncParameters` answers it."""
    return {
        "kind": document.kind.name,
        "issuer": document.issuer,
        "version": document.version,
        "kid": document.kid,
        "content": base64(document.content),
        "signature": base64(document.signature),
    }


def _draft(kind: DocumentKind, version: int, content: bytes) -> SignedDocument:
    return SignedDocument(kind, ISSUER, version, 0, content, b"")


def _cap(minor: int) -> OfflineCap:
    return OfflineCap(cap_class=1, amount_minor=minor, count=3, total_minor=5 * minor)


def _door(terminal_no: int) -> DoorParameters:
    """The door of a gate: everybody of the school may pass, at any hour, as often as they like."""
    return DoorParameters(
        terminal_no=terminal_no,
        door_no=DOOR_NO,
        zone="campus",
        passback="OFF",
        scene="GATE",
        common=True,
        groups=[],
    )


def _answered(key: PublicKey) -> dict[str, object]:
    return {
        "issuer": key.issuer,
        "kid": key.kid,
        "use": key.use.value,
        "publicKey": base64(key.public_key),
        "signFrom": key.sign_from,
        "signUntil": key.sign_until,
        "dropAfter": key.drop_after,
        "siteNo": key.site_no,
    }
