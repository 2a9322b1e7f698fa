"""What a school's file says for the screens and keys of its tills: meals, prices, an idle line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from core.school.typed_table import Key

PRICES_MAXIMUM = 60
"""Of one merchant: a till has so many keys."""
MEAL_PERIODS_MAXIMUM = 12
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_UNTIL = rf"{_TIME}|24:00"
_LATIN = r"[ -~]+"
_PRICE_CODE = r"[0-9A-Z]{1,8}"


@dataclass(frozen=True, slots=True)
class MealPeriodFacts:
    """A meal of the school's day, from `starts` until just before `ends`, as HH:MM."""

    name_zh: Annotated[str, Key("名称", "Name in Chinese", length=10)]
    name_en: Annotated[str, Key("英文名称", "Name in English", pattern=_LATIN, length=20)]
    starts: Annotated[str, Key("开始，时:分", "When it begins, HH:MM", pattern=_TIME)]
    ends: Annotated[str, Key("结束，时:分", "When it is over, HH:MM", pattern=_UNTIL)]

    @property
    def starts_seconds(self) -> int:
        """Seconds of the school's day."""
        return _seconds(self.starts)

    @property
    def ends_seconds(self) -> int:
        """Seconds of the school's day, at most 86,400."""
        return _seconds(self.ends)


@dataclass(frozen=True, slots=True)
class PriceFacts:
    """A button of a merchant's tills: an item of a fixed price in fen."""

    merchant: Annotated[int, Key("商户编号", "Number of the merchant", 1, 1_000_000)]
    code: Annotated[
        str, Key("键码，1 至 8 位数字或大写字母", "Code of the button", pattern=_PRICE_CODE)
    ]
    name_zh: Annotated[str, Key("名称", "Name in Chinese", length=20)]
    name_en: Annotated[str, Key("英文名称", "Name in English", pattern=_LATIN, length=40)]
    amount_minor: Annotated[int, Key("价格", "Price", 1, 1_000_000)]


@dataclass(frozen=True, slots=True)
class DisplayFacts:
    """What a terminal shows while nobody stands there."""

    idle_zh: Annotated[str, Key("待机文字", "Idle line in Chinese", length=20)]
    idle_en: Annotated[str, Key("英文待机文字", "Idle line in English", pattern=_LATIN, length=40)]


class Fault(NamedTuple):
    """What is wrong with an item of a list: the list, its place in it, its key, and why."""

    table: str
    place: int
    key: str
    zh: str
    en: str


def faults(meals: Sequence[MealPeriodFacts], prices: Sequence[PriceFacts]) -> Iterator[Fault]:
    """What contradicts itself: meals that overlap or end before they begin, codes said twice."""
    for place, meal in enumerate(meals):
        if meal.ends_seconds <= meal.starts_seconds:
            yield Fault("meal_period", place, "ends", "结束须晚于开始", "It ends before it begins")
        elif any(_overlap(meal, other) for other in meals[:place]):
            yield Fault("meal_period", place, "starts", "餐时段重叠", "Two meals overlap")
    if len(meals) > MEAL_PERIODS_MAXIMUM:
        last, most = len(meals) - 1, MEAL_PERIODS_MAXIMUM
        yield Fault("meal_period", last, "starts", f"至多 {most} 个餐时段", f"At most {most} meals")
    seen: dict[int, set[str]] = {}
    for place, price in enumerate(prices):
        codes = seen.setdefault(price.merchant, set())
        if price.code in codes:
            yield Fault("price", place, "code", "键码重复", "A code of this merchant occurs twice")
        elif len(codes) == PRICES_MAXIMUM:
            zh, en = f"每商户至多 {PRICES_MAXIMUM} 个价格", f"At most {PRICES_MAXIMUM} prices"
            yield Fault("price", place, "code", zh, en)
        codes.add(price.code)


def _overlap(one: MealPeriodFacts, other: MealPeriodFacts) -> bool:
    return one.starts_seconds < other.ends_seconds and other.starts_seconds < one.ends_seconds


def _seconds(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 3_600 + int(minutes) * 60
