"""Keys and certificates as the console hands them out."""

from base64 import b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import load_der_x509_certificate

from adapters.alipay.certificates import app_serial, ring_of, root_serial, serial_of
from adapters.alipay.door import open_door
from adapters.alipay.keys import Ring, load_private_key, load_public_keys
from core.ports.providers import ProviderMisconfigured
from tests.contract.alipay.keyring import Keyring, pem_of, private_text, rsa_key, self_signed
from tests.contract.alipay.stand import Stand

ECDSA_OID, SM2_OID = (bytes.fromhex(oid) for oid in ("2a8648ce3d040302", "2a811ccf55018375"))
BROKEN = "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----"


@pytest.mark.parametrize("pkcs1", [True, False])
@pytest.mark.parametrize("armoured", [True, False])
def test_pkcs1_pkcs8_and_bare_base64_keys_load(pkcs1: bool, armoured: bool) -> None:
    key = rsa_key("app")
    text = private_text(key, pkcs1=pkcs1, armoured=armoured)
    assert load_private_key(f"\r\n{text}\r\n").private_numbers() == key.private_numbers()


def test_public_keys_load_as_pem_or_as_base64() -> None:
    key = rsa_key("alipay").public_key()
    form = serialization.PublicFormat
    texts = [
        key.public_bytes(serialization.Encoding.PEM, each).decode()
        for each in (form.SubjectPublicKeyInfo, form.PKCS1)
    ]
    for text in (*texts, Keyring().public_text()):
        assert [each.public_numbers() for each in load_public_keys(text)] == [key.public_numbers()]
    assert len(load_public_keys("\n".join(texts))) == 2


@pytest.mark.parametrize("text", ["", "no key", "bm8ga2V5", private_text(rsa_key("small", 1024))])
def test_what_is_no_strong_private_key_is_misconfigured(text: str) -> None:
    with pytest.raises(ProviderMisconfigured, match="app_private_key") as error:
        load_private_key(text)
    assert error.value.__cause__ is None


def test_a_curve_is_no_key_of_alipay() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    public = b64encode(curve.public_key().public_bytes(encoding, form)).decode()
    for text in (public, "", "bm8ga2V5", "!"):
        with pytest.raises(ProviderMisconfigured, match="alipay_public_key"):
            load_public_keys(text)


@pytest.mark.parametrize("signature", ["", "!", "c2ln", "签名"])
def test_nonsense_is_no_signature(signature: str) -> None:
    ring = Ring([(None, rsa_key("alipay").public_key())])
    assert not ring.verifies(b"content", signature)
    assert ring.verifies(b"content", Keyring().sign(b"content"))


def test_root_certificate_serial_with_crlf_sm2_and_broken_ec() -> None:
    """The real root file holds RSA, EC and SM2 roots, one of which not every library can read."""
    root, curve = self_signed(rsa_key("root")), self_signed(ec.generate_private_key(ec.SECP256R1()))
    sm2 = curve.public_bytes(serialization.Encoding.DER).replace(ECDSA_OID, SM2_OID)
    for each in (curve, load_der_x509_certificate(sm2)):
        assert root_serial(pem_of(each) + pem_of(root)) == serial_of(root)
    parts = (BROKEN, pem_of(curve), pem_of(root), _pem(sm2))
    for blank in ("", "\n", "\n\n", "\nSubject: CN=Sample\n"):
        text = blank.join(parts)
        assert root_serial(text) == root_serial(text.replace("\n", "\r\n")) == serial_of(root)


def test_two_rsa_roots_are_joined() -> None:
    first, second = self_signed(rsa_key("root"), "One"), self_signed(rsa_key("root"), "Two")
    joined = f"{serial_of(first)}_{serial_of(second)}"
    assert root_serial(pem_of(first) + pem_of(second)) == joined


def test_a_serial_covers_the_issuer_and_the_number() -> None:
    # MD5 of `CN=Sample,C=CN2748`, made with md5sum.
    assert serial_of(self_signed(rsa_key("root"))) == "cf8130764eaa24d23e023b46a0ad73a6"


@pytest.mark.parametrize("read", [app_serial, root_serial, ring_of])
def test_a_file_without_a_certificate_is_misconfigured(read: Any) -> None:
    for text in ("", "no certificate", BROKEN):
        with pytest.raises(ProviderMisconfigured, match="certificate"):
            read(text)


async def test_the_authority_in_alipays_file_signs_no_answers(stand: Stand) -> None:
    authority = stand.credentials["alipay_certificate"].rpartition("-----BEGIN")
    with pytest.raises(ProviderMisconfigured, match="has no RSA certificate"):
        ring_of("".join(authority[1:]))


async def test_settings_that_no_key_fits_stop_the_start(stand: Stand) -> None:
    for changes in ({"app_private_key": "no key"}, _wrong_trust(stand)):
        with pytest.raises(ProviderMisconfigured):
            open_door(stand.settings(**changes), frozenset(), stand.clock, stand.memory.once)


def _wrong_trust(stand: Stand) -> dict[str, str]:
    if stand.mode == "key":
        return {"alipay_public_key": "no key"}
    return {"alipay_root_certificate": "no certificate"}


def _pem(der: bytes) -> str:
    body = b64encode(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"
