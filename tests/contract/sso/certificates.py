"""Certificates of our own: an authority, a server of this machine, a signer."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(
    name: str, key: Key, *, days: int = 90, issuer: tuple[x509.Certificate, Key] | None = None,
    authority: bool = False, host: str = "127.0.0.1",
) -> x509.Certificate:  # fmt: skip
    """A certificate that ends in so many days; self-signed without an issuer."""
    now = datetime.now(UTC)  # noqa: TID251 - it is verified in real time
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer[0].subject if issuer else _name(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    if authority:
        usage = [each in {5, 6} for each in range(9)]
        builder = builder.add_extension(x509.KeyUsage(*usage), critical=True)
    else:
        names = [x509.IPAddress(ip_address(host))] if host[0].isdigit() else [x509.DNSName(host)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    if issuer is not None:
        of = issuer[1].public_key()
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(of), False
        )
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256())


def pem(each: x509.Certificate) -> str:
    """A certificate as text."""
    return each.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: Key) -> str:
    """A private key as text."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def tls_files(folder: Path, host: str = "127.0.0.1") -> tuple[Path, Path, Path]:
    """The files of an authority, of a server certificate by it, and of its key."""
    authority_key, key = (
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(65537, 2048),
    )
    authority = certificate("Sample authority", authority_key, authority=True)
    server = certificate("server", key, issuer=(authority, authority_key), host=host)
    files = folder / f"ca-{host}.pem", folder / f"server-{host}.pem", folder / f"key-{host}.pem"
    for path, text in zip(files, (pem(authority), pem(server), key_pem(key)), strict=True):
        path.write_text(text, "ascii")
    return files


def public_pem(key: Key) -> str:
    """A public key as text."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
