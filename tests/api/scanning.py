"""What payers do with a scanned code, over HTTP, and the prints they find on walls."""

from typing import Any

from bff.proof import PROOF
from core.db.invariants import judge
from core.kit.clock import unix_seconds
from core.school.records import Merchant, Site
from terminals import ccq
from terminals.ccq import Challenge, Purpose
from terminals.message import RequestKey
from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import OPERATOR

PAYMENT = (
    "payment { outcome state responseCode responseName text amount { minorAmount } merchantName"
    " retrievalReference answeredAt replayed receipt }"
)
MONEY = (
    "terminal_answer", "authorisation", "transfer", "leg", "account", "code_use",
    "cardholder_limit", "idempotency", "printed_code", "continuation",
)  # fmt: skip
"""Everything a payment writes: on a refusal all of it stays as it was."""


async def pay(campus: Campus, token: str, text: str, own: str = "k1", **given: Any) -> Any:
    """The payload of a payment."""
    asked = {"idempotencyKey": own, "text": text, **given}
    return await campus.do("merchantCodePay", asked, PAYMENT, token)


async def paid(campus: Campus, token: str, text: str, own: str = "k1", **given: Any) -> Any:
    """The payment, which nothing was wrong with."""
    payload = await pay(campus, token, text, own, **given)
    assert payload["userErrors"] == []
    return payload["payment"]


async def reading(campus: Campus, token: str | None, text: str) -> Any:
    """What a payer is told of a code."""
    answer = await campus.query(
        "query($text: String!) { viewer { merchantCode(text: $text) { code { merchantName"
        " amount { minorAmount } expiresAt } userErrors { code path message } } } }",
        token,
        text=text,
    )
    assert "errors" not in answer, answer
    return answer["data"]["viewer"]["merchantCode"]


def codes(payload: Any) -> list[str]:
    """The codes of its user errors."""
    return [error["code"] for error in payload["userErrors"]]


async def balance(campus: Campus, number: str) -> int:
    """What the ledger says a cardholder has, in fen."""
    holder = await campus.id_of(number)
    return (await campus.wired.services.ledger.balances(SCHOOL, holder)).balance_minor


async def print_code(
    campus: Campus, minor: int = 0, merchant: Merchant | None = None
) -> tuple[RequestKey, str]:
    """A print's key and its text; of a new merchant unless one is named."""
    services = campus.wired.services
    await services.schools.site_put(SCHOOL, Site(0, "示例楼", "Sample Hall"), OPERATOR)
    merchant = merchant or await services.schools.merchant_add(SCHOOL, "示例店", "Shop", OPERATOR)
    key = services.terminal_keys.answer(SCHOOL)
    made = await services.prints.issue(SCHOOL, merchant.number, 0, minor, key.kid, OPERATOR)
    named = RequestKey(made.terminal_no, 0, made.number)
    asked = Challenge(
        Purpose.PRINTED, SCHOOL, key.kid, named, unix_seconds(made.issued_at), 0, minor
    )
    return named, ccq.make(asked, key.sign).text


async def assert_books_hold(campus: Campus) -> None:
    """Every invariant of the books."""
    found = await judge(campus.wired.database, SCHOOL, PROOF, campus.clock.now())
    assert [each.invariant.id for each in found if each.count] == []
