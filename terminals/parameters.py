"""The PARAMETERS document: what a school decided for its terminals (terminals.md 8)."""

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Annotated

from pydantic import Field, ValidationError

from core.entry.records import Door, DoorScene, Pair, Passback
from core.school.policy import Cap, Policy
from core.school.policy_words import Instrument, PurseModel
from core.school.records import Site, Terminal
from terminals.funding import KINDS, Funding, FundingPlan, Network, plan_of
from terminals.till_parameters import (
    Count,
    Display,
    MealPeriod,
    MerchantParameters,
    Part,
    ShownText,
    TillFacts,
    display_of,
    meal_periods_of,
    merchants_of,
    shown_texts,
)
from terminals.verification import CapClass

_HOUR_SECONDS = 3_600
_DAY_SECONDS = 86_400
_HIGH_CLASS = 3
_INSTRUMENTS = frozenset(Instrument)


class ParametersInvalid(Exception):
    """The bytes are no parameters; what is held stays."""


class OfflineCap(Part):
    """One cap class (codes.md 13): fen per purchase, how many, fen together, for HIGH passes."""

    cap_class: Annotated[int, Field(ge=1, le=255)]
    amount_minor: Count
    count: Count
    total_minor: Count
    high: bool = False


class CardCap(Part):
    """What one physical card may take of one terminal alone in a day: as a cap class."""

    amount_minor: Count
    count: Count
    total_minor: Count


class SiteTerminals(Part):
    """An offline site (its bit in a pass's mask) and the terminals that stand there."""

    site_no: Annotated[int, Field(ge=0, le=15)]
    name_zh: str
    name_en: str
    terminals: Sequence[Count]


class FundingLine(Part):
    """What pays for an instrument in each state of the network, the first purse first."""

    instrument: str
    online: Sequence[str]
    outage: Sequence[str]
    offline: Sequence[str]


class CodePrefix(Part):
    """How a text in the scan field begins, and which instrument that is (codes.md 15)."""

    prefix: str
    instrument: str


class DoorGroup(Part):
    """An entry profile and a bit of a pass's mask under which a door opens (codes.md 4)."""

    profile: Annotated[int, Field(ge=0, le=255)]
    bit: Annotated[int, Field(ge=0, le=15)]


class DoorParameters(Part):
    """What a gate goes by at one of its doors while it has no network.

    `opens_at` and `closes_at` are seconds of the school's day; none: at any hour.
    """

    terminal_no: Count
    door_no: Annotated[int, Field(ge=1, le=32)]
    zone: str
    passback: str
    scene: str
    common: bool
    groups: Sequence[DoorGroup]
    opens_at: Count | None = None
    closes_at: Count | None = None
    open_on_lost_clock: bool = False


class Parameters(Part):
    """All of it; amounts in fen, times in seconds.

    `funding_plan` is the table of `terminals.funding`, in the order of instruments. `offline_money`
    false stops every offline purchase, whatever the caps say. `challenge_above_minor` is the
    online threshold, `offline_challenge_above_minor` the offline one; none: never. Without
    `card_cap` no physical card is taken alone. `purse_model` ON_CARD means that chips hold money,
    and `claim_via` says where it gets onto them. Where `operators_required`, the server makes a
    refund for an operator only who is signed on with that right.
    """

    offline_money: bool
    offline_instruments: Sequence[str]
    caps: Sequence[OfflineCap]
    sites: Sequence[SiteTerminals]
    challenge_above_minor: Count | None
    offline_challenge_above_minor: Count | None
    funding_plan: Sequence[FundingLine] = ()
    code_prefixes: Sequence[CodePrefix]
    skew_seconds: Count
    life_seconds: Count
    rotation_seconds: Count
    deny_age_seconds: Count
    upload_due_seconds: Count
    upload_seconds: Count
    stored_records: Count
    stored_total_minor: Count
    heartbeat_seconds: Count
    hold_seconds: Count
    single_minor: Count
    daily_minor: Count
    zone: str
    pin_public_key: bytes
    card_cap: CardCap | None = None
    doors: Sequence[DoorParameters] = ()
    purse_model: str = "SINGLE"
    claim_via: Sequence[str] = ()
    operators_required: bool = False
    merchants: Sequence[MerchantParameters] = ()
    meal_periods: Sequence[MealPeriod] = ()
    texts: Sequence[ShownText] = ()
    display: Display | None = None

    @property
    def tap_cap(self) -> CapClass | None:
        """The caps of a physical card; None while none is taken without a network."""
        cap = self.card_cap
        if not self.offline_money or cap is None:
            return None
        return CapClass(cap.amount_minor, cap.count, cap.total_minor)

    def caps_by_class(self) -> Mapping[int, CapClass]:
        """The caps in force; none while offline money is off."""
        if not self.offline_money:
            return {}
        return {
            cap.cap_class: CapClass(cap.amount_minor, cap.count, cap.total_minor, cap.high)
            for cap in self.caps
        }

    @property
    def pay_kinds(self) -> frozenset[int]:
        """Kinds of pass (codes.md 4) that pay without a network."""
        return frozenset(kind for name in self.offline_instruments for kind in KINDS.get(name, ()))

    @property
    def plan(self) -> FundingPlan:
        """The funding plan; lines of instruments that are not known are left to newer terminals."""
        return FundingPlan(
            tuple(
                Funding(
                    Instrument(line.instrument),
                    tuple(line.online),
                    tuple(line.outage),
                    tuple(line.offline),
                )
                for line in self.funding_plan
                if line.instrument in _INSTRUMENTS
            )
        )

    def site_of(self, terminal_no: int) -> int | None:
        """Where a terminal stands; None if the document does not know it."""
        return next((s.site_no for s in self.sites if terminal_no in s.terminals), None)

    def merchant_of(self, terminal_no: int) -> MerchantParameters | None:
        """Whose a terminal is; None if the document says nothing of that merchant."""
        return next((m for m in self.merchants if terminal_no in m.terminals), None)

    def text_of(self, code: str) -> ShownText | None:
        """What is shown for a response code; None if the document does not know it."""
        return next((text for text in self.texts if text.code == code), None)

    def door_of(self, terminal_no: int, door_no: int) -> Door | None:
        """A door of a terminal; None if the document does not know it, or its words."""
        for each in self.doors:
            if (each.terminal_no, each.door_no) == (terminal_no, door_no):
                return _door(each)
        return None


CODE_PREFIXES = (
    ("CC1:", "CC1"), ("CCR:", "CCR"), ("CCQ:", "CCQ"),
    ("91", "T0"), ("90", "T1"), ("CARD:", "CARD"),
)  # fmt: skip
"""Ours of codes.md 15; the wallets' numbers are never taken without a line."""


def parameters_of(
    policy: Policy,
    sites: Sequence[Site],
    terminals: Sequence[Terminal],
    purses: Sequence[str],
    pin_public_key: bytes,
    doors: Sequence[Door] = (),
    till: TillFacts | None = None,
) -> Parameters:
    """What a school's policy, file and registry say to its terminals."""
    at_till = till or TillFacts()
    offline, code, terminal = policy.offline, policy.code, policy.terminal
    plan = plan_of(policy, purses)
    return Parameters(
        offline_money=offline.money,
        offline_instruments=[each.instrument for each in plan.lines if each.offline],
        caps=[
            _cap(1, offline.cap_1), _cap(2, offline.cap_2), _cap(_HIGH_CLASS, offline.cap_high),
        ],
        sites=[
            SiteTerminals(
                site_no=site.number,
                name_zh=site.name_zh,
                name_en=site.name_en,
                terminals=sorted(t.number for t in terminals if t.site_number == site.number),
            )
            for site in sites
        ],
        challenge_above_minor=code.challenge_above_minor or None,
        offline_challenge_above_minor=offline.challenge_above_minor or None,
        funding_plan=[_funding_line(each) for each in plan.lines],
        code_prefixes=[CodePrefix(prefix=p, instrument=i) for p, i in CODE_PREFIXES],
        skew_seconds=code.skew_seconds,
        life_seconds=code.life_seconds,
        rotation_seconds=code.rotation_seconds,
        deny_age_seconds=offline.deny_age_hours * _HOUR_SECONDS,
        upload_due_seconds=terminal.upload_due_hours * _HOUR_SECONDS,
        upload_seconds=terminal.upload_days * _DAY_SECONDS,
        stored_records=terminal.stored_records,
        stored_total_minor=terminal.stored_total_minor,
        heartbeat_seconds=terminal.heartbeat_seconds,
        hold_seconds=terminal.hold_hours * _HOUR_SECONDS,
        single_minor=policy.limit.single_minor,
        daily_minor=policy.limit.daily_minor,
        zone=policy.day.zone,
        pin_public_key=pin_public_key,
        card_cap=_card_cap(offline.cap_card)
        if plan.purses(Instrument.PHYSICAL, Network.OFFLINE)
        else None,
        doors=[_door_parameters(door) for door in doors],
        purse_model=policy.purse.model,
        claim_via=sorted(policy.claim.via) if policy.purse.model is PurseModel.ON_CARD else [],
        operators_required=terminal.operators,
        merchants=merchants_of(at_till, terminals),
        meal_periods=meal_periods_of(at_till),
        texts=shown_texts(),
        display=display_of(at_till),
    )  # fmt: skip


def _funding_line(line: Funding) -> FundingLine:
    online, outage, offline = (list(line.purses(network)) for network in Network)
    return FundingLine(instrument=line.instrument, online=online, outage=outage, offline=offline)


def _card_cap(cap: Cap) -> CardCap:
    return CardCap(amount_minor=cap.amount_minor, count=cap.count, total_minor=cap.total_minor)


def _cap(number: int, cap: Cap) -> OfflineCap:
    return OfflineCap(
        cap_class=number,
        amount_minor=cap.amount_minor,
        count=cap.count,
        total_minor=cap.total_minor,
        high=number == _HIGH_CLASS,
    )


def _door_parameters(door: Door) -> DoorParameters:
    return DoorParameters(
        terminal_no=door.terminal_no,
        door_no=door.number,
        zone=door.zone,
        passback=door.passback,
        scene=door.scene,
        common=door.common,
        groups=[DoorGroup(profile=pair.profile, bit=pair.bit) for pair in door.pairs],
        opens_at=_seconds(door.opens_at),
        closes_at=_seconds(door.closes_at),
        open_on_lost_clock=door.opens_on_lost_clock,
    )


def _door(said: DoorParameters) -> Door | None:
    try:
        passback, scene = Passback(said.passback), DoorScene(said.scene)
    except ValueError:  # a newer server's word: a gate that does not know it opens nothing alone
        return None
    return Door(
        said.terminal_no, said.door_no, "", "", said.zone, passback, scene, said.common,
        tuple(Pair(group.profile, group.bit) for group in said.groups), _time(said.opens_at),
        _time(said.closes_at), said.open_on_lost_clock,
    )  # fmt: skip


def _seconds(at: time | None) -> int | None:
    return None if at is None else at.hour * _HOUR_SECONDS + at.minute * 60 + at.second


def _time(seconds: int | None) -> time | None:
    if seconds is None:
        return None
    hours, rest = divmod(seconds % _DAY_SECONDS, _HOUR_SECONDS)
    return time(hours, *divmod(rest, 60))


def write(parameters: Parameters) -> bytes:
    """The content of a PARAMETERS document: the same facts, the same bytes."""
    return parameters.model_dump_json(by_alias=True).encode()


def read(content: bytes) -> Parameters:
    """The parameters of a document.

    Raises: ParametersInvalid.
    """
    try:
        return Parameters.model_validate_json(content)
    except ValidationError:
        raise ParametersInvalid from None
