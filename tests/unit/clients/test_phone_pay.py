"""Paying a merchant's code with the reference phone, and on its command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from clients.endpoint import Endpoint, NoAnswer, NotAllowed, QuestionRefused
from clients.phone import __main__ as command
from clients.phone.phone import Phone
from clients.phone.wallet import Wallet
from tests.unit.clients.conftest import entropy
from tests.unit.clients.pretend_server import NOW
from tests.unit.clients.test_phone import Script, phone_of

Json = dict[str, Any]
Type = Callable[..., Result]
TEXT = "CCQ:sample"


def reading(minor: int | None = 1_250, *errors: str) -> Json:
    """What the server says of a code."""
    amount = None if minor is None else {"minorAmount": minor}
    code = {"merchantName": "示例食堂", "amount": amount, "expiresAt": None}
    return {
        "viewer": {
            "merchantCode": {
                "code": None if errors else code,
                "userErrors": [{"code": each, "message": "no", "path": []} for each in errors],
            }
        }
    }


def payment(outcome: str = "APPROVED", *errors: str, state: str = "CAPTURED") -> Json:
    """What the server says of a payment."""
    made = {
        "outcome": outcome, "responseCode": "00" if outcome == "APPROVED" else "51",
        "text": "交易成功" if outcome == "APPROVED" else "余额不足",
        "receipt": "CCR:RECEIPT" if outcome == "APPROVED" else None,
        "state": state if outcome == "APPROVED" else None,
    }  # fmt: skip
    return {
        "merchantCodePay": {
            "payment": None if errors else made,
            "userErrors": [{"code": each, "message": "no", "path": []} for each in errors],
        }
    }


async def test_code_is_read_and_a_refusal_is_told() -> None:
    assert (await phone_of(Script(reading())).read_code(TEXT))["merchantName"] == "示例食堂"
    with pytest.raises(QuestionRefused, match="CHALLENGE_EXPIRED"):
        await phone_of(Script(reading(None, "CHALLENGE_EXPIRED"))).read_code(TEXT)
    with pytest.raises(NotAllowed, match="NOT_BOUND"):
        await phone_of(Script({"viewer": {"merchantCode": None}})).read_code(TEXT)


async def test_key_is_kept_until_there_is_an_answer() -> None:
    lost = httpx2.Response(502)
    script = Script(lost, payment("X", "PIN_REQUIRED"), payment(), payment())
    phone = phone_of(script)
    with pytest.raises(NoAnswer):
        await phone.pay_code(TEXT)
    with pytest.raises(QuestionRefused, match="PIN_REQUIRED"):
        await phone.pay_code(TEXT)
    await phone.pay_code(TEXT, pin="271828")
    await phone.pay_code(TEXT)
    keys = [asked[1]["input"]["idempotencyKey"] for asked in script.asked]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert [asked[1]["input"]["pin"] for asked in script.asked] == [None, None, "271828", None]
    assert "271828" not in str(phone.wallet.unanswered)


async def test_key_is_on_the_disk_before_money_is_asked_for(tmp_path: Path) -> None:
    wallet, path = Wallet("sample"), tmp_path / "phone.json"
    script = Script(payment())
    http = httpx2.AsyncClient(transport=script, base_url="http://school.example")
    kept: list[tuple[int, str]] = []

    def keep() -> None:
        wallet.write(path)
        kept.append((len(script.asked), Wallet.read(path).unanswered["idempotencyKey"]))

    await Phone(Endpoint(http), wallet, lambda: NOW, entropy, keep).pay_code(TEXT)
    assert kept == [(0, script.asked[0][1]["input"]["idempotencyKey"])]


async def test_other_payment_has_another_key() -> None:
    lost = httpx2.Response(502)
    script = Script(lost, lost, lost)
    phone = phone_of(script)
    for text, minor in ((TEXT, 100), (TEXT, 200), ("CCQ:other", 200)):
        with pytest.raises(NoAnswer):
            await phone.pay_code(text, minor)
    assert len({asked[1]["input"]["idempotencyKey"] for asked in script.asked}) == 3


async def test_key_that_means_something_else_is_given_up() -> None:
    phone = phone_of(Script(payment("X", "IDEMPOTENCY_CONFLICT")))
    with pytest.raises(QuestionRefused):
        await phone.pay_code(TEXT)
    assert phone.wallet.unanswered == {}


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Type:
    """Runs `pay` with a phone that is signed in, against a script."""
    wallet = tmp_path / "phone.json"
    Wallet("sample", access_token="sample").write(wallet)
    really = httpx2.AsyncClient

    def run(*words: str, answers: list[Json], typed: str = "") -> Result:
        script = Script(*answers)
        monkeypatch.setattr(
            httpx2,
            "AsyncClient",
            lambda **given: really(transport=script, base_url=given["base_url"]),
        )
        asked = CliRunner().invoke(
            command.app, ["--wallet", str(wallet), "pay", TEXT, *words], input=typed
        )
        assert script._answers == []
        return asked

    return run


def test_pays_after_asking_and_shows_the_receipt(type_: Type) -> None:
    said = type_(answers=[reading(), payment()], typed="y\n")
    assert said.exit_code == 0
    assert "示例食堂  ¥12.50" in said.output
    assert "00  交易成功" in said.output
    assert said.output.rstrip().endswith("CCR:RECEIPT")


def test_pays_nothing_without_a_yes(type_: Type) -> None:
    assert type_(answers=[reading()], typed="n\n").exit_code == 1


def test_asks_for_amount_and_pin_where_they_are_needed(type_: Type) -> None:
    answers = [
        reading(None), payment("X", "PIN_REQUIRED"), payment("X", "PIN_WRONG"), payment()
    ]  # fmt: skip
    said = type_("--yes", answers=answers, typed="3.5\n000001\n271828\n")
    assert said.exit_code == 0
    assert "示例食堂  ¥3.50" in said.output
    assert "271828" not in said.output


def test_decline_ends_with_1_and_a_refusal_with_3(type_: Type) -> None:
    declined = type_("--yes", "--amount", "2", answers=[reading(None), payment("DECLINED")])
    assert (declined.exit_code, "51  余额不足" in declined.output) == (1, True)
    voided = type_("--yes", answers=[reading(), payment(state="VOIDED")])
    assert (voided.exit_code, "VOIDED" in voided.output) == (1, True)
    refused = type_("--yes", answers=[reading(None, "CODE_USED")])
    assert (refused.exit_code, "CODE_USED" in refused.output) == (3, True)
