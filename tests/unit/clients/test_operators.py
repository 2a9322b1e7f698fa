"""Operators at a till without a network, and what it refuses, shows and offers by its documents."""

from typing import Any

import pytest

from clients.endpoint import NoAnswer
from clients.terminal.operators import RightMissing, Shift
from clients.terminal.receipt import Receipt
from clients.terminal.words import response_line, screen_lines, tell
from terminals import parameters
from terminals.ccr import NO_REFERENCE, Answer, Outcome
from terminals.documents import DocumentKind
from terminals.message import RequestKey
from terminals.operators import offline_hash
from terminals.till_parameters import (
    Display,
    MealPeriod,
    MerchantParameters,
    OperatorEntry,
    Price,
    ShownText,
)
from tests.unit.clients.conftest import Counter
from tests.unit.clients.outage import OPEN, cut, prepare, publish
from tests.unit.clients.pretend_keys import school_document
from tests.unit.clients.pretend_server import ISSUER, NOW, PretendServer
from tests.unit.clients.test_terminal_command import Type, server, type_
from tests.unit.clients.test_till import CODE

__all__ = ["server", "type_"]

PIN, WRONG, SALT = "741963", "963741", bytes(16)
ALONE = "OperatorSignOn", "OperatorSignOff"


def entry(number: str, *rights: str) -> OperatorEntry:
    return OperatorEntry(
        operator_no=number, rights=rights, salt=SALT, iterations=2,
        hash=offline_hash(PIN, SALT, 2),
    )  # fmt: skip


def merchant(*operators: OperatorEntry) -> MerchantParameters:
    rice = Price(code="1", name_zh="米饭", name_en="Rice", amount_minor=150)
    return MerchantParameters(merchant_no=1, terminals=[42], operators=operators, prices=[rice])


FULL = entry("1001", "CLOSE", "REFUND", "SALE", "VOID")
BARE = entry("1002", "SALE")
TOLD: dict[str, Any] = {
    "merchants": [merchant(FULL, BARE)],
    "meal_periods": [MealPeriod(name_zh="午餐", name_en="Lunch", starts_at=0, ends_at=86_400)],
    "display": Display(idle_zh="欢迎光临", idle_en="Welcome"),
    "texts": [ShownText(code="Z9", zh="新代码", en="A new code, {tries} left")],
}


def here(counter: Counter) -> Shift | None:
    """Who is signed on now."""
    return counter.till.operators.shift


async def alone(counter: Counter, **changes: Any) -> None:
    """A till with documents and without a network."""
    await prepare(counter, **{**TOLD, **changes})
    cut(counter, "LOSE_REQUEST", *ALONE)


async def test_operator_signs_on_alone_by_the_hash_and_a_power_cut_keeps_the_shift(
    counter: Counter,
) -> None:
    await alone(counter)
    signed = await counter.till.operators.sign_on("1002", PIN)
    assert signed.shift is not None
    assert (signed.shift.operator_no, signed.shift.rights, signed.shift.id) == (
        "1002", frozenset({"SALE"}), None,
    )  # fmt: skip
    counter.reopen()
    assert here(counter) == signed.shift
    assert await counter.till.operators.sign_off() == signed.shift
    assert here(counter) is None
    assert await counter.till.operators.sign_off() is None


async def test_wrong_pins_alone_lock_over_a_power_cut_until_the_server_signs_on(
    counter: Counter,
) -> None:
    await alone(counter)
    said = []
    for _ in range(5):
        said.append(await counter.till.operators.sign_on("1001", WRONG))
        counter.reopen()
    assert [(each.response_code, each.tries_left) for each in said] == [
        ("55", 4), ("55", 3), ("55", 2), ("55", 1), ("S4", 0),
    ]  # fmt: skip
    right = await counter.till.operators.sign_on("1001", PIN)
    assert (right.shift, right.response_code, right.tries_left) == (None, "S4", 0)
    other = await counter.till.operators.sign_on("1002", PIN)
    assert other.shift is not None, "the others are not locked with it"


async def test_right_pin_gives_the_tries_at_the_till_back(counter: Counter) -> None:
    await alone(counter)
    for _ in range(3):
        for _ in range(4):
            await counter.till.operators.sign_on("1001", WRONG)
        assert (await counter.till.operators.sign_on("1001", PIN)).shift is not None


async def test_nobody_is_signed_on_alone_whom_the_documents_do_not_name(counter: Counter) -> None:
    cut(counter, "LOSE_REQUEST", *ALONE)
    without = await counter.till.operators.sign_on("1001", PIN)
    assert (without.shift, without.response_code) == (None, "S3")
    await alone(counter)
    unknown = await counter.till.operators.sign_on("7", PIN)
    assert (unknown.shift, unknown.response_code) == (None, "S3")
    assert counter.till.operators.shift is None


async def test_newer_parameters_that_name_them_no_more_end_the_shift(counter: Counter) -> None:
    await alone(counter)
    await counter.till.operators.sign_on("1001", PIN)
    publish(counter, 8, **{**TOLD, "merchants": [merchant(entry("1001", "SALE"))]})
    await counter.till.line.sync()
    shift = counter.till.operators.shift
    assert shift is not None
    assert shift.rights == {"SALE"}, "rights are those of the newest document"
    publish(counter, 9, **{**TOLD, "merchants": [merchant(BARE)]})
    await counter.till.line.sync()
    assert counter.till.operators.shift is None


async def test_what_an_operator_may_not_do_is_refused_before_anything_is_written(
    counter: Counter,
) -> None:
    sold = await counter.till.sell(CODE, 500)
    await alone(counter)
    await counter.till.operators.sign_on("1002", PIN)
    before = counter.journal.list_newest(9)
    key = sold.entry.key
    for act in (counter.till.refund(key, 100, "cold"), counter.till.void(key)):
        with pytest.raises(RightMissing) as missing:
            await act
        assert missing.value.response_code == "S2"
    with pytest.raises(RightMissing):
        counter.till.operators.check("CLOSE")
    assert counter.journal.list_newest(9) == before
    await counter.till.operators.sign_on("1001", PIN)
    counter.till.operators.check("CLOSE")
    refunded = await counter.till.refund(key, 100, "cold")
    assert refunded.entry.given["operatorNo"] == "1001", "who is signed on is named"


async def test_without_the_right_to_sell_nothing_is_sold_or_shown(counter: Counter) -> None:
    await alone(counter, merchants=[merchant(entry("1003", "CLOSE"))])
    await counter.till.operators.sign_on("1003", PIN)
    for act in (counter.till.sell(CODE, 500), counter.till.show_challenge(500)):
        with pytest.raises(RightMissing):
            await act
    assert counter.journal.list_newest(9) == []


async def test_refund_needs_somebody_whom_the_server_signed_on_where_the_school_says_so(
    counter: Counter,
) -> None:
    sold = await counter.till.sell(CODE, 500)
    await alone(counter, operators_required=True)
    for number in (None, "1001"):
        if number is not None:
            await counter.till.operators.sign_on(number, PIN)
        with pytest.raises(RightMissing) as missing:
            await counter.till.refund(sold.entry.key, 100, "cold")
        assert missing.value.response_code == "S1"
    assert counter.journal.list_newest(9) == [counter.journal.get(sold.entry.key)]


async def test_sign_off_that_the_server_did_not_hear_is_not_done(counter: Counter) -> None:
    await alone(counter)
    signed = await counter.till.operators.sign_on("1001", PIN)
    assert signed.shift is not None
    counter.journal.run("UPDATE shift SET shift_id = 'T3BlcmF0b3JTaGlmdA=='")
    with pytest.raises(NoAnswer):
        await counter.till.operators.sign_off()
    assert counter.till.operators.shift is not None


def test_new_code_is_told_in_the_words_of_the_parameters() -> None:
    held = OPEN.model_copy(update=TOLD)
    assert response_line("Z9", "zh", held) == "Z9  新代码"
    assert response_line("Z9", "en", held, 2) == "Z9  A new code, 2 left"
    assert response_line("Z9", "en", None) == "Z9  Refused"
    assert response_line("51", "zh", held) == "51  余额不足，请充值"
    assert response_line("Z8", "zh", held) == "Z8  交易被拒绝"


async def test_receipt_of_a_new_code_is_shown(counter: Counter) -> None:
    sold = await counter.till.sell(CODE, 500)
    answer = Answer(Outcome.DECLINED, ISSUER, 2, sold.entry.key, 500, NOW, "Z9", NO_REFERENCE)
    receipt = Receipt(sold.entry, answer)
    assert "Z9  新代码" in tell(receipt, "zh", OPEN.model_copy(update=TOLD))


def test_screen_shows_the_idle_line_the_meal_and_the_buttons() -> None:
    held = OPEN.model_copy(update=TOLD)
    assert screen_lines(held, 42, NOW, "zh") == ["欢迎光临", "午餐", "1  米饭  ¥1.50"]
    assert screen_lines(held, 7, NOW, "en") == ["Welcome", "Lunch"]
    later = MealPeriod(name_zh="宵夜", name_en="Supper", starts_at=0, ends_at=0)
    bare = held.model_copy(update={"display": None, "meal_periods": [later]})
    assert screen_lines(bare, 7, NOW, "en") == []


def test_cashier_signs_on_sells_by_a_button_and_signs_off(
    type_: Type, server: PretendServer
) -> None:
    assert type_("screen").output == "\n"
    assert "no such button: 1" in type_("item", "1", CODE).output
    content = parameters.write(OPEN.model_copy(update=TOLD))
    server.documents.append(school_document(DocumentKind.PARAMETERS, 7, content))
    type_("heartbeat")
    shown = type_("screen").output
    assert "Welcome\n" in shown
    assert "1  Rice  ¥1.50" in shown
    server.fault = lambda operation: "LOSE_REQUEST" if operation in ALONE else None
    wrong = type_("operator", "on", "1002", typed=f"{WRONG}\n")
    assert (wrong.exit_code, "55  Wrong PIN, 4 tries left" in wrong.output) == (1, True)
    on = type_("operator", "on", "1002", typed=f"{PIN}\n")
    assert "1002  SALE  (脱机 offline)" in on.output
    sold = type_("item", "1", CODE)
    assert (sold.exit_code, list(server.paid.values())) == (0, [150])
    for words in (("refund", "1", "1.00"), ("void", "1"), ("close",)):
        refused = type_(*words)
        assert (refused.exit_code, "S2  Operator has no right" in refused.output) == (1, True)
    assert list(server.paid) == [RequestKey(42, 1, 1)]
    assert "1002" in type_("operator", "off").output
    assert "signed off  -" in type_("operator", "off").output
    assert type_("void", "1").exit_code == 0
