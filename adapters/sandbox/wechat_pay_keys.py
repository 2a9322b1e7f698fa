"""The pretend WeChat Pay's keys and one merchant's, made at start."""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat as Public
from cryptography.x509.oid import NameOID

PUBLIC_KEY_ID = "PUB_KEY_ID_0110000000012026090100000000"
_CHARACTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def key_of_32() -> str:
    """A shared key as a merchant types it in."""
    return "".join(secrets.choice(_CHARACTERS) for _ in range(32))


@dataclass(frozen=True, slots=True)
class Pair:
    """A private key with a certificate that was made for it."""

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate

    @property
    def serial(self) -> str:
        """The serial number, as the protocol writes it."""
        return f"{self.certificate.serial_number:X}"

    @property
    def pem(self) -> str:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def private_pem(self) -> str:
        """The private key."""
        kind = PrivateFormat.PKCS8
        return self.key.private_bytes(Encoding.PEM, kind, NoEncryption()).decode()


def make_pair(name: str, now: datetime) -> Pair:
    """A key of 2048 bits, certified by itself for five years."""
    key = rsa.generate_private_key(65_537, 2_048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    certificate = (
        builder.public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=5 * 365))
        .sign(key, SHA256())
    )
    return Pair(key, certificate)


class PayKeys:
    """WeChat Pay's certificates, the newest last, its public key, and the merchant's secrets."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._public = rsa.generate_private_key(65_537, 2_048)
        self.platform = [make_pair("Tenpay.example", now())]
        self.merchant = make_pair("merchant.example", now())
        self.api_v3_key = key_of_32()
        self.api_v2_key = key_of_32()

    def rotate(self) -> None:
        """A new certificate signs from now on; the old one is listed no longer."""
        self.platform = [make_pair("Tenpay.example", self._now())]

    def public_pem(self) -> str:
        """The public key of `PUBLIC_KEY_ID`."""
        public = self._public.public_key()
        return public.public_bytes(Encoding.PEM, Public.SubjectPublicKeyInfo).decode()

    def signed(
        self, body: bytes, serial: str | None, *, at: datetime | None = None
    ) -> dict[str, str]:
        """The headers that prove a body, by the public key where its id is asked for."""
        by_public = serial == PUBLIC_KEY_ID
        key = self._public if by_public else self.platform[-1].key
        seconds, nonce = str(int((at or self._now()).timestamp())), secrets.token_hex(16)
        text = b"\n".join((seconds.encode(), nonce.encode(), body, b""))
        signature = key.sign(text, padding.PKCS1v15(), SHA256())
        return {
            "Wechatpay-Timestamp": seconds,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": b64encode(signature).decode(),
            "Wechatpay-Serial": PUBLIC_KEY_ID if by_public else self.platform[-1].serial,
        }

    def sealed(self, plain: bytes, associated: str) -> Mapping[str, str]:
        """Something only the merchant can open."""
        nonce = secrets.token_hex(6)
        cipher = AESGCM(self.api_v3_key.encode())
        sealed = cipher.encrypt(nonce.encode(), plain, associated.encode())
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": associated,
            "ciphertext": b64encode(sealed).decode(),
        }

    def is_merchants(self, text: bytes, signature: str) -> bool:
        """Whether the merchant signed a text."""
        public = self.merchant.key.public_key()
        try:
            public.verify(b64decode(signature), text, padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True
