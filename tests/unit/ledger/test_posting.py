"""Nothing posts without a template."""

from datetime import UTC, date, datetime

import pytest

from core.ledger.posting import TEMPLATES, PostingWithoutTemplate, check_template
from core.ledger.records import PURSES
from core.ledger.service import month_bounds

KINDS = (*PURSES, "MERCHANT", "CASH", "OPENING", "LOSS")


def test_a_movement_posts_only_between_the_kinds_of_its_template() -> None:
    allowed = {
        (kind, debit, credit)
        for kind in TEMPLATES
        for debit in KINDS
        for credit in KINDS
        if debit in TEMPLATES[kind].debit and credit in TEMPLATES[kind].credit
    }
    for kind in (*TEMPLATES, "GIFT"):
        for debit in KINDS:
            for credit in KINDS:
                if (kind, debit, credit) in allowed:
                    check_template(kind, debit, credit)
                else:
                    with pytest.raises(PostingWithoutTemplate):
                        check_template(kind, debit, credit)


def test_no_template_makes_money_out_of_a_purse_for_a_purse() -> None:
    for template in TEMPLATES.values():
        assert not set(template.debit) & set(template.credit)


def test_a_month_begins_at_midnight_of_the_zone() -> None:
    assert month_bounds(date(2026, 12, 31), "Asia/Shanghai") == (
        datetime(2026, 11, 30, 16, tzinfo=UTC),
        datetime(2026, 12, 31, 16, tzinfo=UTC),
    )


def test_without_a_month_all_time_is_meant() -> None:
    since, until = month_bounds(None, "Asia/Shanghai")
    assert (since.year, until.year) == (1970, 9999)
