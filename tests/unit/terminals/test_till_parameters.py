"""What PARAMETERS say to a till's screen and keys, and how large that may become."""

from dataclasses import replace
from hashlib import pbkdf2_hmac
from uuid import UUID

from core.kit.peppered_hash import Peppered
from core.school.operators import (
    OFFLINE_ITERATIONS,
    PER_MERCHANT_MAXIMUM,
    PER_SCHOOL_MAXIMUM,
    OfflineHash,
    Operator,
    OperatorPin,
    OperatorRight,
)
from core.school.policy import Policy
from core.school.policy import Terminal as TerminalRules
from core.school.records import Merchant
from core.school.till_facts import PRICES_MAXIMUM, DisplayFacts, MealPeriodFacts, PriceFacts
from terminals.operators import matches_offline, offline_hash
from terminals.parameters import Parameters, parameters_of, read, write
from terminals.response import RESPONSES
from terminals.till_parameters import TillFacts
from tests.unit.terminals.test_parameters import SITES, terminal

PIN, SALT = "741963", bytes(range(16))
PURSES = ("MAIN",)
RIGHTS = frozenset({OperatorRight.SALE, OperatorRight.REFUND})
DOCUMENT_MAXIMUM = 192 * 1_024
"""Bytes of the largest PARAMETERS that a school can come to (docs/terminals.md 11)."""


def merchant(number: int) -> Merchant:
    return Merchant(UUID(int=number), number, "示例", "Sample", True, UUID(int=number))


def operator(number: str, merchant_number: int = 1, *, blocked: bool = False) -> Operator:
    alone = OfflineHash(SALT, OFFLINE_ITERATIONS, offline_hash(PIN, SALT, OFFLINE_ITERATIONS))
    pin = OperatorPin(Peppered("never shown", 1), alone)
    return Operator(merchant_number, number, "never shown either", RIGHTS, blocked, pin)


FACTS = TillFacts(
    [merchant(1), merchant(2), merchant(3)],
    [operator("1001"), operator("1002", blocked=True)],
    [
        MealPeriodFacts("晚餐", "Dinner", "17:00", "19:30"),
        MealPeriodFacts("早餐", "Breakfast", "06:30", "09:00"),
    ],
    [PriceFacts(3, "1", "米饭", "Rice", 100), PriceFacts(9, "1", "无", "Nobody's", 100)],
    DisplayFacts("欢迎光临", "Welcome"),
)
TILLS = [terminal(9, 3), terminal(2, 3), replace(terminal(4, 0), merchant_id=UUID(int=3))]


def told(policy: Policy, facts: TillFacts | None = FACTS) -> Parameters:
    return parameters_of(policy, SITES, TILLS, PURSES, bytes(32), (), facts)


def test_tills_learn_of_their_own_merchant() -> None:
    made = told(Policy())
    assert read(write(made)) == made
    own = made.merchant_of(9)
    assert own is not None
    assert (own.merchant_no, own.terminals, list(own.prices)) == (1, [2, 9], [])
    assert [each.operator_no for each in own.operators] == ["1001"], "who is blocked is not said"
    found = own.operator("1001")
    assert found is not None
    assert (found.rights, own.operator("1002")) == (["SALE", "REFUND"], None)
    other = made.merchant_of(4)
    assert other is not None
    rice = other.price("1")
    assert rice is not None
    assert (rice.name_zh, rice.amount_minor, other.price("2")) == ("米饭", 100, None)
    assert [each.merchant_no for each in made.merchants] == [1, 3], "2 has nothing to say"
    assert made.merchant_of(77) is None
    assert b"never shown" not in write(made)


def test_a_pin_is_checked_alone_by_the_hash_of_the_document() -> None:
    own = read(write(told(Policy()))).merchant_of(9)
    assert own is not None
    entry = own.operator("1001")
    assert entry is not None
    known = entry.salt, entry.iterations, entry.hash
    assert matches_offline(PIN, *known)
    assert not matches_offline("741964", *known)
    assert entry.hash == pbkdf2_hmac("sha256", PIN.encode(), entry.salt, entry.iterations)
    assert entry.iterations == 10_000


def test_meals_texts_and_the_idle_line_are_told() -> None:
    made = told(Policy())
    assert [(meal.name_en, meal.starts_at, meal.ends_at) for meal in made.meal_periods] == [
        ("Breakfast", 23_400, 32_400), ("Dinner", 61_200, 70_200),
    ]  # fmt: skip
    assert [each.code for each in made.texts] == [each.code for each in RESPONSES]
    low = made.text_of("51")
    assert low is not None
    assert (low.zh, low.en) == ("余额不足，请充值", "Balance too low, please top up")
    assert made.text_of("??") is None
    assert made.display is not None
    assert made.display.idle_zh == "欢迎光临"
    assert not made.operators_required
    asking = told(replace(Policy(), terminal=TerminalRules(operators=True)))
    assert asking.operators_required


def test_old_documents_say_nothing_of_it() -> None:
    content = write(told(Policy(), None))
    old = content[: content.index(b',"operatorsRequired"')] + b"}"
    held = read(old)
    assert (held.merchants, held.meal_periods, held.texts, held.display) == ((), (), (), None)
    assert not held.operators_required


def test_the_largest_document_stays_within_its_size() -> None:
    count = PER_SCHOOL_MAXIMUM // PER_MERCHANT_MAXIMUM
    prices = [
        PriceFacts(1 + place // PRICES_MAXIMUM, f"{place:08}", "价" * 20, "P" * 40, 1_000_000)
        for place in range(360)  # a school's file holds no more of them
    ]
    one = operator("1")
    facts = TillFacts(
        [merchant(number) for number in range(1, count + 1)],
        [
            replace(
                one,
                number=f"{place:08}",
                merchant_number=1 + place // PER_MERCHANT_MAXIMUM,
                rights=frozenset(OperatorRight),
            )
            for place in range(PER_SCHOOL_MAXIMUM)
        ],
        [], prices, FACTS.display,
    )  # fmt: skip
    assert len(write(told(Policy(), facts))) <= DOCUMENT_MAXIMUM
