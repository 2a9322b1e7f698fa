"""What leaves us: signed forms, by POST, with the hour of Shanghai and fen as yuan."""

import asyncio
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import alipay
import pytest

from adapters.alipay.forms import Forms
from adapters.alipay.payments import Payments
from adapters.alipay.settings import AlipaySettings
from adapters.alipay.wire import fen, instant_of, shanghai_text, yuan
from core.ports.providers import Done, ProviderMisconfigured, ProviderRefused
from tests.contract.alipay.keyring import Keyring, private_text, rsa_key
from tests.contract.alipay.odd_gateway import answering
from tests.contract.alipay.stand import NOTIFY_URL, Stand, done, order_number
from tests.factories.chance import HandClock

ROOT = Path(__file__).parents[3]


def _settings(**changes: Any) -> AlipaySettings:
    given = {
        "app_id": "2099000000000001",
        "notify_url": NOTIFY_URL,
        "app_private_key": private_text(rsa_key("app")),
        "alipay_public_key": Keyring().public_text(),
    }
    return AlipaySettings.model_validate(given | changes)


def _forms() -> Forms:
    return Forms(_settings(), HandClock())


async def test_request_is_post_and_url_has_no_order_data(stand: Stand) -> None:
    async with answering(stand, {"alipay.trade.query": {"code": "10000"}}) as (client, odd):
        await Payments(client, stand.app_id).query("TSTP-secret-number")
    (head,), (form,) = odd.heads, odd.forms
    assert head.startswith("POST /gateway.do?charset=utf-8 HTTP/1.1\r\n")
    assert "content-type: application/x-www-form-urlencoded;charset=utf-8" in head.lower()
    assert form["biz_content"] == '{"out_trade_no":"TSTP-secret-number"}'
    assert (form["charset"], form["version"], form["sign_type"]) == ("utf-8", "1.0", "RSA2")


async def test_rsa1_is_refused(stand: Stand) -> None:
    with pytest.raises(ValueError, match="sign_type"):
        stand.settings(sign_type="RSA")
    keyring = Keyring()
    notices = stand.open(**keyring.settings(stand)).notices
    fields = {"app_id": stand.app_id, "sign_type": "RSA", "notify_id": "1"}
    with pytest.raises(ProviderRefused, match="sign_type"):
        notices.trade(keyring.notice(fields, sha1=True))
    with pytest.raises(ProviderRefused, match="signature"):
        notices.trade(keyring.notice(fields | {"sign_type": "RSA2"}, sha1=True))


def test_timestamp_is_shanghai_in_a_utc_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        body = _forms().build_body("alipay.trade.query", {"out_trade_no": "N"})
    finally:
        monkeypatch.undo()
        time.tzset()
    assert body["timestamp"] == "2026-09-01 12:00:00"


@pytest.mark.parametrize("money", [12.5, "12.50", True, None])
async def test_amount_has_two_decimals_and_float_is_refused(stand: Stand, money: Any) -> None:
    before, code = len(await stand.sent("alipay.trade.pay")), "280000000000000000"
    with pytest.raises(TypeError):
        await stand.open().payments.pay(order_number(), money, "午餐", code)
    assert len(await stand.sent("alipay.trade.pay")) == before
    assert [yuan(minor) for minor in (1, 10, 100, 1250, 100_000_000_00)] == [
        "0.01", "0.10", "1.00", "12.50", "100000000.00",
    ]  # fmt: skip


@pytest.mark.parametrize("minor", [0, -1])
def test_no_money_is_no_amount(minor: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        yuan(minor)


def test_yuan_are_read_with_up_to_two_decimals() -> None:
    assert [fen(text) for text in ("0", "7", "7.5", "7.05", "999999999.99")] == [
        0, 700, 750, 705, 99_999_999_999,
    ]  # fmt: skip
    for wrong in ("", "7.", ".5", "7.005", "-7", "+7", " 7", "7\n", "1e2", "７", 7, 7.5, None):
        with pytest.raises(ValueError, match="yuan"):
            fen(wrong)


def test_times_go_out_and_come_in_as_shanghai() -> None:
    instant = datetime(2026, 12, 31, 16, 0, 5, tzinfo=UTC)
    assert shanghai_text(instant) == "2027-01-01 00:00:05"
    assert instant_of("2027-01-01 00:00:05") == instant
    for wrong in ("2027-01-01", 20270101, None):
        with pytest.raises(ValueError, match=r"time"):
            instant_of(wrong)


async def test_notify_url_on_every_paying_method(stand: Stand) -> None:
    alipay, person, number = stand.open(), await stand.person(), order_number()
    open_id, until = await stand.open_id(person), stand.in_an_hour()
    done(await alipay.payments.create(order_number(), 1, "充值", open_id, until))
    done(await alipay.payments.pay(number, 1, "午餐", await stand.pay_code(person)))
    done(await alipay.payments.query(number))
    for api in ("alipay.trade.create", "alipay.trade.pay"):
        assert (await stand.sent(api))[-1]["notify_url"] == NOTIFY_URL
    assert "notify_url" not in (await stand.sent("alipay.trade.query"))[-1]
    order = alipay.payments.app_order(order_number(), 1, "充值", until)
    assert alipay.agreements is not None
    for text in (order, alipay.agreements.sign_text("N", open_id)):
        assert "notify_url=https%3A%2F%2Fschool.example%2Fnotify%2Falipay%2F1" in text


def test_caller_dict_is_not_mutated() -> None:
    content = {"out_trade_no": "N", "agreement_params": {"agreement_no": "A"}}
    top = {"auth_token": "T"}
    _forms().signed("alipay.trade.pay", content, top)
    assert content == {"out_trade_no": "N", "agreement_params": {"agreement_no": "A"}}
    assert top == {"auth_token": "T"}


@pytest.mark.parametrize("value", [["a"], 7, 1.5, True])
def test_list_values_in_form_are_refused(value: object) -> None:
    with pytest.raises(ProviderMisconfigured, match="no form value"):
        _forms().signed("alipay.trade.pay", {}, {"auth_token": value})  # type: ignore[dict-item]  # the mistake under test


def test_empty_values_are_neither_sent_nor_signed() -> None:
    assert "biz_content" not in _forms().signed("alipay.system.oauth.token", {}, {"code": "C"})
    assert "auth_token" not in _forms().signed("alipay.trade.query", {"n": "1"}, {"auth_token": ""})


async def test_loop_is_not_blocked(stand: Stand) -> None:
    """Twenty answers of a second each: a client that blocks the loop stops the heart for each."""
    payments, gaps, beating = stand.open().payments, [0.0], True
    await stand.fail("slow")

    async def heart() -> None:
        while beating:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - before)

    beat = asyncio.create_task(heart())
    began = time.monotonic()
    await asyncio.gather(*(payments.query(order_number()) for _ in range(20)))
    beating = False
    await beat
    assert 1 <= time.monotonic() - began < 5
    assert max(gaps) < 0.5


_IMPORT = """
import logging, sys
handler = logging.FileHandler(sys.argv[1])
logging.getLogger().addHandler(handler)
before = list(logging._handlerList)
import adapters.alipay.door
quiet = logging.getLogger("python-alipay-sdk")
assert (quiet.handlers, quiet.level, quiet.propagate) == ([], logging.NOTSET, True), quiet.handlers
assert logging.getLogger().handlers == [handler]
assert logging._handlerList[: len(before)] == before
assert "alipay.loggers" in sys.modules
"""


def _python(code: str, *arguments: str, path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT, env={"PYTHONPATH": f"{path}:{ROOT}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_sdk_import_leaves_logging_untouched(tmp_path: Path) -> None:
    ran = _python(_IMPORT, str(tmp_path / "log"))
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("overlaid", [False, True])
def test_foreign_alipay_package_stops_start_up(tmp_path: Path, overlaid: bool) -> None:
    package = tmp_path / "alipay"
    (package / "aop").mkdir(parents=True)
    (package / "aop" / "__init__.py").touch()
    own = Path(str(alipay.__file__)).parent
    for file in own.glob("*.py"):
        text = file.read_text("utf-8") if overlaid or file.name != "__init__.py" else ""
        (package / file.name).write_text(text, "utf-8")
    ran = _python("import adapters.alipay.door", path=tmp_path)
    assert ran.returncode == 1
    assert "uninstall both packages, then install python-alipay-sdk anew" in ran.stderr


async def test_what_we_sign_is_what_we_send(stand: Stand) -> None:
    """The sandbox builds the signed text from the fields by itself; odd texts must agree."""
    number, code = order_number(), await stand.pay_code(await stand.person())
    outcome = await stand.open().payments.pay(number, 1, '午餐 + "100%" ~ é 😀 \\ ;', code)
    assert isinstance(outcome, Done)


async def test_no_personal_field_is_logged(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    person, number = await stand.person(), order_number()
    code = await stand.pay_code(person)
    alipay = stand.open()
    await alipay.payments.pay(number, 1, "午餐", code)
    await stand.fail("wrong_signature")
    outcome = await alipay.payments.query(number)
    shown = caplog.text + repr(outcome) + repr(alipay.payments) + repr(stand.settings())
    secrets = (code, number, stand.credentials["aes_key"], stand.credentials["app_private_key"])
    for secret in secrets:
        assert secret not in shown
