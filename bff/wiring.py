"""The composition root: settings and keys become services that know only what they need."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import BlockingConnectionPool, Redis

from bff.instruments import CachedInstruments
from bff.keys import Keys
from bff.paying import PayingPins, PurseFunds, terms_by
from bff.push import PushHub
from bff.pushing import PushingPayments
from bff.school_keys import SchoolKeyring
from bff.tokens import RedisTokens
from core.audit.service import Audit
from core.authorisation.service import Authorisations
from core.card.pin_hash import PinHasher
from core.card.service.cards import Cards
from core.card.service.codes import Codes
from core.card.service.devices import Devices
from core.card.service.pins import Pins
from core.db.lanes import Lanes
from core.db.unit import Database
from core.identity.service.attempts import Attempts
from core.identity.service.bindings import Bindings
from core.identity.service.cardholders import Cardholders
from core.identity.service.messages import Messages
from core.identity.service.roster import RosterImport
from core.identity.service.sessions import Sessions
from core.identity.service.sign_in import OneTimeCodes, SignIn
from core.identity.service.staff_sessions import StaffSignIn
from core.identity.service.step_up import StepUp
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.kit.slow_hash import SlowHash
from core.ledger.service import Ledger
from core.limit.service import Limits
from core.ports.messages import AddressKind, MessageSender
from core.school.service import FourEyes, Schools, Staff, Terminals
from core.school.service.four_eyes import FourEyesAct
from core.top_up.service import CASH_TOP_UP, Cash, CashPosting
from schema.services import Services, TerminalKeys
from terminals.authoriser import Authoriser
from terminals.code_maker import CodeMaker
from terminals.follow_ups import FollowUps
from terminals.look_up import LookUps
from terminals.proofs import SignedProofs

MODELS = ("core.limit.store",)
LANES = 2
REDIS_CONNECTIONS = 32
REDIS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything stands on: where the data is, the keys, time and chance."""

    database_url: str
    redis_url: str
    keys: Keys
    clock: Clock
    entropy: Callable[[int], bytes]
    pool_maximum: int = 10


@dataclass(frozen=True, slots=True)
class Wired:
    """The services of one process, and what only its commands and its worker call."""

    services: Services
    database: Database
    lanes: Lanes
    redis: Redis
    pin_hasher: PinHasher
    slow_hash: SlowHash
    ids: Ids
    audit: Audit
    messages: Messages
    attempts: Attempts
    roster: RosterImport
    push: PushHub

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything opened; closed again at the end."""
        await self.database.open()
        self.push.start()
        try:
            yield
        finally:
            await self.push.stop()
            await self.redis.aclose()
            await self.lanes.close()
            await self.database.close()
            self.pin_hasher.close()
            self.slow_hash.close()


def wire(ground: Ground, senders: Mapping[AddressKind, MessageSender] | None = None) -> Wired:
    """Every service with what it needs; nothing connects before `Wired.running`.

    `senders` deliver messages; only the process that does so has any.
    """
    database = Database(ground.database_url, MODELS, ground.pool_maximum)
    lanes = Lanes(ground.database_url, LANES)
    redis = _redis(ground.redis_url)
    pin_hasher = PinHasher(ground.keys.pepper, ground.entropy)
    slow_hash = SlowHash(ground.entropy)
    clock, keys = ground.clock, ground.keys
    ids = Ids(clock, ground.entropy)
    sealer = Sealer(keys.data, keys.blind_index, ground.entropy)
    keyring = SchoolKeyring(keys, clock)

    audit = Audit(database, clock, ids, keys.audit)
    ledger = Ledger(database, clock, ids)
    limits = Limits(database)
    schools = Schools(database, clock, ids, audit, ledger)
    staff = Staff(database, clock, ids, sealer, slow_hash, audit)
    terminals = Terminals(database, clock, audit, SignedProofs())
    policy_of = schools.policy

    cardholders = Cardholders(database, sealer)
    messages = Messages(database, clock, ids, sealer, cardholders, senders or {})
    attempts = Attempts(database, clock, sealer, keys.pepper_for("spray"))
    sessions = Sessions(database, clock, ids, messages)
    one_time = OneTimeCodes(clock, ids, sealer, attempts, messages, keys.pepper_for("one-time"))

    pins = Pins(database, clock, hasher=pin_hasher, policy_of=policy_of, cardholders=cardholders)
    cards = Cards(database, clock, ids, policy_of=policy_of, cardholders=cardholders, pins=pins)
    maker = CodeMaker(keyring.for_codes, ids)
    devices = Devices(database, clock, ids, policy_of=policy_of, pins=pins, maker=maker)
    codes = Codes(
        database, clock, ids, policy_of=policy_of, cardholders=cardholders, maker=maker,
        tokens=RedisTokens(redis), funds=PurseFunds(ledger),
    )  # fmt: skip
    bindings = Bindings(
        database, clock, ids, sealer, policy_of, attempts, sessions, messages, pins, cards, devices
    )
    roster = RosterImport(database, clock, ids, sealer, policy_of, cards, [limits, ledger, cards])

    push = PushHub(redis)
    authorisations = Authorisations(database, lanes, ledger, limits, clock, ids)
    payments = PushingPayments(authorisations, push)
    terms = terms_by(policy_of)
    instruments = CachedInstruments(codes, cards, cardholders, clock)
    acts: dict[str, FourEyesAct] = {}
    four_eyes = FourEyes(database, clock, ids, audit, staff, acts)
    posting = CashPosting(clock, ids, audit, schools, staff, limits, ledger, cardholders)
    acts[CASH_TOP_UP] = posting

    services = Services(
        clock=clock,
        schools=schools,
        staff=staff,
        terminals=terminals,
        four_eyes=four_eyes,
        cash=Cash(database, clock, schools, staff, four_eyes, posting),
        cardholders=cardholders,
        sign_in=SignIn(database, clock, sealer, one_time, sessions, ids),
        sessions=sessions,
        step_up=StepUp(database, clock, cardholders, one_time, pins),
        bindings=bindings,
        staff_sign_in=StaffSignIn(database, clock, ids, sealer, staff, sessions),
        cards=cards,
        pins=pins,
        devices=devices,
        codes=codes,
        ledger=ledger,
        limits=limits,
        authorisations=authorisations,
        authoriser=Authoriser(
            payments, instruments, PayingPins(pins), terms, keyring.for_payments, clock, ids
        ),
        follow_ups=FollowUps(payments, terms, keyring.for_payments, clock, ids),
        look_ups=LookUps(instruments, ledger.balances, terms, keyring.for_payments, clock),
        terminal_keys=TerminalKeys(
            keyring.version, keyring.pin_public_key, keyring.published, keyring.answers
        ),
        feed=push,
    )
    return Wired(
        services=services,
        database=database,
        lanes=lanes,
        redis=redis,
        pin_hasher=pin_hasher,
        slow_hash=slow_hash,
        ids=ids,
        audit=audit,
        messages=messages,
        attempts=attempts,
        roster=roster,
        push=push,
    )


def _redis(url: str) -> Redis:
    """A client that waits a moment for a connection instead of failing at once."""
    return Redis.from_pool(
        BlockingConnectionPool.from_url(
            url,
            max_connections=REDIS_CONNECTIONS,
            timeout=REDIS_SECONDS,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
        )
    )
