"""The keys and certificates of the pretend Alipay and of its one customer, made at start."""

import secrets
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import md5

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_YEARS = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Seal:
    """A key Alipay signs with, and its certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    def sign(self, content: bytes) -> str:
        """An RSA2 signature in base64."""
        return b64encode(self.key.sign(content, padding.PKCS1v15(), SHA256())).decode()

    def public_text(self) -> str:
        """The public key as the console shows it: base64 and nothing else."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        encoding = serialization.Encoding.DER
        return b64encode(self.key.public_key().public_bytes(encoding, form)).decode()


class AlipayKeys:
    """`now` and `later` are what Alipay signs with before and after it rotates its key."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant
        root, authority, curve = _rsa(), _rsa(), ec.generate_private_key(ec.SECP256R1())
        root_name, authority_name = _name("Sandbox Root R1"), _name("Sandbox Authority Class 1")
        curve_name = _name("Sandbox Root E1")
        roots = [
            self._certificate(curve_name, curve, curve_name, curve, authority=True),
            self._certificate(root_name, root, root_name, root, authority=True),
        ]
        self._between = self._certificate(
            authority_name, authority, root_name, root, authority=True
        )
        self.app = _rsa()
        self.app_certificate = self._certificate(
            _name("Sample School"), self.app, authority_name, authority
        )
        self.now, self.later = (
            Seal(key, self._certificate(_name(name), key, authority_name, authority))
            for name, key in (("Sandbox Alipay 1", _rsa()), ("Sandbox Alipay 2", _rsa()))
        )
        self.root_text = "\r\n".join(map(pem, roots))
        self.root_serial = serial(roots[1])
        self.aes_key = secrets.token_bytes(16)

    def credentials(self) -> dict[str, str]:
        """What the customer is given: for key mode, for certificate mode, and after a rotation."""
        return {
            "app_private_key": _private_text(self.app),
            "alipay_public_key": self.now.public_text(),
            "app_certificate": pem(self.app_certificate),
            "alipay_certificate": pem(self.now.certificate) + pem(self._between),
            "alipay_root_certificate": self.root_text,
            "aes_key": b64encode(self.aes_key).decode(),
            "later_public_key": self.later.public_text(),
            "later_certificate": pem(self.later.certificate),
        }

    def _certificate(
        self,
        subject: x509.Name,
        key: PrivateKey,
        issuer: x509.Name,
        issuer_key: PrivateKey,
        *,
        authority: bool = False,
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._instant - timedelta(days=1))
            .not_valid_after(self._instant + _YEARS)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(issuer_key, SHA256())
        )


def serial(certificate: x509.Certificate) -> str:
    """Alipay's serial: MD5 over the issuer's names, the last first, and the decimal number."""
    names = [f"{each.rfc4514_attribute_name}={each.value!s}" for each in certificate.issuer]
    text = ",".join(reversed(names)) + str(certificate.serial_number)
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def pem(certificate: x509.Certificate) -> str:
    """A certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common: str) -> x509.Name:
    names = (
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, "Sandbox"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
        (NameOID.COMMON_NAME, common),
    )
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in names])


def _private_text(key: rsa.RSAPrivateKey) -> str:
    encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    der = key.private_bytes(encoding, form, serialization.NoEncryption())
    return b64encode(der).decode()
