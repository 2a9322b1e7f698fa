"""Meals, prices and the idle line of a school's file."""

import pytest

from core.school import till_facts
from core.school.policy_file import parse_school_file
from core.school.records import PolicyInvalid
from tests.unit.school.test_school_file import SCHOOL

TILLS = """
[display]
idle_zh = "欢迎光临"
idle_en = "Welcome"
[[meal_period]]
name_zh = "晚餐"
name_en = "Dinner"
starts = "17:00"
ends = "24:00"
[[meal_period]]
name_zh = "早餐"
name_en = "Breakfast"
starts = "06:30"
ends = "09:00"
[[price]]
merchant = 1
code = "1"
name_zh = "米饭"
name_en = "Rice"
amount_minor = 100
[[price]]
merchant = 2
code = "1"
name_zh = "豆浆"
name_en = "Soy milk"
amount_minor = 250
"""


def test_a_school_file_states_meals_prices_and_an_idle_line() -> None:
    parsed = parse_school_file(SCHOOL + TILLS)
    assert [(m.name_en, m.starts_seconds, m.ends_seconds) for m in parsed.meal_periods] == [
        ("Dinner", 61_200, 86_400), ("Breakfast", 23_400, 32_400),
    ]  # fmt: skip
    assert [(p.merchant, p.code, p.amount_minor) for p in parsed.prices] == [
        (1, "1", 100), (2, "1", 250),
    ]  # fmt: skip
    assert parsed.display is not None
    assert parsed.display.idle_en == "Welcome"
    plain = parse_school_file(SCHOOL)
    assert (plain.meal_periods, plain.prices, plain.display) == ((), (), None)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"17:00"', '"25:00"', "meal_period.0.starts"),
        ('"24:00"', '"24:01"', "meal_period.0.ends"),
        ('"24:00"', '"17:00"', "meal_period.0.ends"),
        ('"09:00"', '"17:01"', "meal_period.1.starts"),
        ("merchant = 2", "merchant = 1", "price.1.code"),
        ('code = "1"', 'code = "a"', "price.0.code"),
        ("amount_minor = 100", "amount_minor = 0", "price.0.amount_minor"),
        ('"Rice"', '"米饭"', "price.0.name_en"),
        ('"欢迎光临"', f'"{"欢" * 21}"', "display.idle_zh"),
        ('"Welcome"', f'"{"W" * 41}"', "display.idle_en"),
        ("idle_zh", "idle_cn", "display.idle_cn"),
        ("[display]", "[displays]", "displays"),
    ],
)
def test_a_wrong_meal_price_or_line_is_refused_at_its_key(old: str, new: str, key: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        parse_school_file(SCHOOL + TILLS.replace(old, new, 1))
    assert key in {problem.key for problem in refused.value.problems}


def test_tills_have_only_so_many_meals_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(till_facts, "MEAL_PERIODS_MAXIMUM", 1)
    monkeypatch.setattr(till_facts, "PRICES_MAXIMUM", 1)
    more = TILLS + TILLS[TILLS.index("[[price]]") :].replace('"1"', '"2"')
    with pytest.raises(PolicyInvalid) as refused:
        parse_school_file(SCHOOL + more)
    assert [problem.key for problem in refused.value.problems] == [
        "meal_period.1.starts", "price.2.code", "price.3.code",
    ]  # fmt: skip
