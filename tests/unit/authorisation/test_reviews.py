"""Who can bear what the school paid in doubt."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from core.authorisation.records import Authorisation, Key, ReviewImpossible
from core.authorisation.reviews import Bearer, Suspect, check_possible

KEY = Key(42, 1, 1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SUSPECT = Suspect(KEY, "示例食堂", "Canteen", 800, "CLOCK", UUID(int=1), NOW, NOW, "R" * 12, None)
PAID = Authorisation(KEY, "CAPTURED", None, UUID(int=2), 800, 800, 0, (), "R" * 12, None)
PART = replace(PAID, state="REFUNDED_PART", refunded_minor=300)


@pytest.mark.parametrize("bearer", list(Bearer))
def test_anybody_may_bear_what_the_merchant_still_has(bearer: Bearer) -> None:
    assert check_possible(bearer, SUSPECT, PAID, is_settled=True) == 800
    if bearer is not Bearer.MERCHANT:
        assert check_possible(bearer, SUSPECT, PART, is_settled=False) == 500


@pytest.mark.parametrize(("bearer", "suspect", "paid", "is_settled", "reason"), [
    (Bearer.HOLDER, replace(SUSPECT, cardholder_id=None), PAID, True, "HOLDER_UNKNOWN"),
    (Bearer.MERCHANT, SUSPECT, PAID, False, "BATCH_OPEN"),
    (Bearer.MERCHANT, SUSPECT, PART, True, "GIVEN_BACK"),
    *((each, SUSPECT, replace(PAID, state="VOIDED"), True, "GIVEN_BACK") for each in Bearer),
    (Bearer.SCHOOL, SUSPECT, replace(PAID, state="REFUNDED", refunded_minor=800), True,
     "GIVEN_BACK"),
])  # fmt: skip
def test_why_nobody_can_bear_it_so(
    bearer: Bearer, suspect: Suspect, paid: Authorisation, is_settled: bool, reason: str
) -> None:
    with pytest.raises(ReviewImpossible) as refusal:
        check_possible(bearer, suspect, paid, is_settled=is_settled)
    assert refusal.value.details == {"reason": reason}
