"""A school's sign-on settings: read, linted, and every problem told at once."""

import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from adapters.sso.api import API_VERSION, Kind, Provider, SettingsInvalid
from adapters.sso.lint import SLOW_SECONDS, lint, seconds_on_hostile_text
from adapters.sso.registry import KindRefused, kinds
from core.ports.campus_sign_on import LinkMode
from tests.contract.sso.stage import COMMON, read, setting
from tests.plugins import portal

SECRETS = {"env:X": "value", "file:/run/secrets/x": "other\n"}
CAS = {**COMMON, "kind": "cas", "server": "https://cas.school.example/cas"}
PORTAL = {
    **COMMON, "id": "portal", "kind": "oauth2", "client_id": "card", "client_secret": "${env:X}",
    "authorize_url": "https://sso.school.example/a", "token_url": "https://sso.school.example/t",
    "userinfo_url": "https://sso.school.example/u", "subject": "id",
}  # fmt: skip


def problems(*tables: Mapping[str, Any], before: tuple[Any, ...] = ()) -> dict[str, str]:
    """What lint says, by key, in English."""
    found = lint(tables, setting(SECRETS), before)
    assert all(each.text.zh and each.text.en for each in found)
    return {each.key: each.text.en for each in found}


def test_the_settings_of_the_design_are_good() -> None:
    table = {
        **CAS,
        "id": "cas",
        "version": 3,
        "map": {
            "subject": "$subject",
            "person_no": {
                "from": ["employeeNumber", "containerId"],
                "match": r"^(?:uid=)?(\w{4,20})",
            },
            "name": "cn",
            "kind": {"from": "userType", "values": {"教师": "STAFF", "*": "OTHER"}},
            "require": {"eduPersonScopedAffiliation": ["student@x.example", "staff@x.example"]},
        },
        "link": {"mode": "person_no"},
    }
    assert problems(table, PORTAL) == {}
    sign_on = read(table)
    assert (sign_on.id, sign_on.link, sign_on.channels) == (
        "cas", LinkMode.PERSON_NO, frozenset({"NATIVE"}),
    )  # fmt: skip


def test_every_problem_is_told_at_once() -> None:
    found = problems(
        {
            "id": "Bad Id", "kind": "cas", "channels": ["PAGER"], "label": {"zh": "x"},
            "map": {"subject": "$subject", "phone": {"from": "x", "match": "("}},
            "sever": "https://x", "version": 9,
        },
        {"kind": "telepathy"},
    )  # fmt: skip
    assert found["sso.0.id"].startswith("String should match pattern")
    assert found["sso.0.label.en"] == "Field required"
    assert "not a regular expression" in found["sso.0.map.phone.match"]
    assert found["sso.0.sever"].startswith(
        "Unknown key; known are allow_private, ca_file, channels"
    )
    assert "server" in found["sso.0.sever"]
    assert found["sso.1.kind"] == "Must be one of cas, ldap, oauth2, oidc, saml, wecom"
    assert found["sso.1.id"] == found["sso.1.map"] == "Field required"


def test_a_channel_that_is_none_is_refused_with_those_there_are() -> None:
    found = problems({**CAS, "channels": ["NATIVE", "PAGER"]})
    assert found == {
        "sso.0.channels": (
            "No channel PAGER; there are ALIPAY_MINI, NATIVE, WECHAT_MINI, WECHAT_OFFICIAL, WECOM"
        )
    }


def test_person_no_links_only_where_it_is_mapped() -> None:
    found = problems({**CAS, "link": {"mode": "person_no"}})
    assert found == {"sso.0.map.person_no": "link.mode person_no needs map.person_no"}
    assert read({**CAS, "link": {"mode": "manual"}}).link is LinkMode.MANUAL
    assert read(CAS).link is LinkMode.PROVE_CARD


@pytest.mark.parametrize(
    "secret", ["hunter2", "", "env:X", "x${env:X}", "${env:X}y", "${cmd:ls}", ["${env:X}", "y"], 7]
)
def test_lint_finds_inline_secret(secret: object) -> None:
    found = problems({**PORTAL, "client_secret": secret})
    assert list(found) == ["sso.0.client_secret"]
    assert found["sso.0.client_secret"].startswith("A secret in the file")
    assert "hunter2" not in str(found)


def test_a_secret_that_is_not_there_is_named_by_its_key() -> None:
    found = problems({**PORTAL, "client_secret": "${env:NONE}"})
    assert found == {"sso.0.client_secret": "The secret it refers to is not there"}


def test_a_secret_is_read_by_its_reference_and_prints_as_asterisks() -> None:
    from adapters.sso.oauth2 import OAuth2Provider

    provider = read({**PORTAL, "client_secret": "${file:/run/secrets/x}"}, SECRETS).provider
    assert isinstance(provider, OAuth2Provider)
    assert provider._client.secrets == ("other",)
    assert "other" not in repr(provider._settings) + repr(provider._client)
    with pytest.raises(SettingsInvalid) as refused:
        read({**PORTAL, "client_id": 7}, {"env:X": "very secret"})
    assert "very secret" not in str(refused.value)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(a+)+$", r"^(\w+\s?)*$", r"^a*a*a*a*a*$", r"(x+x+)+y", r"^(([a-z])+.)+[A-Z]([a-z])+$",
    ],
)  # fmt: skip
def test_lint_finds_slow_regex(pattern: str) -> None:
    rule = {"from": "x", "match": pattern}
    found = problems({**CAS, "map": {"subject": "$subject", "name": rule}})
    assert found == {"sso.0.map.name.match": "Slow on hostile text: do not nest quantifiers"}


@pytest.mark.parametrize(
    "pattern", [r"^(?:uid=)?(\w{4,20})", r"^\d{8}$", r"(?P<v>[^,]+),", r"a*b*"]
)
def test_an_honest_pattern_is_fast(pattern: str) -> None:
    assert seconds_on_hostile_text(re.compile(pattern)) < SLOW_SECONDS


@pytest.mark.parametrize(
    ("address", "is_good"),
    [
        ("https://cas.school.example/cas", True),
        ("https://cas.school.example:8443", True),
        ("http://127.0.0.1:9402/cas", True),
        ("http://localhost:9402", True),
        ("http://[::1]:9402", True),
        ("http://cas.school.example/cas", False),
        ("http://127.0.0.1.evil.example", False),
        ("ftp://cas.school.example", False),
        ("https:///cas", False),
        ("https://cas.school.example/#x", False),
        ("cas.school.example", False),
    ],
)
def test_an_address_is_https_or_on_this_machine(address: str, is_good: bool) -> None:
    found = problems({**CAS, "server": address})
    expected = {} if is_good else {"sso.0.server": "Must be an address that begins with https://"}
    assert found == expected


def test_two_tables_share_neither_id_nor_issuer() -> None:
    other = {**CAS, "id": "other", "server": "https://other.school.example"}
    assert problems(CAS, other) == {}
    assert problems(CAS, {**other, "id": "kind"}) == {"sso.1.id": "The id of table 1 again"}
    twin = {**other, "server": f"{CAS['server']}/"}
    assert problems(CAS, twin) == {"sso.1.server": "The issuer of table 1 again"}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"map": {"subject": "uid"}}, "sso.0.map.subject"),
        ({"map": {"subject": ["type", "id"]}}, "sso.0.map.subject"),
        ({"server": "https://new.school.example/cas"}, "sso.0.server"),
        ({"kind": "telepathy"}, None),
        ({"map": {"subject": "$subject", "name": "cn"}}, None),
        ({"version": 2}, None),
        ({"id": "new", "map": {"subject": "uid"}}, None),
    ],
)
def test_a_changed_subject_rule_needs_a_rekey(change: dict[str, Any], key: str | None) -> None:
    found = problems({**CAS, **change}, before=(CAS,))
    changed = [name for name, text in found.items() if "rekey" in text]
    assert changed == ([key] if key else [])


def test_a_package_adds_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("portal", "tests.plugins.portal:KIND", "bff.sso")
    known = kinds(found=[point])
    assert known["portal"] is portal.KIND
    assert set(known) == {"cas", "ldap", "oauth2", "oidc", "portal", "saml", "wecom"}
    assert set(kinds()) >= {"cas", "oidc"}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("cas", "tests.plugins.portal:KIND", "the kind cas exists already"),
        ("x", "tests.plugins.portal:Portal", "no adapters.sso.api.Kind"),
        ("x", "tests.plugins.portal:NOTHING", "AttributeError while importing"),
        ("x", "tests.no_such_module:KIND", "ModuleNotFoundError while importing"),
    ],
)
def test_built_in_names_cannot_be_shadowed_and_bad_kinds_are_named(
    name: str, value: str, problem: str
) -> None:
    with pytest.raises(KindRefused, match=problem):
        kinds(found=[EntryPoint(name, value, "bff.sso")])


def test_a_kind_of_another_api_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(*_given: object) -> Provider:
        return Provider()

    later = Kind(frozenset(), frozenset(), (), make, api=API_VERSION + 1)
    monkeypatch.setattr(portal, "KIND", later)
    with pytest.raises(KindRefused, match="written for API 2, not 1"):
        kinds(found=[EntryPoint("portal", "tests.plugins.portal:KIND", "bff.sso")])
