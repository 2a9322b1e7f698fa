"""A till, its school and a scripted core, for the tests of what a terminal is answered."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from nacl.public import PrivateKey

from core.authorisation.records import (
    Answer,
    Continuation,
    FollowUp,
    Key,
    PurchaseRequest,
    Status,
)
from core.kit.clock import from_unix
from core.school.policy import Policy
from core.school.records import Guess
from terminals.answers import AnswerKey
from terminals.authoriser import Authoriser
from terminals.chips import HmacChips
from terminals.follow_ups import FollowUps
from terminals.funding import plan_of
from terminals.guesses import Guesses, Reader
from terminals.instruments import AliasOwner, Owner
from terminals.keys import Evidence
from terminals.payments import PinVerdict, PurchaseMessage, SchoolKeys, Terms, Till
from terminals.scenes import Holder, Scene
from tests.unit.terminals import samples
from tests.unit.terminals.samples import SHOWN, counted_ids, sign_answer

HOLDER = Holder("示例甲", "S0001", 0)
OWNER = Owner(UUID(int=1), UUID(int=2), UUID(int=3), is_revoked=False, holder=HOLDER)
CARD_OWNER = replace(OWNER, card_id=UUID(int=4), device_id=None)
MERCHANT_ACCOUNT = UUID(int=5)
PIN_KEY = PrivateKey(bytes([0x55]) * 32)
TILL = Till(
    issuer=0,
    terminal_no=42,
    public_keys={1: samples.public(samples.TERMINAL_SEED)},
    merchant_account_id=MERCHANT_ACCOUNT,
    merchant_is_active=True,
    scenes=frozenset({Scene.MEAL, Scene.SHOP}),
)
TERMS = Terms(
    purses=("SUBSIDY", "MAIN"),
    single_minor=3000,
    daily_minor=5000,
    zone="Asia/Shanghai",
    hold_seconds=86_400,
    challenge_above_minor=5000,
    skew_seconds=15,
    life_seconds=45,
    upload_days=10,
    plan=plan_of(Policy(), ("SUBSIDY", "MAIN")),
)
CHIPS = HmacChips(lambda _: [bytes([0x66]) * 32])
ANSWER = AnswerKey(0, 2, sign_answer)
KEYS = SchoolKeys(samples.KEYS, ANSWER, lambda _: ANSWER, bytes(PIN_KEY), Evidence(samples.KEYS))
MEAL = PurchaseMessage(
    batch_no=12, seq_no=345, minor_amount=1250, scene=Scene.MEAL, presented=samples.VECTOR_1
)


@dataclass
class ScriptedCore:
    """Remembers what it was asked; answers what the test says, or approves."""

    owners: dict[str | bytes, Owner | AliasOwner] = field(default_factory=dict)
    stored: Answer | None = None
    waiting: Continuation | None = None
    spent: bool = False
    pin: PinVerdict = field(default_factory=lambda: PinVerdict(ok=True))
    asked: list[Any] = field(default_factory=list)
    guesses: list[tuple[Guess, int]] = field(default_factory=list)

    async def authorise(
        self, school_id: int, purses: Any, request: PurchaseRequest, sign: Any
    ) -> Answer:
        self.asked.append(request)
        return replace(
            blank(request.batch_no, request.seq_no),
            cardholder_id=request.cardholder_id,
            retrieval_reference=request.retrieval_reference,
            signed_answer=request.signed_answer,
        )

    async def refuse(
        self, school_id: int, operation: str, content_hash: bytes, answer: Answer, sign: Any
    ) -> Answer:
        self.asked.append((operation, content_hash))
        return replace(answer, signed_answer=sign(answer))

    async def capture(self, school_id: int, follow: FollowUp, sign: Any) -> Answer:
        return self._followed("capture", follow, sign)

    async def void(self, school_id: int, follow: FollowUp, sign: Any) -> Answer:
        return self._followed("void", follow, sign)

    async def refund(self, school_id: int, follow: FollowUp, merchant: UUID, sign: Any) -> Answer:
        assert merchant == MERCHANT_ACCOUNT
        return self._followed("refund", follow, sign)

    def _followed(self, operation: str, follow: FollowUp, sign: Any) -> Answer:
        self.asked.append((operation, follow))
        answer = replace(
            blank(follow.key.batch_no, follow.key.seq_no), amount_minor=follow.amount_minor
        )
        return replace(answer, signed_answer=sign(answer))

    async def status(self, school_id: int, original: Key) -> Status:
        self.asked.append(original)
        return Status(None, None)

    async def repeated(
        self, school_id: int, key: Key, content_hash: bytes, sign: Any
    ) -> Answer | None:
        return self.stored

    async def is_spent(self, school_id: int, replay_key: bytes) -> bool:
        return self.spent

    async def continuation(self, school_id: int, id_: UUID) -> Continuation | None:
        return self.waiting

    async def check_to_pay(self, school_id: int, cardholder_id: UUID, digits: str) -> PinVerdict:
        self.asked.append(("pin", cardholder_id, digits))
        return self.pin

    async def by_serial(self, school_id: int, serial: bytes) -> Owner | None:
        return self._owner(serial)

    async def by_token(self, school_id: int, digest: bytes) -> Owner | None:
        return self._owner(digest)

    async def by_uid(self, school_id: int, uid: str) -> Owner | None:
        return self._owner(uid)

    async def by_alias(self, school_id: int, alias: str, days: set[date]) -> AliasOwner | None:
        found = self.owners.get(alias)
        assert found is None or isinstance(found, AliasOwner)
        return found

    async def count_wrong_totp(self, school_id: int, alias: str, day: date) -> None:
        self.asked.append(("wrong", alias, day))

    async def count_guess(self, school_id: int, number: int, kind: Guess) -> int:
        self.guesses.append((kind, number))
        return self.guesses.count((kind, number))

    def _owner(self, key: str | bytes) -> Owner | None:
        found = self.owners.get(key)
        assert found is None or isinstance(found, Owner)
        return found


def blank(batch_no: int = 12, seq_no: int = 345) -> Answer:
    """An approval with nothing in it yet."""
    return Answer(
        42, batch_no, seq_no, "NEW", "APPROVED", "00", None, 1250, None, None, None, None, None,
        "0" * 12, 2, from_unix(SHOWN), None,
    )  # fmt: skip


def waiting(**changes: Any) -> Continuation:
    """The scan of vector 1, waiting for its PIN."""
    return replace(
        Continuation(
            UUID(int=9), 42, OWNER.cardholder_id, OWNER.card_id, b"serial", OWNER.device_id,
            "CC1", b"\x02" * 14, 1250, from_unix(SHOWN) + timedelta(seconds=1),
        ),
        **changes,
    )  # fmt: skip


async def _terms(_: int) -> Terms:
    return TERMS


def make_authoriser(core: ScriptedCore, now: int = SHOWN, terms: Terms = TERMS) -> Authoriser:
    """An authoriser over a scripted core."""
    clock = samples.FixedClock(now)
    guesses = Guesses(core.count_guess, clock)

    async def asked(_school_id: int) -> Terms:
        return terms

    return Authoriser(
        core,
        Reader(core, guesses),
        core,
        guesses,
        CHIPS,
        asked,
        lambda _: KEYS,
        clock,
        counted_ids(),
    )


def make_follow_ups(core: ScriptedCore, closed_batch: int | None = None) -> FollowUps:
    """Follow-ups over a scripted core; one batch may be closed."""

    async def is_closed(_issuer: int, _terminal_no: int, batch_no: int) -> bool:
        return batch_no == closed_batch

    async def ask_refund(*_asked: object) -> None:
        """Whoever is named may refund."""

    clock = samples.FixedClock(SHOWN)
    return FollowUps(core, _terms, lambda _: KEYS, clock, counted_ids(), is_closed, ask_refund)
