"""The pages lead somewhere, come in both languages, and ask what the contract answers."""

import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from core.school.policy_file import parse_school_file
from tests.architecture.tree import ROOT

_FOR_VENDORS = sorted((ROOT / "clients/verifiers").glob("*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *_FOR_VENDORS])
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_BILINGUAL = {"features.md"}
"""Pages that hold both languages themselves."""


def named(path: Path) -> str:
    """A page by its place in the checkout."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_to_files(page: Path) -> None:
    links = _LINK.findall(page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize(
    "page", [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", *_FOR_VENDORS], ids=named
)
def test_pages_come_in_both_languages(page: Path) -> None:
    stem = page.name.removesuffix(".md").removesuffix(".zh")
    for twin in (f"{stem}.md", f"{stem}.zh.md"):
        assert page.name in _BILINGUAL or (page.parent / twin).exists()


@pytest.mark.parametrize("page", ["mini-programs.md", "mini-programs.zh.md"])
def test_printed_operations_fit_the_contract(page: str) -> None:
    contract = build_schema((ROOT / "schema/schema.graphql").read_text("utf-8"))
    text = (ROOT / "docs" / page).read_text("utf-8")
    operations = re.findall(r"^subscription .*$", text, re.MULTILINE)
    assert len(operations) == 2
    assert [fault for each in operations for fault in validate(contract, parse(each))] == []


@pytest.mark.parametrize("page", ["policy.md", "policy.zh.md"])
def test_printed_school_file_is_good(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    printed = re.findall(r"^```toml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    file = parse_school_file("".join(printed))
    assert file.policy.limit.daily_minor == 8000
    assert (len(file.meal_periods), len(file.prices), file.display is not None) == (1, 1, True)
