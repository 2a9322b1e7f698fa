"""What a revocation ends, by when it was, and which notices are of a form to be kept."""

from datetime import UTC, datetime, timedelta

import pytest

from core.identity.revocation import CLOCKS_APART, is_ended
from core.ports.notices import UNNAMED, Notice, notice_of
from core.ports.providers import ProviderRefused

AT = datetime(2026, 9, 1, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("began_at", "revoked_at", "ended"),
    [
        (AT - timedelta(days=400), AT, True),
        (AT, AT, True),
        (AT + CLOCKS_APART, AT, True),
        (AT + CLOCKS_APART + SECOND, AT, False),
        (AT + timedelta(days=1), AT, False),
        (AT + timedelta(days=1), None, True),
    ],
)
def test_what_began_after_a_revocation_goes_on(
    began_at: datetime, revoked_at: datetime | None, ended: bool
) -> None:
    assert is_ended(began_at, revoked_at) is ended


def test_clocks_may_be_as_far_apart_as_for_a_signature() -> None:
    assert timedelta(minutes=5) == CLOCKS_APART


def test_a_notice_is_kept_under_its_own_words() -> None:
    made = notice_of("20260901~!", "alipay.open.x_1", "alipay:1", AT, "open-1@x")
    assert made == Notice("20260901~!", "alipay.open.x_1", "alipay:1", AT, "open-1@x")
    assert notice_of("1" * 128, "e" * 64, "i") == Notice("1" * 128, "e" * 64, "i", None, None)
    assert "open-1" not in repr(made)


@pytest.mark.parametrize("event", ["", "e" * 65, "a b", "a\0", "事件", "a\n", "message.<b>"])
def test_an_event_without_a_plain_name_is_kept_without_it(event: str) -> None:
    assert notice_of("1", event, "i").event == UNNAMED


@pytest.mark.parametrize("text", ["", "1" * 129, "a b", "a\0", "编号", "a\n", "\ud800"])
def test_an_id_or_subject_that_no_column_would_take_is_refused(text: str) -> None:
    with pytest.raises(ProviderRefused, match=r"^notice id$"):
        notice_of(text, "e", "i")
    with pytest.raises(ProviderRefused, match=r"^subject$"):
        notice_of("1", "e", "i", None, text)
