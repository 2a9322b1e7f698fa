"""What docs/ repeats of the program is what the program says now."""

import re

import pytest

from bff.reference import TABLES, page_text, page_texts
from schema.catalogue import ERRORS
from schema.masking import DOCS
from tests.architecture.tree import ROOT


def test_every_page_is_current() -> None:
    stale = [str(page) for page, text in page_texts(ROOT) if page.read_text("utf-8") != text]
    assert stale == [], "run: make docs"


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_stands_in_a_page_of_each_language(name: str) -> None:
    pages = [page.name for page, text in page_texts(ROOT) if f"<!-- table: {name} -->" in text]
    assert {page.endswith(".zh.md") for page in pages} == {True, False}


def test_only_the_marked_place_is_written() -> None:
    page = "A.\n<!-- table: signatures -->\nold\n<!-- end -->\nB, <!-- end -->."
    written = page_text(page, "a.md")
    assert written.startswith("A.\n<!-- table: signatures -->\n\n`BODY_TOO_LARGE`")
    assert written.endswith("`KEY_MISMATCH`\n\n<!-- end -->\nB, <!-- end -->.")
    assert page_text(written, "a.md") == written


def test_table_that_does_not_exist_stops_the_writing() -> None:
    with pytest.raises(KeyError, match="tariffs"):
        page_text("<!-- table: tariffs -->\n<!-- end -->", "a.md")


def test_language_follows_the_name_of_the_page() -> None:
    page = "<!-- table: http -->\n<!-- end -->"
    assert "| 代码 | HTTP |" in page_text(page, "a.zh.md")
    assert "| Code | HTTP |" in page_text(page, "a.md")


@pytest.mark.parametrize("page", ["errors.md", "errors.zh.md"])
def test_every_address_in_an_error_answer_has_its_heading(page: str) -> None:
    headings = re.findall(r"^### (.+)$", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE)
    addressed = {f"{DOCS}{code.lower()}" for code in ERRORS}
    assert {f"/docs/errors#{heading.lower()}" for heading in headings} == addressed
