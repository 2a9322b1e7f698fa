"""What docs/ shows of a school's tables is taken as it stands."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from adapters.sso.attribute_map import AttributeMap
from bff.cli.desk import lint_parts
from bff.connections import lint_connections
from core.school.policy_file import parse_school_file

ROOT = Path(__file__).parents[3]
SCHOOL = (ROOT / "config" / "schools" / "b.toml").read_text("utf-8")
MAP = """
[sso.map]
subject = "id"
"""
PAGES = ("docs/campus-sign-on.md", "docs/channels.md")
TEXTS = {name: (ROOT / name).read_text("utf-8") for name in PAGES}


def tables(page: str) -> list[str]:
    """The TOML blocks of a page."""
    return re.findall(r"^```toml\n(.*?)^```$", TEXTS[page], re.DOTALL | re.MULTILINE)


async def test_the_odd_oauth2_is_read_up_to_its_secret() -> None:
    (table,) = tables("docs/campus-sign-on.md")
    problems = await lint_connections(parse_school_file(SCHOOL + table + MAP), lint_parts())
    assert [each.key for each in problems] == ["sso.0.client_secret"]


async def test_the_channels_are_read_up_to_their_secrets() -> None:
    table = tables("docs/channels.md")[0]
    problems = await lint_connections(parse_school_file(SCHOOL + table), lint_parts())
    assert [each.key for each in problems] == [
        "channel.alipay_mini.app_private_key", "channel.wechat_mini.app_secret",
    ]  # fmt: skip


def test_the_consent_and_the_place_are_read() -> None:
    table = tables("docs/channels.md")[1].replace('"…"', f'"{"0" * 64}"')
    file = parse_school_file(SCHOOL + table.replace('campus = "MAIN"', 'campus = "NORTH"'))
    assert [each.document for each in file.consents] == ["real-name-terms"]
    assert [each.name_en for each in file.service_points] == ["Card centre"]


def rules() -> list[str]:
    """What the page says to write in a map."""
    _, _, section = TEXTS["docs/campus-sign-on.md"].partition("| you see | you write |")
    return re.findall(
        r"\| `((?:person_no|subject|name|kind|require) = .*)` \|$", section, re.MULTILINE
    )


@pytest.mark.parametrize("rule", rules())
def test_each_rule_of_the_map_is_one(rule: str) -> None:
    table: dict[str, Any] = tomllib.loads(rule)
    read = AttributeMap.model_validate({"subject": "id", **table})
    assert read.rules().keys() | read.require.keys() >= table.keys() - {"require"}


def test_the_page_has_five_rules() -> None:
    assert len(rules()) == 5
