"""Certificate mode: the serials by which an app and Alipay name each other's certificates.

A serial is the MD5, in hex, of the issuer as RFC 4514 text followed by the decimal serial number
(Alipay's Java SDK, AntCertificationUtil; the npm package alipay-sdk agrees).
"""

import re
from hashlib import md5

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    load_pem_x509_certificate,
)

from adapters.alipay.keys import Ring
from core.ports.providers import ProviderMisconfigured

_PART = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_RSA_SIGNATURES = "1.2.840.113549.1.1."


def serial_of(certificate: Certificate) -> str:
    """How Alipay calls a certificate."""
    named = certificate.issuer.rfc4514_string() + str(certificate.serial_number)
    return md5(named.encode(), usedforsecurity=False).hexdigest()


def app_serial(text: str) -> str:
    """The serial of the app's certificate, the first in its file.

    Raises: ProviderMisconfigured.
    """
    found = _certificates(text)
    if not found:
        raise ProviderMisconfigured("alipay: app_certificate is no certificate")
    return serial_of(found[0])


def root_serial(text: str) -> str:
    """The serials of the roots that sign with RSA; the file also holds SM2 and EC roots.

    Raises: ProviderMisconfigured.
    """
    serials = [
        serial_of(each)
        for each in _certificates(text)
        if each.signature_algorithm_oid.dotted_string.startswith(_RSA_SIGNATURES)
    ]
    if not serials:
        raise ProviderMisconfigured("alipay: alipay_root_certificate has no RSA root")
    return "_".join(serials)


def ring_of(text: str) -> Ring:
    """Alipay's keys by serial; the authority that rides in the same file signs no answers.

    Raises: ProviderMisconfigured.
    """
    keys = [
        (serial_of(each), key)
        for each in _certificates(text)
        if not _is_authority(each) and isinstance(key := each.public_key(), RSAPublicKey)
    ]
    if not keys:
        raise ProviderMisconfigured("alipay: alipay_certificate has no RSA certificate")
    return Ring(keys)


def _certificates(text: str) -> list[Certificate]:
    found = []
    for part in _PART.findall(text):
        try:
            found.append(load_pem_x509_certificate(part.encode()))
        except ValueError:
            # One root of the real file cannot be read by every library; it is not ours to use.
            continue
    return found


def _is_authority(certificate: Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return False
