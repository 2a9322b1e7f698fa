"""Keys of a test's own, for what the pretend Alipay would never sign."""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.x509.oid import NameOID

from tests.contract.alipay.stand import Stand


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key, made once in a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem_of(certificate: x509.Certificate) -> str:
    """A certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def self_signed(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, common: str = "Sample"
) -> x509.Certificate:
    """A certificate of a key by itself."""
    name = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.COMMON_NAME, common),
    ])  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0x0ABC)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        .sign(key, SHA256())
    )


class Keyring:
    """An Alipay of the test's own."""

    def __init__(self) -> None:
        self.key = rsa_key("alipay")
        self.aes_key = bytes(range(16))

    def settings(self, stand: Stand) -> dict[str, str]:
        """What the customer of this Alipay changes in their settings."""
        aes_key = b64encode(self.aes_key).decode()
        if stand.mode == "key":
            return {"alipay_public_key": self.public_text(), "aes_key": aes_key}
        return {"alipay_certificate": pem_of(self_signed(self.key)), "aes_key": aes_key}

    def public_text(self) -> str:
        """The public key in base64."""
        encoding = serialization.Encoding.DER
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return b64encode(self.key.public_key().public_bytes(encoding, form)).decode()

    def sign(self, content: bytes, algorithm: HashAlgorithm | None = None) -> str:
        """A signature, RSA2 unless told."""
        signature = self.key.sign(content, padding.PKCS1v15(), algorithm or SHA256())
        return b64encode(signature).decode()

    def phone(self, facts: object) -> dict[str, str]:
        """A payload of `my.getPhoneNumber`."""
        padder = PKCS7(128).padder()
        padded = padder.update(json.dumps(facts).encode()) + padder.finalize()
        sealer = Cipher(AES(self.aes_key), CBC(bytes(16))).encryptor()
        response = b64encode(sealer.update(padded) + sealer.finalize()).decode()
        return {"response": response, "sign": self.sign(f'"{response}"'.encode())}

    def notice(
        self, fields: Mapping[str, str], *, keep_sign_type: bool = False, sha1: bool = False
    ) -> bytes:
        """A signed form."""
        content = "&".join(
            f"{name}={value}"
            for name, value in sorted(fields.items())
            if value and (keep_sign_type or name != "sign_type")
        )
        sign = self.sign(content.encode(), SHA1() if sha1 else None)
        return urlencode({**fields, "sign": sign}).encode()

    def answer(self, method: str, content: str) -> bytes:
        """A signed answer around the text of its content."""
        name = method.replace(".", "_") + "_response"
        return f'{{"{name}":{content},"sign":"{self.sign(content.encode())}"}}'.encode()


def private_text(key: rsa.RSAPrivateKey, *, pkcs1: bool = False, armoured: bool = False) -> str:
    """A private key as base64, or as PEM."""
    form = serialization.PrivateFormat
    raw = key.private_bytes(
        serialization.Encoding.PEM if armoured else serialization.Encoding.DER,
        form.TraditionalOpenSSL if pkcs1 else form.PKCS8,
        serialization.NoEncryption(),
    )
    return raw.decode() if armoured else b64encode(raw).decode()
