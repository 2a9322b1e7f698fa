"""Time, ids, money, pages, refusals and sealed values."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kit.clock import business_day, from_unix, unix_seconds
from core.kit.errors import Refusal
from core.kit.money import MAXIMUM_MINOR, decimal_text, is_amount
from core.kit.page import Cursor, CursorInvalid
from core.kit.sealed import SealBroken, Sealer, normalise
from tests.factories.chance import NOON, HandClock, counted_entropy, make_ids

ROW = UUID(int=7)
OTHER_ROW = UUID(int=8)


def make_sealer(newest: int = 1) -> Sealer:
    masters = {kid: bytes([kid]) * 32 for kid in range(1, newest + 1)}
    return Sealer(masters, b"\x99" * 32, counted_entropy())


def test_a_day_begins_at_midnight_of_the_zone() -> None:
    last = datetime(2026, 9, 1, 15, 59, 59, tzinfo=UTC)
    assert business_day(last, "Asia/Shanghai") == date(2026, 9, 1)
    assert business_day(last + timedelta(seconds=1), "Asia/Shanghai") == date(2026, 9, 2)


def test_unix_seconds_are_floored_and_come_back() -> None:
    assert unix_seconds(NOON + timedelta(milliseconds=999)) == unix_seconds(NOON)
    assert from_unix(unix_seconds(NOON)) == NOON


def test_an_id_is_a_uuid_of_version_7_with_its_milliseconds() -> None:
    id_ = make_ids(HandClock()).new()
    assert (id_.version, id_.variant) == (7, "specified in RFC 4122")
    assert id_.int >> 80 == int(NOON.timestamp() * 1000)


def test_ids_rise_with_time_and_never_repeat() -> None:
    clock = HandClock()
    ids = make_ids(clock)
    first = ids.new()
    clock.advance(milliseconds=1)
    assert first < ids.new()
    assert len({ids.new() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("count", [1, 6, 7, 8, 18, 24])
def test_digits_are_as_many_as_asked(count: int) -> None:
    ids = make_ids(HandClock())
    drawn = {ids.digits(count) for _ in range(50)}
    assert all(len(text) == count and text.isdecimal() for text in drawn)
    assert len(drawn) > 5


def test_retrieval_references_are_twelve_characters_and_never_repeat() -> None:
    ids = make_ids(HandClock())
    drawn = {ids.retrieval_reference() for _ in range(1000)}
    assert len(drawn) == 1000
    assert {len(text) for text in drawn} == {12}
    assert set("".join(drawn)) == set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.mark.parametrize(
    ("minor", "text"), [(0, "0.00"), (5, "0.05"), (1250, "12.50"), (-1250, "-12.50"), (-7, "-0.07")]
)
def test_amounts_read_as_yuan(minor: int, text: str) -> None:
    assert decimal_text(minor) == text


def test_amounts_at_their_bounds() -> None:
    assert [is_amount(minor) for minor in (0, 1, MAXIMUM_MINOR, MAXIMUM_MINOR + 1, -1)] == [
        False, True, True, False, False,
    ]  # fmt: skip


def test_a_refusal_is_called_by_its_class() -> None:
    class CardLost(Refusal):
        """For this test."""

    refusal = CardLost("cardId", tries=3)
    assert CardLost.code() == "CARD_LOST"
    assert (refusal.path, refusal.details, refusal.retryable) == (("cardId",), {"tries": 3}, False)


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)), st.uuids()  # noqa: DTZ001 - hypothesis adds the zone
)  # fmt: skip
def test_a_cursor_comes_back_exactly(posted_at: datetime, id_: UUID) -> None:
    cursor = Cursor(posted_at, id_)
    assert Cursor.parse(cursor.text()) == cursor


@given(st.text() | st.binary(min_size=24, max_size=24).map(lambda raw: raw.hex()))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorInvalid):
        Cursor.parse(text)


def test_a_cursor_of_the_far_future_is_refused() -> None:
    far = Cursor(datetime(2199, 1, 1, tzinfo=UTC), ROW)
    with pytest.raises(CursorInvalid):
        Cursor.parse(far.text())


def test_a_sealed_value_opens_only_in_its_place() -> None:
    sealer = make_sealer()
    sealed = sealer.seal(1, "cardholder.name", ROW, "示例甲")
    assert sealer.open(1, "cardholder.name", ROW, sealed) == "示例甲"
    for school, place, row in (
        (2, "cardholder.name", ROW),
        (1, "cardholder.phone", ROW),
        (1, "cardholder.name", OTHER_ROW),
    ):
        with pytest.raises(SealBroken):
            sealer.open(school, place, row, sealed)


def test_a_changed_or_cut_value_does_not_open() -> None:
    sealer = make_sealer()
    sealed = sealer.seal(1, "t.c", ROW, "x")
    for broken in (sealed[:-1], sealed[:20], b"", b"\x02" + sealed[1:], sealed[:-1] + b"\0"):
        with pytest.raises(SealBroken):
            sealer.open(1, "t.c", ROW, broken)


def test_an_old_key_reads_and_the_newest_writes() -> None:
    old = make_sealer(newest=1).seal(1, "t.c", ROW, "x")
    both = make_sealer(newest=2)
    assert both.open(1, "t.c", ROW, old) == "x"
    assert both.seal(1, "t.c", ROW, "x")[1:5] == (2).to_bytes(4)
    with pytest.raises(SealBroken):
        make_sealer(newest=1).open(1, "t.c", ROW, both.seal(1, "t.c", ROW, "x"))


def test_two_sealings_of_one_value_differ() -> None:
    sealer = make_sealer()
    assert sealer.seal(1, "t.c", ROW, "x") != sealer.seal(1, "t.c", ROW, "x")


def test_blind_index_differs_by_school_and_column() -> None:
    sealer = make_sealer()
    mine = sealer.blind_index(1, "cardholder.phone", "10000000001")
    assert mine == sealer.blind_index(1, "cardholder.phone", " 10000000001 ")
    assert len({mine, sealer.blind_index(2, "cardholder.phone", "10000000001"),
                sealer.blind_index(1, "cardholder.name", "10000000001")}) == 3  # fmt: skip


def test_values_are_matched_without_case_width_or_blanks() -> None:
    assert normalise(" ａｂ１ ") == "AB1"
