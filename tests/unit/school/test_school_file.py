"""A school's file: facts, consents, places, and a policy; refused with every problem's line."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.school.policy import Policy
from core.school.policy_diff import policy_digest
from core.school.policy_file import Language, parse_school_file
from core.school.policy_words import AuthMethod, Channel, Feature, PinDefault, PurseModel
from core.school.records import PolicyInvalid, PolicyProblem

SCHOOLS = Path(__file__).parents[3] / "config" / "schools"


def school_problem(text: str) -> PolicyProblem:
    with pytest.raises(PolicyInvalid) as caught:
        parse_school_file(text)
    (problem,) = caught.value.problems
    return problem


SCHOOL = """
[school]
id = 9
code = "sample"
name_zh = "示范"
name_en = "Sample"
default_language = "ZH"
[[school.campuses]]
code = "EAST"
name_zh = "东"
name_en = "East"
[[school.campuses]]
code = "WEST"
name_zh = "西"
name_en = "West"
[policy.campus.features]
SHOWER = ["EAST"]
"""


def test_a_school_file_states_facts_and_policy() -> None:
    parsed = parse_school_file(SCHOOL)
    assert (parsed.school.id, parsed.school.code) == (9, "sample")
    assert parsed.school.default_language is Language.ZH
    assert [campus.code for campus in parsed.school.campuses] == ["EAST", "WEST"]
    assert parsed.policy.campus.features == {Feature.SHOWER: {"EAST"}}


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ("id = 9", "id = 0", 3, "school.id"),
        ("id = 9\n", "", 2, "school.id"),
        ("[school]", "[school]\nmotto = 'x'", 3, "school.motto"),
        ('code = "sample"', 'code = "Sample School"', 4, "school.code"),
        ('name_en = "West"', "name_en = 7", 15, "school.campuses.1.name_en"),
        ('name_en = "West"', "nam_en = 'West'\nname_en = 'W'", 15, "school.campuses.1.nam_en"),
        ('code = "WEST"', 'code = "EAST"', 13, "school.campuses.1.code"),
        ('SHOWER = ["EAST"]', 'SHOWER = ["MOON"]', 17, "policy.campus.features.SHOWER"),
        ("[policy.campus.features]", "[polici]", 16, "polici"),
        ("[policy.campus", "[policy.pin]\ntries = 0\n[policy.campus", 17, "policy.pin.tries"),
        ("[policy.campus", "[policy.claim]\nvia=['KIOSK']\n[policy.campus", 17, "policy.claim.via"),
    ],
)
def test_a_wrong_school_file_is_refused_at_its_line(
    old: str, new: str, line: int, key: str
) -> None:
    problem = school_problem(SCHOOL.replace(old, new, 1))
    assert (problem.line, problem.key) == (line, key)


PLACES = """[[consent]]
document = "card-terms"
version = 2
title_zh = "校园卡协议"
title_en = "Card terms"
url = "https://school.example/terms"
sha256 = "{0}"
methods = ["REAL_NAME"]
[[service_point]]
campus = "EAST"
kind = "WINDOW"
name_zh = "示例窗口"
name_en = "Sample window"
place_zh = "示例楼"
place_en = "Sample house"
[[sso]]
id = "cas"
[capability]
otp.sms = true
""".replace("{0}", "0" * 64)


def test_a_school_file_states_consents_places_and_connections() -> None:
    parsed = parse_school_file(SCHOOL + PLACES)
    (consent,) = parsed.consents
    assert (consent.document, consent.version, consent.methods) == (
        "card-terms", 2, (AuthMethod.REAL_NAME,),
    )  # fmt: skip
    assert [consent.applies_to(each) for each in (None, AuthMethod.REAL_NAME, AuthMethod.FORM)] == [
        True,
        True,
        False,
    ]
    (point,) = parsed.service_points
    assert (point.campus, point.kind, point.hours, point.phone) == ("EAST", "WINDOW", "", "")
    assert parsed.connections == {"sso": [{"id": "cas"}], "capability": {"otp": {"sms": True}}}
    plain = parse_school_file(SCHOOL)
    assert (plain.consents, plain.service_points, plain.connections) == ((), (), {})


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("[[consent]]", "[consent]", "consent"),
        ("version = 2", "version = 0", "consent.0.version"),
        ("https://", "ftp://", "consent.0.url"),
        ("0" * 64, "0" * 63, "consent.0.sha256"),
        ('campus = "EAST"', 'campus = "MOON"', "service_point.0.campus"),
        ('"WINDOW"', '"DOOR"', "service_point.0.kind"),
        ('place_en = "Sample house"', "", "service_point.0.place_en"),
        ("[capability]", "[capabilities]", "capabilities"),
        ("[[sso]]", PLACES.partition("[[service")[0] + "[[sso]]", "consent.1.document"),
    ],
)
def test_a_wrong_consent_or_place_is_refused(old: str, new: str, key: str) -> None:
    assert school_problem((SCHOOL + PLACES).replace(old, new, 1)).key == key


def test_what_the_file_decides_beside_its_policy_changes_the_digest() -> None:
    policy = Policy()
    plain, other = policy_digest(policy), policy_digest(policy, {"sso": [{"id": "cas"}]})
    assert len({plain, other, policy_digest(policy, {"sso": [{"id": "oidc"}]})}) == 3
    assert policy_digest(policy, {}) == plain


def test_campuses_are_a_list_of_tables_with_at_least_one() -> None:
    head = SCHOOL.partition("[[")[0]
    assert school_problem(head + "campuses = []").line == 8
    assert school_problem(head + "campuses = ['EAST']").key == "school.campuses.0"
    inline = head + "campuses = [{ code = 'EAST', name_zh = '东', name_en = 7 }]"
    assert school_problem(inline).key == "school.campuses.0.name_en"


def test_a_table_below_a_campus_is_refused_at_its_line() -> None:
    text = SCHOOL.replace("[policy.campus", "[school.campuses.map]\nx = 1\n[policy.campus")
    problem = school_problem(text)
    assert (problem.line, problem.key) == (16, "school.campuses.1.map")


@given(st.text())
def test_any_text_is_no_school_file(text: str) -> None:
    with pytest.raises(PolicyInvalid):
        parse_school_file(text)


def test_five_sample_schools_carry_the_five_guides() -> None:
    files = [parse_school_file((SCHOOLS / f"{name}.toml").read_text("utf-8")) for name in "abcde"]
    assert [each.school.id for each in files] == [1, 2, 3, 4, 5]
    assert all("示范" in each.school.name_zh for each in files)
    assert all("Sample" in each.school.name_en for each in files)
    assert [each.policy.pin.default for each in files] == [
        PinDefault.ID6,
        PinDefault.ID6_X_TO_0,
        PinDefault.ID6_X_TO_0,
        PinDefault.CONSTANT_123456,
        PinDefault.ID6_LETTER_TO_0,
    ]
    assert [each.policy.purse.model for each in files] == [
        PurseModel.SINGLE,
        PurseModel.ON_CARD,
        PurseModel.SINGLE,
        PurseModel.ON_CARD,
        PurseModel.SINGLE,
    ]
    assert files[1].policy.campus.features == {Feature.DORMITORY_WATER: {"SOUTH"}}
    assert files[4].policy.channel.features[Feature.APPEAL] == {Channel.WECHAT_MINI}


def test_the_samples_documents_are_there_with_their_digests() -> None:
    files = [parse_school_file(path.read_text("utf-8")) for path in sorted(SCHOOLS.glob("*.toml"))]
    documents = [consent for file in files for consent in file.consents]
    assert [each.document for each in documents] == ["real-name-terms"]
    for each in documents:
        text = SCHOOLS.joinpath("texts", each.url.rpartition("/")[2]).read_bytes()
        assert hashlib.sha256(text).hexdigest() == each.sha256
