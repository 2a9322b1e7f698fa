"""The telephone number the wallet hands over, encrypted and signed."""

from base64 import b64encode
from hashlib import sha256

import pytest

from core.ports.channels import ClaimKind, IdentityClaim, PhoneClaims
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    RefusalReason,
)
from tests.contract.alipay.keyring import Keyring
from tests.contract.alipay.stand import Stand


def _phones(stand: Stand, **changes: str) -> PhoneClaims:
    phones = stand.open(**changes).door.phones
    assert phones is not None
    return phones


async def test_the_payload_opens_to_the_number(stand: Stand) -> None:
    person = await stand.person()
    claim = await _phones(stand).phone("subject", await stand.wallet("phone", person))
    assert claim == IdentityClaim(ClaimKind.PHONE, person["phone"], stand.issuer)


async def test_phone_signature_includes_quotes(stand: Stand) -> None:
    keyring = Keyring()
    proof = keyring.phone({"code": "10000", "mobile": "19900000001"})
    claim = await _phones(stand, **keyring.settings(stand)).phone("subject", proof)
    assert claim.value == "19900000001"
    bare = proof | {"sign": keyring.sign(proof["response"].encode())}
    with pytest.raises(ProviderRefused) as refusal:
        await _phones(stand, **keyring.settings(stand)).phone("subject", bare)
    assert refusal.value.reason is RefusalReason.CODE_EXPIRED


@pytest.mark.parametrize("sign", ["", None])
async def test_phone_without_sign_is_misconfigured(stand: Stand, sign: str | None) -> None:
    proof = await stand.wallet("phone", await stand.person())
    unsigned = {"response": proof["response"]} | ({} if sign is None else {"sign": sign})
    with pytest.raises(ProviderMisconfigured):
        await _phones(stand).phone("subject", unsigned)
    assert stand.memory.kept == {}


async def test_phone_payload_once(stand: Stand) -> None:
    proof = await stand.wallet("phone", await stand.person())
    phones = _phones(stand)
    await phones.phone("subject", proof)
    with pytest.raises(ProviderRefused) as refusal:
        await phones.phone("another subject", proof)
    assert refusal.value.reason is RefusalReason.CODE_EXPIRED
    digest = sha256(proof["response"].encode()).hexdigest()
    assert stand.memory.kept == {f"alipay:phone:{digest}": 86_400}


async def test_a_holder_who_did_not_agree_is_asked_again(stand: Stand) -> None:
    proof = await stand.wallet("phone", await stand.person(), agrees=False)
    with pytest.raises(ProviderRefused, match=r"isv\.invalid-auth-relations") as refusal:
        await _phones(stand).phone("subject", proof)
    assert refusal.value.reason is RefusalReason.NOT_AUTHORISED
    assert stand.memory.kept == {}


async def test_a_changed_payload_is_refused_before_it_is_opened(stand: Stand) -> None:
    proof = await stand.wallet("phone", await stand.person())
    other = await stand.wallet("phone", await stand.person())
    with pytest.raises(ProviderRefused):
        await _phones(stand).phone("subject", other | {"sign": proof["sign"]})
    assert stand.memory.kept == {}


async def test_an_aes_key_that_opens_nothing_is_ours_to_mend(stand: Stand) -> None:
    proof = await stand.wallet("phone", await stand.person())
    with pytest.raises(ProviderMisconfigured, match="aes_key opens"):
        await _phones(stand, aes_key=b64encode(bytes(16)).decode()).phone("subject", proof)
    with pytest.raises(ProviderMisconfigured, match="aes_key is no AES key"):
        _phones(stand, aes_key="short")


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"code": "40006", "subCode": "isv.insufficient-isv-permissions"}, ProviderMisconfigured),
        ({"code": "20000", "subCode": "aop.unknow-error"}, ProviderUnavailable),
        ({"code": "77777", "subCode": "new"}, ProviderUnavailable),
        (["10000"], ProviderUnavailable),
        ({"code": "10000"}, ProviderRefused),
        ({"code": "10000", "mobile": "+852 5555 5555"}, ProviderRefused),
    ],
)
async def test_what_is_no_number_says_why(
    stand: Stand, facts: object, error: type[Exception]
) -> None:
    keyring = Keyring()
    with pytest.raises(error):
        await _phones(stand, **keyring.settings(stand)).phone("subject", keyring.phone(facts))
    assert stand.memory.kept == {}


async def test_an_app_without_an_aes_key_has_no_telephones(stand: Stand) -> None:
    assert stand.open(aes_key=None).door.phones is None
