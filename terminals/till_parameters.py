"""The parts of PARAMETERS for a till's screen and keys: texts, meals, prices, operators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from core.school.operators import Operator
from core.school.records import Merchant, Terminal
from core.school.till_facts import DisplayFacts, MealPeriodFacts, PriceFacts
from terminals.response import RESPONSES

_U32 = (1 << 32) - 1

Count = Annotated[int, Field(ge=0, le=_U32)]
"""A number of seconds, fen or things; every figure of the document fits a u32."""


class Part(BaseModel):
    """Strict camel-case JSON; unknown members are left to newer terminals."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        strict=True,
        frozen=True,
        ser_json_bytes="hex",
        val_json_bytes="hex",
    )


class ShownText(Part):
    """A response code in both languages, so that old terminals can show new codes.

    Its text may hold the placeholder `{tries}`.
    """

    code: str
    zh: str
    en: str


class MealPeriod(Part):
    """A meal; `starts_at` and `ends_at` are seconds of the school's day, the end not in it."""

    name_zh: str
    name_en: str
    starts_at: Count
    ends_at: Count


class Display(Part):
    """What is shown while nobody stands there: at most 20 Chinese or 40 Latin characters."""

    idle_zh: str
    idle_en: str


class Price(Part):
    """A button: an item of a fixed price in fen."""

    code: str
    name_zh: str
    name_en: str
    amount_minor: Count


class OperatorEntry(Part):
    """An operator who may sign on; `hash` is PBKDF2-HMAC-SHA-256 of the PIN, 32 bytes."""

    operator_no: str
    rights: Sequence[str]
    salt: bytes
    iterations: Annotated[int, Field(ge=1, le=_U32)]
    hash: bytes


class MerchantParameters(Part):
    """A merchant with operators or prices, and the terminals that are theirs."""

    merchant_no: Count
    terminals: Sequence[Count]
    operators: Sequence[OperatorEntry] = ()
    prices: Sequence[Price] = ()

    def operator(self, number: str) -> OperatorEntry | None:
        """The operator of this number."""
        return next((each for each in self.operators if each.operator_no == number), None)

    def price(self, code: str) -> Price | None:
        """The button of this code."""
        return next((each for each in self.prices if each.code == code), None)


@dataclass(frozen=True, slots=True)
class TillFacts:
    """What registry and school file say to tills, beside the policy."""

    merchants: Sequence[Merchant] = ()
    operators: Sequence[Operator] = ()
    meal_periods: Sequence[MealPeriodFacts] = ()
    prices: Sequence[PriceFacts] = ()
    display: DisplayFacts | None = None


def shown_texts() -> list[ShownText]:
    """The table of response codes."""
    return [ShownText(code=each.code, zh=each.zh, en=each.en) for each in RESPONSES]


def meal_periods_of(facts: TillFacts) -> list[MealPeriod]:
    """The meals in the order of the day."""
    return [
        MealPeriod(
            name_zh=meal.name_zh,
            name_en=meal.name_en,
            starts_at=meal.starts_seconds,
            ends_at=meal.ends_seconds,
        )
        for meal in sorted(facts.meal_periods, key=lambda meal: meal.starts_seconds)
    ]


def display_of(facts: TillFacts) -> Display | None:
    """The idle line, where the school has one."""
    shown = facts.display
    return None if shown is None else Display(idle_zh=shown.idle_zh, idle_en=shown.idle_en)


def merchants_of(facts: TillFacts, terminals: Sequence[Terminal]) -> list[MerchantParameters]:
    """The merchants with anything to say to their tills; who is blocked is not said."""
    made = [
        MerchantParameters(
            merchant_no=merchant.number,
            terminals=sorted(t.number for t in terminals if t.merchant_id == merchant.id),
            operators=[
                _operator(each)
                for each in facts.operators
                if each.merchant_number == merchant.number and not each.blocked
            ],
            prices=[_price(each) for each in facts.prices if each.merchant == merchant.number],
        )
        for merchant in facts.merchants
    ]
    return [each for each in made if each.operators or each.prices]


def _operator(operator: Operator) -> OperatorEntry:
    alone = operator.pin.offline
    return OperatorEntry(
        operator_no=operator.number,
        rights=[right.value for right in operator.sorted_rights],
        salt=alone.salt,
        iterations=alone.iterations,
        hash=alone.hash,
    )


def _price(price: PriceFacts) -> Price:
    return Price(
        code=price.code,
        name_zh=price.name_zh,
        name_en=price.name_en,
        amount_minor=price.amount_minor,
    )
