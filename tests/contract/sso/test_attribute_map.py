"""The attribute map: what is kept, what is dropped, and who must not become somebody else."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sso.api import Assertion, Denied, Incomplete, SettingsInvalid
from adapters.sso.attribute_map import AttributeMap, identity_of
from adapters.sso.settings import validated
from core.ports.campus_sign_on import CampusIdentity

RELEASED: dict[str, tuple[str, ...]] = {
    "cas:employeeNumber": ("",),
    "containerId": ("uid=007001,ou=people,dc=school,dc=example",),
    "cn": ("示例甲",),
    "userType": ("教师",),
    "info": ('{"staff": {"no": "0042", "tags": ["x", "y"]}}',),
    "mail": ("JIA@People.example",),
    "person.dept": ("信息学院",),
    "eduPersonScopedAffiliation": ("member@school.example", "student@school.example"),
    "secret": ("an attribute that nobody asked for",),
}


def mapped(
    rules: Mapping[str, Any], attributes: Mapping[str, tuple[str, ...]] = RELEASED,
    mandatory: frozenset[str] = frozenset(),
) -> CampusIdentity:  # fmt: skip
    """What is kept under these rules."""
    read = validated(AttributeMap, {"subject": "$subject", **rules})
    return identity_of(Assertion("issuer", "pupil0", attributes), read, mandatory)


def test_unmapped_dropped() -> None:
    kept = mapped({"name": "cn"})
    assert kept == CampusIdentity("issuer", "pupil0", name="示例甲")
    assert "nobody asked" not in repr(kept)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("cn", "示例甲"),
        ("cas:cn", "示例甲"),
        ("nothing", None),
        ({"from": ["employeeNumber", "containerId"], "match": r"^(?:uid=)?(\w{4,20})"}, "007001"),
        ({"from": "containerId", "match": r"ou=(?P<v>\w+)"}, "people"),
        ({"from": "containerId", "match": r"^uid=\d+"}, "uid=007001"),
        ({"from": "containerId", "match": "none"}, None),
        ({"from": "info", "json": "staff.no"}, "0042"),
        ({"from": "info", "json": "staff.tags"}, "x"),
        ({"from": "info", "json": "staff.none"}, None),
        ({"from": "cn", "json": "staff.no"}, None),
        ({"from": "mail", "case": "lower"}, "jia@people.example"),
        ({"from": "mail", "case": "upper"}, "JIA@PEOPLE.EXAMPLE"),
        ({"from": "nothing", "default": "none"}, "none"),
        ({"from": "userType", "values": {"教师": "T", "*": "R"}}, "T"),
        ({"from": "cn", "values": {"教师": "T", "*": "R"}}, "R"),
        ({"from": "cn", "values": {"教师": "T"}}, None),
        ({"from": ["cn", "userType"], "join": " "}, "示例甲 教师"),
        ({"from": ["cn", "nothing"], "join": " "}, None),
        ("person.dept", "信息学院"),
    ],
)
def test_a_value_comes_out_of_its_rule(rule: Any, value: str | None) -> None:
    assert mapped({"dept": rule}).department == value


def test_the_first_value_that_fits_is_taken() -> None:
    rule = {"from": "eduPersonScopedAffiliation", "match": "^(student|staff)@"}
    assert mapped({"dept": rule}).department == "student"


@pytest.mark.parametrize(
    ("text", "kind"), [("教师", "STAFF"), ("全日制学生", "STUDENT"), ("访客", "OTHER")]
)
def test_a_kind_is_one_of_ours(text: str, kind: str) -> None:
    rule = {"from": "t", "values": {"教师": "STAFF", "全日制学生": "STUDENT", "*": "OTHER"}}
    assert mapped({"kind": rule}, {"t": (text,)}).kind == kind
    assert mapped({"kind": "t"}, {"t": (text,)}).kind is None
    with pytest.raises(SettingsInvalid, match="STUDENT"):
        mapped({"kind": {"from": "t", "values": {"*": "TEACHER"}}})


def test_missing_subject_is_incomplete() -> None:
    with pytest.raises(Incomplete) as refused:
        mapped({"subject": "employeeNumber"})
    assert refused.value.hint.startswith(
        "no value for subject; the school released cn, containerId"
    )
    with pytest.raises(Incomplete, match=r"no value for person_no; the school released cn$"):
        mapped({"person_no": "no"}, {"cn": ("x",)}, frozenset({"person_no"}))
    with pytest.raises(Incomplete, match="no value for subject, name; the school released no attr"):
        mapped({"subject": ["a", "b"], "name": "cn"}, {}, frozenset({"name"}))
    assert "pupil0" not in refused.value.hint


def test_it_never_falls_back_to_the_login_name() -> None:
    for subject in ("uid", ["type", "uid"], {"from": ["uid", "id"]}):
        with pytest.raises(Incomplete):
            mapped({"subject": subject})
    with pytest.raises(SettingsInvalid, match="no default"):
        mapped({"subject": {"from": "uid", "default": "nobody"}})


def subject_of(*parts: str) -> str:
    """The joined subject of so many parts."""
    names = [f"p{place}" for place in range(len(parts))]
    return mapped({"subject": names}, {n: (p,) for n, p in zip(names, parts, strict=True)}).subject


def test_joined_subject_is_injective() -> None:
    assert subject_of("student", "17") == "student:17"
    assert subject_of("a:b", "c") != subject_of("a", "b:c")
    tricky = ["a", ":", "\\", "a:", ":a", "\\:", ":\\", "\\\\", "a\\", "\\a"]
    pairs = [(one, two) for one in tricky for two in tricky]
    assert len({subject_of(*pair) for pair in pairs}) == len(pairs)
    for joiner in ("-", "", "::"):
        with pytest.raises(SettingsInvalid, match="joined by"):
            mapped({"subject": {"from": ["a", "b"], "join": joiner}})


@given(st.lists(st.tuples(st.text(":\\ab", min_size=1), st.text(":\\ab", min_size=1)), max_size=9))
def test_two_people_never_share_a_joined_subject(people: list[tuple[str, str]]) -> None:
    for one, two in pairwise(people):
        assert (subject_of(*one) == subject_of(*two)) == (one == two)


def test_a_long_subject_is_refused_and_other_values_are_cut() -> None:
    long = "x" * 257
    assert mapped({"name": "n"}, {"n": (long,)}).name == "x" * 256
    with pytest.raises(Incomplete):
        mapped({"subject": "n"}, {"n": (long,)})
    assert mapped({"subject": "n"}, {"n": (long[1:],)}).subject == "x" * 256


def test_who_lacks_a_required_value_is_denied() -> None:
    require = {"eduPersonScopedAffiliation": ["student@school.example", "staff@school.example"]}
    assert mapped({"require": require}).subject == "pupil0"
    for attributes in ({}, {"eduPersonScopedAffiliation": ("student@other.example",)}):
        with pytest.raises(Denied, match="eduPersonScopedAffiliation has none"):
            mapped({"require": require}, attributes)


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"shoe_size": "x"}, "Unknown key; known are dept, email, kind, name, person_no, phone"),
        ({"name": {"from": "x", "eval": "1"}}, "name.eval: Unknown key; known are case, default"),
        ({"name": {"from": "x", "match": "("}}, "name.match"),
        ({"name": {}}, "name.from"),
        ({"name": {"from": []}}, "name.from"),
        ({"name": 7}, "name"),
    ],
)
def test_a_rule_that_is_none_is_refused_with_what_there_is(
    rules: Mapping[str, Any], problem: str
) -> None:
    with pytest.raises(SettingsInvalid, match=problem):
        mapped(rules)
