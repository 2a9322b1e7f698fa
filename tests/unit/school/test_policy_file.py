"""A policy file is refused with every problem at once, each with its line and the nearest key."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.school.policy import Limit, Policy
from core.school.policy_diff import policy_diff, policy_digest
from core.school.policy_file import parse_policy
from core.school.policy_words import (
    Channel,
    Feature,
    Instrument,
    PinDefault,
    Place,
)
from core.school.records import PolicyInvalid, PolicyProblem
from core.school.typed_table import rows

SCHOOLS = Path(__file__).parents[3] / "config" / "schools"


def problems(text: str) -> list[tuple[int, str, str | None]]:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(text)
    return [(each.line, each.key, each.nearest) for each in caught.value.problems]


def only_problem(text: str) -> PolicyProblem:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(text)
    (problem,) = caught.value.problems
    return problem


def test_silence_is_our_default() -> None:
    assert parse_policy("") == Policy()
    assert parse_policy("").limit == Limit()
    assert Policy().limit.daily_minor == 5_000
    assert Policy().pin.tries == 5
    assert Policy().day.zone == "Asia/Shanghai"


def test_each_kind_of_value_is_read() -> None:
    policy = parse_policy(
        """
        limit.daily_minor = 8000
        guardian.enabled = true
        day.zone = "Asia/Urumqi"
        pin = { default = "ID6", change_via = ["WINDOW", "APP"] }
        offline.cap_1.count = 1
        pay.priority = ["VIRTUAL", "PHYSICAL", "CAMPUS"]
        withhold.retry_days = []
        [channel.features]
        FACE_PAYMENT = ["WECHAT_MINI"]
        APPEAL = []
        """
    )
    assert policy.limit.daily_minor == 8_000
    assert policy.guardian.enabled
    assert policy.day.zone == "Asia/Urumqi"
    assert policy.pin.default is PinDefault.ID6
    assert policy.pin.change_via == {Place.APP, Place.WINDOW}
    assert (policy.offline.cap_1.count, policy.offline.cap_1.total_minor) == (1, 5_000)
    assert policy.pay.priority == (Instrument.VIRTUAL, Instrument.PHYSICAL, Instrument.CAMPUS)
    assert policy.withhold.retry_days == ()
    assert policy.channel.features == {
        Feature.FACE_PAYMENT: {Channel.WECHAT_MINI},
        Feature.APPEAL: frozenset(),
    }


def test_all_problems_are_named_at_once_with_their_lines() -> None:
    text = (
        "limit.dayly_minor = 3\n"  # 1
        "[pin]\n"
        "tries = 99\n"  # 3
        "kinds = [\n"  # 4
        "  'PAY', 'NONSENSE',\n"
        "]\n"
        "[closing]\n"
        "note = '''\n"  # 8
        "tries = 1\n"
        "'''\n"
        "wait_days = 3\n"  # 11: offline records may be 10 days late
        "[limits]\n"  # 12
        "[offline.'cap_1']\n"
        "count = true\n"  # 14
    )
    assert problems(text) == [
        (1, "limit.dayly_minor", "limit.daily_minor"),
        (3, "pin.tries", None),
        (4, "pin.kinds", None),
        (8, "closing.note", None),
        (11, "closing.wait_days", None),
        (12, "limits", "limit"),
        (14, "offline.cap_1.count", None),
    ]


def test_windows_line_ends_count_alike() -> None:
    assert problems("# one\r\n[pin]\r\n\r\ntries = 0\r\n") == [(4, "pin.tries", None)]


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("limit = 5", "应为表", "Must be a table"),
        ("limit.daily_minor = '5'", "应为整数", "Must be an integer"),
        ("limit.daily_minor = 5.0", "应为整数", "Must be an integer"),
        ("limit.daily_minor = true", "应为整数", "Must be an integer"),
        ("limit.daily_minor = 1000001", "不得大于 1000000", "Must be at most 1000000"),
        ("limit.single_minor = -1", "不得小于 0", "Must be at least 0"),
        ("guardian.enabled = 1", "应为true 或 false", "Must be true or false"),
        ("day.zone = 8", "应为文字", "Must be a text"),
        ("day.zone = ' '", "应为 1 至 60 个可见字符", "Must be 1 to 60 visible characters"),
        ("pin.kinds = 'PAY'", "应为数组", "Must be a list"),
        ("pin.kinds = []", "不可为空", "Must not be empty"),
        ("pin.kinds = ['PAY', 'PAY']", "有重复的值", "A value occurs twice"),
        ("purse.model = 'TWO'", "应为其中之一：SINGLE, ON_CARD", "Must be one of SINGLE, ON_CARD"),
        ("purse.model = 2", "应为其中之一：SINGLE, ON_CARD", "Must be one of SINGLE, ON_CARD"),
        ("top_up.presets_minor = [0]", "不得小于 1", "Must be at least 1"),
        ("campus.features = ['A']", "应为表", "Must be a table"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(text: str, zh: str, en: str) -> None:
    problem = only_problem(text)
    assert (problem.line, problem.message_zh, problem.message_en) == (1, zh, en)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("limit.daily_minor = 2000", "limit.daily_minor"),
        ("limit.single_minor = 6000", "limit.single_minor"),
        ("limit.app_max_minor = 4000", "limit.app_max_minor"),
        ("purse.model = 'ON_CARD'\nloss.release_via = ['APP']", "loss.release_via"),
        ("loss.credential = ['QUERY_PIN']", "loss.credential"),
        ("auth.form_fields = ['NUMBER', 'QUERY_PIN']", "auth.form_fields"),
        ("auth.form_fields = ['NAME', 'NUMBER']", "auth.form_fields"),
        ("auth.form_fields = ['NAME', 'PIN']", "auth.form_fields"),
        ("offline.instruments = ['PHYSICAL', 'WALLET']", "offline.instruments"),
        ("pay.priority = ['PHYSICAL']", "pay.priority"),
        ("offline.cap_high.total_minor = 4000", "offline.cap_high"),
        ("code.life_seconds = 20", "code.life_seconds"),
        ("closing.wait_days = 10", "closing.wait_days"),
        ("withhold.retry_days = [0, 3, 1]", "withhold.retry_days"),
        ("appeal.staff_days = 2", "appeal.staff_days"),
        ("day.zone = 'Asia/Nowhere'", "day.zone"),
        ("day.zone = '../../etc/passwd'", "day.zone"),
        ("claim.via = ['KIOSK']", "claim.via"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(text: str, key: str) -> None:
    assert only_problem(text).key == key


@pytest.mark.parametrize(
    "text",
    [
        "limit.daily_minor = 3000",
        "limit.app_max_minor = 5000",
        "loss.release_via = ['APP']",
        "loss.credential = ['QUERY_PIN']\npin.kinds = ['QUERY']",
        "auth.methods = ['SSO']\nauth.form_fields = ['NAME']",
        "auth.form_fields = ['NUMBER_OR_CARD', 'PIN']",
        "claim.via = ['KIOSK']\npurse.model = 'ON_CARD'",
        "closing.wait_days = 5\nterminal.upload_days = 4",
        "appeal.staff_days = 3",
        "code.life_seconds = 30",
    ],
)
def test_settings_at_the_edge_of_a_contradiction_are_accepted(text: str) -> None:
    assert parse_policy(text) != Policy()


def test_a_broken_value_is_not_blamed_for_a_contradiction_too() -> None:
    assert problems("limit.daily_minor = 'x'\nlimit.single_minor = 9000") == [
        (1, "limit.daily_minor", None)
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[limit]\ndaily_minor = \n", 2),
        ("limit.daily_minor = 1\nlimit.daily_minor = 2", 2),
        ("a = " + "[" * 5_000, 1),
        ("a = " + "9" * 5_000, 1),
        ("\n" * 2_000, 1),
        ("#" * 65_537, 1),
    ],
)
def test_a_text_that_is_no_toml_or_too_large_is_refused(text: str, line: int) -> None:
    problem = only_problem(text)
    assert (problem.line, problem.key) == (line, "")


def test_problems_print_one_per_line() -> None:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy("day.zone = 8\npin.tris = 5")
    assert str(caught.value) == (
        "1: day.zone: Must be a text\n2: pin.tris: Unknown key; did you mean pin.tries?"
    )


@given(st.text())
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    assert parsed_or_lines(text) != []


def parsed_or_lines(text: str) -> Policy | list[int]:
    try:
        return parse_policy(text)
    except PolicyInvalid as refusal:
        return [problem.line for problem in refusal.problems]


_toml_values = st.recursive(
    st.one_of(
        st.sampled_from(["1", "true", "'PAY'", "'APP'", "2020-01-01", "inf", "0x7", "'''a\nb'''"]),
        st.integers(-10, 10**6).map(str),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[\n" + ",\n".join(items) + "]"),
        inner.map(lambda item: "{ APPEAL = " + item.replace("\n", "") + " }"),
    ),
    max_leaves=4,
)
_keys = st.sampled_from([*(row.name for row in rows(Policy())), "pin", "limit.'x y'", "nope.no"])


@given(st.lists(st.tuples(_keys, _toml_values), max_size=6))
def test_any_values_under_known_keys_are_read_or_refused(entries: list[tuple[str, str]]) -> None:
    text = "".join(f"{key} = {value}\n" for key, value in entries)
    parsed = parsed_or_lines(text)
    if isinstance(parsed, Policy):
        assert len(policy_digest(parsed)) == 64
    else:
        assert all(1 <= line <= text.count("\n") + 1 for line in parsed)


def test_the_difference_names_key_and_values_in_both_languages() -> None:
    new = parse_policy(
        "limit.daily_minor = 6000\nguardian.enabled = true\npin.kinds = ['QUERY', 'PAY']\n"
        "top_up.presets_minor = [1000, 2050]\nday.zone = 'Asia/Urumqi'\n"
        "withhold.retry_days = []\nchannel.features.APPEAL = ['WECOM', 'NATIVE']\n"
    )
    changes = policy_diff(Policy(), new)
    assert [(change.key, change.en.partition("): ")[2]) for change in changes] == [
        ("pin.kinds", "PAY → PAY, QUERY"),
        ("limit.daily_minor", "¥50.00 → ¥60.00"),
        (
            "top_up.presets_minor",
            "¥10.00, ¥20.00, ¥30.00, ¥50.00, ¥100.00, ¥200.00 → ¥10.00, ¥20.50",
        ),
        ("channel.features", "— → APPEAL @ NATIVE, WECOM"),
        ("withhold.retry_days", "0, 1, 3, 7 → —"),
        ("day.zone", "Asia/Shanghai → Asia/Urumqi"),
        ("guardian.enabled", "false → true"),
    ]
    assert changes[1].zh == "日累计限额（limit.daily_minor）：¥50.00 → ¥60.00"
    assert changes[1].en == "Daily limit (limit.daily_minor): ¥50.00 → ¥60.00"
    assert policy_diff(new, new) == []


def test_the_digest_names_what_is_decided_not_how_it_is_written() -> None:
    one = parse_policy("[pin]\nkinds = ['PAY', 'QUERY']\ntries = 5\n")
    two = parse_policy("# other words\npin.kinds = ['QUERY', 'PAY']")
    assert policy_digest(one) == policy_digest(two)
    assert policy_digest(one) != policy_digest(Policy())
    assert policy_digest(Policy()) == policy_digest(replace(Policy(), limit=Limit()))


def test_every_key_is_described_in_both_languages_and_the_defaults_agree() -> None:
    table = list(rows(Policy()))
    assert len({row.name for row in table}) == len(table) == 76
    assert all(row.key.zh and row.key.en for row in table)
    assert parse_policy("pin.tries = 5") == Policy()
