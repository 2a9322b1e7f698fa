"""The verdict on sign-ins: honest journals and rows break nothing, and each lie is noticed."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.identity.attempts import Counter as Kind
from tests.faults.bank.door_judge import judge_doors
from tests.faults.bank.door_rows import DoorRows
from tests.faults.bank.folk import WECHAT, Folk, Person
from tests.faults.bank.judge import Verdict
from tests.faults.bank.limits_judge import judge_limits
from tests.faults.bank.logs import judge_logs, private

Line = dict[str, Any]
ANNE = Person(71, "anne", "示例甲", "id-a", "198.19.0.7", ("S1",), "271828", "U1", "", "1", "a@b.c")
BERT = Person(71, "bert", "示例乙", "id-b", "198.19.1.7", ("S2",), "314159", "U2")
STRANGER = Person(71, "stranger", "路人", "", "198.19.2.7")
ISSUER = "wechat:1"
FOLK = Folk((ANNE,), (BERT,), (STRANGER,), {WECHAT: ISSUER})
BEGAN = datetime(2026, 9, 1, tzinfo=UTC)
BOUND = {"done": True, "token": "t", "number": "S1"}


def intent(id_: str, operation: str, at: float = 1, who: Person = ANNE, **about: str) -> Line:
    named = {"person": who.id, "channel": WECHAT, "account": who.id, **about}
    return {"t": "intent", "id": id_, "operation": operation, "at": at, "school_id": 71,
            "token": "", "about": named}  # fmt: skip


def answer(id_: str, facts: Line, at: float = 2, tries: int = 0) -> Line:
    return {"t": "answer", "id": id_, "sent": at - 0.5, "at": at, "tries": tries, "facts": facts}


def row(**columns: Any) -> Line:
    return {"school_id": 71, "id": "b", "issuer": ISSUER, "subject": "anne", "channel": WECHAT,
            "number": "S1", "bound_at": BEGAN, "ended_at": None} | columns  # fmt: skip


def rows(**listed: Any) -> DoorRows:
    subjects = {(71, ISSUER, each.id): each for each in FOLK.all()}
    return DoorRows(subjects, **listed)


HONEST_LINES = [
    intent("1", "BIND"), answer("1", BOUND),
    intent("2", "SIGN_IN", 3), answer("2", {"done": True, "token": "u", "kind": "CARDHOLDER"}, 4),
    {"t": "seen", "person": "anne", "channel": WECHAT, "number": "S1", "card": "c", "holder": "h"},
    {"t": "once", "what": "code", "taken": 1},
]  # fmt: skip
HONEST_ROWS: Line = {"bindings": [row()], "audited": {(71, "S1", "binding.add"): 1}}


def verdict(
    lines: Sequence[Line] = (), windows: Sequence[Line] = (), **listed: Any
) -> Counter[str]:
    found = Verdict()
    given = {**HONEST_ROWS, **listed}
    judge_doors(found, FOLK, [*HONEST_LINES, *lines], rows(**given), windows)
    return found.violations


def test_honest_sign_ins_break_nothing() -> None:
    assert verdict() == {}


@pytest.mark.parametrize(
    ("lines", "broken"),
    [
        ([{"t": "seen", "person": "anne", "channel": WECHAT, "number": "S2", "card": "d",
           "holder": "h"}], {"D1": 1}),
        ([{"t": "seen", "person": "anne", "channel": WECHAT, "number": "S1", "card": "d",
           "holder": "h"}], {"D1": 1}),
        ([intent("3", "SIGN_ON", 5), answer("3", {**BOUND, "number": "S2"}, 6)], {"D1": 1}),
        ([{"t": "once", "what": "code", "taken": 2}], {"D5": 1}),
        ([intent("3", "SIGN_IN", 5), answer("3", {"done": True, "kind": "UNBOUND"}, 6)], {"D4": 1}),
        ([intent("3", "UNBIND", 5), answer("3", {"done": True}, 6), intent("4", "SIGN_IN", 7),
          answer("4", {"done": True, "kind": "CARDHOLDER"}, 8)], {"D4": 1}),
        ([intent("3", "SIGN_IN", 5), answer("3", {"refused": "CHANNEL_UNAVAILABLE"}, 6)],
         {"D6": 1}),
        ([intent("3", "SIGN_IN", 5), answer("3", {"refused": "UNKNOWN"}, 6)], {"D6": 1}),
        ([intent("3", "MAIL_IN", 5), answer("3", {"refused": "SIGN_IN_NOT_CONFIRMED"}, 6)],
         {"D6": 1}),
        ([intent("3", "COMPARE", 5), answer("3", {"refused": "IDENTITY_NOT_CONFIRMED"}, 6)],
         {"D6": 1}),
        ([intent("3", "COMPARE", 5), answer("3", {"refused": "IDENTITY_NOT_CONFIRMED"}, 6, 4)], {}),
        ([intent("3", "BIND", 5, STRANGER), answer("3", {"refused": "UNAUTHENTICATED"}, 6)],
         {"D11": 1}),
    ],
)  # fmt: skip
def test_each_lie_of_a_journal_is_noticed(lines: list[Line], broken: dict[str, int]) -> None:
    assert verdict(lines) == broken


def test_an_outage_excuses_what_it_causes_and_nothing_else() -> None:
    refused = [intent("3", "SIGN_IN", 5), answer("3", {"refused": "CHANNEL_UNAVAILABLE"}, 6)]
    assert verdict(refused, [{"kind": "provider_gone", "from": 5.5, "to": 7}]) == {}
    assert verdict(refused, [{"kind": "campus_gone", "from": 5.5, "to": 7}]) == {"D6": 1}


@pytest.mark.parametrize(
    ("listed", "broken"),
    [
        ({"bindings": [row(), row(id="c", bound_at=BEGAN + timedelta(1))]}, {"D2": 2, "D3": 2}),
        ({"bindings": [row(number="S2")]}, {"D1": 1, "D3": 2}),
        ({"sessions": [row(number="S2", stands=True)]}, {"D1": 1}),
        ({"pending": [row(number="S2")]}, {"D1": 1}),
        ({"audited": {}}, {"D3": 1}),
        ({"sessions": [row(stands=True, ended_at=BEGAN)]}, {"D4": 1}),
        ({"revoked": [row(reason="BOUND")]}, {}),
        ({"revoked": [row(reason="UNBOUND")]}, {"D11": 1}),
        ({"revoked": [row(reason="SIGNED_OUT")]}, {"D11": 1}),
        ({"revoked": [row(issuer="bank-test", reason="BOUND")]}, {"D11": 1}),
    ],
)
def test_each_wrong_row_is_noticed(listed: Line, broken: dict[str, int]) -> None:
    assert verdict(**listed) == broken


WRONG = {"refused": "IDENTITY_NOT_CONFIRMED"}
GUESSED = [intent("1", "BIND", who=STRANGER, wrong="S2"), answer("1", WRONG)]
COUNTED = {
    (71, Kind.CALLER_HOUR.value, f"{ISSUER} stranger"): 1, (71, Kind.NUMBER_DAY.value, "S2"): 1,
    (71, Kind.NUMBER_EVER.value, "S2"): 1, (71, Kind.NETWORK_HOUR.value, STRANGER.network): 1,
}  # fmt: skip


def compared(what: str, times: int, way: str = "bind") -> list[Line]:
    return [{"t": "compared", "what": what, "way": way, "right": False}] * times


def hundreds(**facts: Any) -> Line:
    return {"t": "hundreds", "school": 71, "number": "S2", "told": 200, "wrong": 1, "bound": 0,
            "other": []} | facts  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "told", "broken"),
    [
        ([], compared("pin holder-2", 5), {}),
        ([], compared("pin holder-2", 6), {"D7": 1}),
        ([], compared("pin holder-2", 6, "prove"), {}),
        ([], compared("code 01", 6, "code"), {"D7": 1}),
        ([hundreds(wrong=1)], [], {"D7": 2}),
        ([hundreds(wrong=0, bound=1)], [], {"D7": 1}),
        ([hundreds(wrong=0, other=["INTERNAL"])], [], {"D7": 1}),
        ([intent("2", "BIND", who=STRANGER, closed="S2"), answer("2", BOUND)], [], {"D7": 1}),
        ([intent("2", "AUTHORISE", guessed="yes"), answer("2", {"code": "55"})], [], {"D8": 1}),
    ],
)
def test_each_guess_too_many_is_noticed(
    lines: list[Line], told: list[Line], broken: dict[str, int]
) -> None:
    found = Verdict()
    holders = [{"school_id": 71, "number": f"S{n}", "id": f"holder-{n}"} for n in (1, 2)]
    listed = rows(holders=holders, tries=COUNTED)
    judge_limits(found, FOLK, [*GUESSED, *lines], listed, told)
    assert found.violations == broken


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("request=- fault=DatabaseUnavailable at=unit:1", 0),
        ("request=- fault=KeyError at=unit:1", 1),
        ("Traceback (most recent call last):", 1),
        ("hello 示例甲", 1),
        ("code c0de-of-a-letter", 1),
        ("number 12718281", 0),
        ("pin=271828", 1),
    ],
)
def test_a_log_holds_neither_faults_nor_facts(tmp_path: Path, line: str, broken: int) -> None:
    (tmp_path / "app.log").write_text(f"{line}\n", "utf-8")
    used = {"used": {"given": {"code": "c0de-of-a-letter"}}}
    lines = [intent("1", "MAIL_IN"), answer("1", used)]
    found = Verdict()
    judge_logs(found, [tmp_path / "app.log"], private(FOLK, [], lines))
    assert found.violations["D10"] == broken
