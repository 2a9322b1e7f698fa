"""What every context of a process stands on, and the card context right above it."""

from dataclasses import dataclass

from redis.asyncio import Redis

from bff.cache import open_redis
from bff.ground import Ground
from bff.paying import PurseFunds
from bff.school_keys import SchoolKeyring
from bff.tokens import RedisTokens
from core.audit.service import Audit
from core.authorisation.service.reserve import Reserves
from core.card.pin_hash import PinHasher
from core.card.service.cards import Cards
from core.card.service.codes import Codes
from core.card.service.denials import CardDenials
from core.card.service.devices import Devices
from core.card.service.kiosk import Kiosks
from core.card.service.passes import Passes
from core.card.service.pins import Pins
from core.db.lanes import Lanes
from core.db.unit import Database
from core.entry.service.doors import Doors as DoorRegistry
from core.entry.service.rights import CardRights
from core.identity.service.cardholders import Cardholders
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ledger.service import Ledger
from core.limit.service import Limits
from core.school.service import DenyList, Losses, Prints, Schools, Terminals
from core.top_up.service.chips import Chips
from core.utility.service.meters import Meters
from core.utility.service.reservations import Reservations
from terminals.code_maker import CodeMaker
from terminals.proofs import SignedProofs
from terminals.water import WaterCodeMaker

MODELS = ("core.card.store.cards", "core.card.store.codes", "core.limit.store")
LANES = 2


@dataclass(frozen=True, slots=True)
class Base:
    """What every context is given."""

    ground: Ground
    database: Database
    lanes: Lanes
    door_lanes: Lanes
    redis: Redis
    ids: Ids
    sealer: Sealer
    keyring: SchoolKeyring
    audit: Audit
    ledger: Ledger
    limits: Limits
    reserves: Reserves
    losses: Losses
    schools: Schools
    terminals: Terminals
    prints: Prints
    cardholders: Cardholders
    doors: DoorRegistry
    rights: CardRights
    deny: DenyList
    meters: Meters
    reservations: Reservations
    chips: Chips

    @classmethod
    def on(cls, ground: Ground) -> "Base":
        """The base over a ground."""
        clock = ground.clock
        ids = Ids(clock, ground.entropy)
        database = Database(
            ground.database_url, MODELS, ground.pool_maximum, ground.command_seconds
        )
        sealer = Sealer(ground.keys.data, ground.keys.blind_index, ground.entropy)
        audit = Audit(database, clock, ids, ground.keys.audit)
        ledger = Ledger(database, clock, ids)
        deny, losses = DenyList(database, clock), Losses(database)
        keyring = SchoolKeyring(ground.keys, clock)
        terminals = Terminals(database, clock, audit, SignedProofs(), losses)
        cardholders = Cardholders(database, sealer)
        limits = Limits(database, Passes(clock, deny))
        schools = Schools(database, clock, ids, audit, ledger, losses)
        return cls(
            ground=ground,
            database=database,
            lanes=Lanes(ground.database_url, LANES),
            door_lanes=Lanes(ground.database_url, LANES),
            redis=open_redis(ground.redis_url),
            ids=ids,
            sealer=sealer,
            keyring=keyring,
            losses=losses,
            audit=audit,
            ledger=ledger,
            limits=limits,
            reserves=Reserves(database, ledger, limits, schools.policy, clock, ids),
            schools=schools,
            terminals=terminals,
            prints=Prints(database, clock, audit),
            cardholders=cardholders,
            doors=DoorRegistry(database, clock, audit, terminals, cardholders),
            rights=CardRights(database, clock, ids, schools.policy),
            deny=deny,
            meters=Meters(database, clock, audit, terminals, schools),
            reservations=Reservations(
                database, clock, ids, WaterCodeMaker(keyring.water), ledger, schools.policy
            ),
            chips=Chips(ledger, clock, ids),
        )


@dataclass(frozen=True, slots=True)
class CardServices:
    """The card context."""

    pins: Pins
    cards: Cards
    devices: Devices
    codes: Codes
    kiosks: Kiosks

    @classmethod
    def on(cls, base: Base, hasher: PinHasher) -> "CardServices":
        """The context over the base."""
        database, clock, policy_of = base.database, base.ground.clock, base.schools.policy
        people, ids = base.cardholders, base.ids
        pins = Pins(database, clock, hasher=hasher, policy_of=policy_of, cardholders=people)
        maker = CodeMaker(base.keyring.for_codes, ids)
        cards = Cards(
            database, clock, ids, policy_of=policy_of, cardholders=people, pins=pins,
            denials=CardDenials(clock, base.deny),
        )  # fmt: skip
        return cls(
            pins=pins,
            cards=cards,
            kiosks=Kiosks(
                database, clock, ids, policy_of=policy_of, cards=cards, holders=people,
                ledger=base.ledger, money=base.limits, chips=base.chips,
            ),
            devices=Devices(
                database, clock, ids, policy_of=policy_of, pins=pins, maker=maker, deny=base.deny
            ),
            codes=Codes(
                database, clock, ids, policy_of=policy_of, cardholders=people, maker=maker,
                tokens=RedisTokens(base.redis), funds=PurseFunds(base.ledger, base.reserves),
            ),
        )  # fmt: skip
