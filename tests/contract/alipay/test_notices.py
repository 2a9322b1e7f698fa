"""What Alipay posts: a trade's notice (V1) and a message to the app's gateway (V2)."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from adapters.alipay.notices import Notices
from core.ports.providers import ProviderRefused
from tests.contract.alipay.keyring import Keyring
from tests.contract.alipay.stand import Stand

FIELDS = {
    "notify_id": "2026090100222120000000000001",
    "notify_type": "trade_status_sync",
    "out_trade_no": "TSTP1",
    "trade_status": "TRADE_SUCCESS",
    "total_amount": "12.50",
    "subject": '午餐 + {"a"} & b=c %41',
    "passback_params": "",
}
MANY_FIELDS = b"&".join(b"f%d=1" % number for number in range(201))


def _reader(notices: Notices, kind: str) -> Callable[[bytes], Mapping[str, str]]:
    return notices.trade if kind == "trade" else notices.app


async def _posted(stand: Stand, kind: str) -> bytes:
    certificate = stand.mode == "certificate"
    given = await stand.wallet("notice", fields=FIELDS, kind=kind, certificate=certificate)
    form: str = given["form"]
    return form.encode()


def _own(stand: Stand, keyring: Keyring) -> Notices:
    return stand.open(**keyring.settings(stand)).notices


def _fields(stand: Stand, **changes: str) -> dict[str, str]:
    return FIELDS | {"app_id": stand.app_id, "sign_type": "RSA2"} | changes


@pytest.mark.parametrize("kind", ["trade", "app"])
async def test_a_genuine_notice_is_its_fields(stand: Stand, kind: str) -> None:
    fields = _reader(stand.open().notices, kind)(await _posted(stand, kind))
    assert {name: fields[name] for name in FIELDS} == FIELDS
    assert fields["app_id"] == stand.app_id


@pytest.mark.parametrize(("kind", "other"), [("trade", "app"), ("app", "trade")])
async def test_one_rule_does_not_verify_the_other(stand: Stand, kind: str, other: str) -> None:
    form = await _posted(stand, kind)
    with pytest.raises(ProviderRefused, match="signature"):
        _reader(stand.open().notices, other)(form)


@pytest.mark.parametrize(
    "change",
    [
        lambda form: form.replace(b"12.50", b"12.51"),
        lambda form: form.replace(b"TSTP1", b"TSTP2"),
        lambda form: form.replace(b"TRADE_SUCCESS", b"TRADE_CLOSED_"),
        lambda form: form + b"&refund_fee=12.50",
        lambda form: form.replace(b"notify_type=trade_status_sync&", b""),
        lambda form: form.partition(b"&sign=")[0],
        lambda form: form.partition(b"&sign=")[0] + b"&sign=",
        lambda form: form.replace(b"&sign=", b"&sign=AAAA"),
    ],
)
@pytest.mark.parametrize("kind", ["trade", "app"])
async def test_a_changed_notice_is_refused(
    stand: Stand, kind: str, change: Callable[[bytes], bytes]
) -> None:
    form = await _posted(stand, kind)
    changed = change(form)
    assert changed != form
    with pytest.raises(ProviderRefused):
        _reader(stand.open().notices, kind)(changed)


@pytest.mark.parametrize("field", ["out_trade_no", "sign", "passback_params"])
async def test_a_field_that_comes_twice_is_refused(stand: Stand, field: str) -> None:
    form = await _posted(stand, "trade")
    for value in ("TSTP1", ""):
        with pytest.raises(ProviderRefused, match="a field twice"):
            stand.open().notices.trade(form + b"&" + urlencode({field: value}).encode())


@pytest.mark.parametrize("sign_type", ["RSA", "rsa2", "", "RSA3"])
async def test_only_rsa2_is_read(stand: Stand, sign_type: str) -> None:
    keyring = Keyring()
    form = keyring.notice(_fields(stand, sign_type=sign_type))
    with pytest.raises(ProviderRefused, match="sign_type"):
        _own(stand, keyring).trade(form)


async def test_a_notice_for_another_app_is_refused(stand: Stand) -> None:
    keyring = Keyring()
    notices = _own(stand, keyring)
    assert notices.trade(keyring.notice(_fields(stand)))["out_trade_no"] == "TSTP1"
    with pytest.raises(ProviderRefused, match="app_id"):
        notices.trade(keyring.notice(_fields(stand, app_id="2099000000000002")))


async def test_a_notice_of_an_unknown_certificate_is_refused(stand: Stand) -> None:
    if stand.mode == "certificate":
        keyring = Keyring()
        form = keyring.notice(_fields(stand, alipay_cert_sn="0" * 32))
        with pytest.raises(ProviderRefused, match="signature"):
            _own(stand, keyring).trade(form)
    with pytest.raises(ProviderRefused, match="signature"):
        stand.open().notices.trade(Keyring().notice(_fields(stand)))


@pytest.mark.parametrize(
    "form",
    [b"", b"x", b"&", b"sign_type=%ff", b"sign_type=\xe5", b"a=%", MANY_FIELDS],
)
async def test_what_is_no_form_is_refused(stand: Stand, form: bytes) -> None:
    for read in (stand.open().notices.trade, stand.open().notices.app):
        with pytest.raises(ProviderRefused):
            read(form)


async def test_the_refusal_repeats_nothing_of_the_notice(stand: Stand) -> None:
    form = (await _posted(stand, "trade")).replace(b"12.50", b"12.51")
    with pytest.raises(ProviderRefused) as refusal:
        stand.open().notices.trade(form)
    shown: Any = (str(refusal.value), refusal.value.__cause__)
    assert shown == ("signature", None)


async def test_no_address_is_proved_by_an_echo(stand: Stand) -> None:
    with pytest.raises(ProviderRefused, match=r"^echo$"):
        stand.open().reader.echo({"echostr": "4096"})
