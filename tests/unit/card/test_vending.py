"""What a report does to a job, and which purses pay a fee."""

from dataclasses import replace
from uuid import UUID

import pytest

from core.card.vending import VendJob, VendResult, VendState, next_state, split_fee
from tests.factories.chance import NOON

JOB = VendJob(
    UUID(int=1), UUID(int=2), 42, UUID(int=3), "0A0B0C0D", 2_000, (UUID(int=4),), "A" * 12,
    VendState.STARTED, NOON,
)  # fmt: skip


@pytest.mark.parametrize(
    ("state", "delivered", "failed", "unknown"),
    [
        ("STARTED", "DELIVERED", "FAILED", "STARTED"),
        ("DELIVERED", "DELIVERED", None, None),
        ("FAILED", "OWED", "FAILED", "FAILED"),
        ("SILENT", "OWED", "SILENT", "SILENT"),
        ("OWED", "OWED", None, None),
    ],
)
def test_report_leads_where_it_can_be_true(
    state: str, delivered: str, failed: str | None, unknown: str | None
) -> None:
    job = replace(JOB, state=VendState(state))
    led = [next_state(job, VendResult(each)) for each in ("DELIVERED", "FAILED", "UNKNOWN")]
    assert led == [delivered, failed, unknown]


def test_free_card_that_comes_late_owes_nothing() -> None:
    job = replace(JOB, state=VendState.SILENT, fee_minor=0, fee_ids=())
    assert next_state(job, VendResult.DELIVERED) is VendState.DELIVERED


def test_first_purse_pays_first_and_too_little_pays_nothing() -> None:
    assert split_fee(2_000, (500, 3_000)) == (500, 1_500)
    assert split_fee(2_000, (2_000, 3_000)) == (2_000, 0)
    assert split_fee(2_000, (500, 1_499)) is None
    assert split_fee(2_000, ()) is None
