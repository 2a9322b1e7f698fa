"""The ring of keys: public keys and certificates, one after the other and both at once."""

import pytest

from adapters.http import HttpAnswer
from adapters.wechat.pay import certificates, orders
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.merchant import open_merchant
from core.ports.providers import Done, ProviderUnavailable, Unknown
from tests.contract.tencent import Watch, real_time
from tests.contract.wechat_pay.shop import new_order, settings
from tests.factories.chance import HandClock, counted_entropy


def _clock(v3: V3) -> HandClock:
    assert isinstance(v3.clock, HandClock)
    return v3.clock


async def test_both_serial_kinds_verify(v3: V3, certified: V3, watch: Watch) -> None:
    assert isinstance(await orders.create(v3, new_order()), Done)
    assert isinstance(await orders.create(certified, new_order()), Done)
    assert await watch.asked("wechat_pay") == ["jsapi", "jsapi", "certificates"]
    # A merchant who migrates knows both, and is answered by either.
    del v3.ring._keys["PUB_KEY_ID_0110000000012026090100000000"]
    assert isinstance(await orders.create(v3, new_order()), Done)


async def test_a_rotated_certificate_is_fetched_once(certified: V3, watch: Watch) -> None:
    assert isinstance(await orders.create(certified, new_order()), Done)
    _clock(certified).advance(seconds=11)
    await watch.sandbox.fail("wechat_pay", "key_rotated", api="jsapi", count=1)
    assert isinstance(await orders.create(certified, new_order()), Done)
    assert isinstance(await orders.create(certified, new_order()), Done)
    assert await watch.asked("wechat_pay") == [
        "jsapi", "certificates", "jsapi", "certificates", "jsapi"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fault", ["html_502", "unsigned_answer", "wrong_signature", "unknown_serial", "system_error"]
)
async def test_failed_key_refresh_keeps_the_ring(certified: V3, watch: Watch, fault: str) -> None:
    assert isinstance(await orders.create(certified, new_order()), Done)
    before = dict(certified.ring._keys)
    _clock(certified).advance(seconds=11)
    await watch.sandbox.fail("wechat_pay", fault, api="certificates")
    await watch.sandbox.fail("wechat_pay", "unknown_serial", api="jsapi", count=1)
    assert await orders.create(certified, new_order()) == Unknown("an unsigned answer")
    assert certified.ring._keys == before
    assert isinstance(await orders.create(certified, new_order()), Done)


async def test_unknown_serials_do_not_cause_a_storm_of_fetches(certified: V3, watch: Watch) -> None:
    await watch.sandbox.fail("wechat_pay", "unknown_serial", api="jsapi")
    for _ in range(3):
        assert await orders.create(certified, new_order()) == Unknown("an unsigned answer")
    assert (await watch.asked("wechat_pay")).count("certificates") == 1


async def test_an_unknown_public_key_is_never_fetched(watch: Watch, keys: dict[str, str]) -> None:
    other = {"PUB_KEY_ID_other": keys["public_key"]}
    made = settings(keys, watch.sandbox.url, public_keys=other, v2=None)
    merchant = open_merchant(made, real_time(), counted_entropy(f"o{watch.since}"))
    body = b"{}"
    headers = {
        "wechatpay-serial": keys["public_key_id"],
        "wechatpay-timestamp": str(int(real_time().now().timestamp())),
    }
    assert not await merchant.v3.ring.proves(headers, body)
    assert await watch.asked("wechat_pay") == []
    await merchant.close()


async def test_certificates_sealed_with_another_key_are_not_taken(
    watch: Watch, keys: dict[str, str]
) -> None:
    made = settings(keys, watch.sandbox.url, public_keys={}, v2=None, api_v3_key="x" * 32)
    merchant = open_merchant(made, real_time(), counted_entropy(f"x{watch.since}"))
    assert await orders.create(merchant.v3, new_order()) == Unknown("an unsigned answer")
    assert merchant.v3.ring._keys == {}
    await merchant.close()


async def test_an_expired_certificate_is_not_taken(certified: V3, keys: dict[str, str]) -> None:
    answer = await certified.exchange("GET", certificates.PATH, b"", 5)
    key, clock = keys["api_v3_key"].encode(), real_time()
    (serial,) = certificates.keys_in(answer, key, {}, clock)
    assert serial == answer.headers["wechatpay-serial"]
    clock.advance(days=6 * 365)
    with pytest.raises(ProviderUnavailable):
        certificates.keys_in(answer, key, {}, clock)


@pytest.mark.parametrize("name", ["signature", "nonce", "timestamp", "serial"])
async def test_a_list_of_certificates_that_is_not_signed_is_not_taken(
    certified: V3, keys: dict[str, str], name: str
) -> None:
    answer = await certified.exchange("GET", certificates.PATH, b"", 5)
    headers = {**answer.headers, f"wechatpay-{name}": "AAAA"}
    with pytest.raises(ProviderUnavailable, match="signature"):
        certificates.keys_in(
            HttpAnswer(200, headers, answer.body), keys["api_v3_key"].encode(), {}, real_time()
        )


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"data": [1]}', b'{"data": [{"encrypt_certificate": {}}]}']
)
def test_a_list_of_certificates_that_is_none_is_not_taken(body: bytes) -> None:
    with pytest.raises(ProviderUnavailable):
        certificates.keys_in(HttpAnswer(200, {}, body), b"k" * 32, {}, real_time())
