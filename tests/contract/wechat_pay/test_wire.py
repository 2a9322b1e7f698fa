"""Money, instants and certificates on the wire."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from adapters.wechat.pay import codepay, orders, refunds
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.merchant import open_merchant
from adapters.wechat.pay.micropay import MicroPay
from adapters.wechat.pay.v2 import SignType, signature
from adapters.wechat.pay.wire import AnswerOdd, fen_in, fen_out, instant_in, instant_out
from core.kit.money import MAXIMUM_MINOR
from core.ports.providers import Unknown
from tests.contract.tencent import Watch, real_time
from tests.contract.wechat_pay.shop import NOTIFY, new_order, scan, settings
from tests.factories.chance import NOON, counted_entropy


@pytest.mark.parametrize("fen", [12.5, 1250.0, "1250", Decimal(1250), True, None])
def test_fen_must_be_int(fen: object) -> None:
    with pytest.raises(TypeError):
        fen_out(fen)  # type: ignore[arg-type]  # what a type checker would refuse


@pytest.mark.parametrize("fen", [0, -1, MAXIMUM_MINOR + 1])
def test_fen_that_no_operation_moves_are_not_sent(fen: int) -> None:
    with pytest.raises(ValueError, match="range"):
        fen_out(fen)


async def test_an_amount_that_is_none_asks_nothing(v3: V3, watch: Watch) -> None:
    bad: int = 12.5  # type: ignore[assignment]  # what a type checker would refuse
    asked = await scan(watch.sandbox, fen=bad)
    with pytest.raises(TypeError):
        await orders.create(v3, new_order(bad))
    with pytest.raises(TypeError):
        await codepay.CodePay(v3).pay(asked)
    with pytest.raises(TypeError):
        await refunds.refund(v3, refunds.NewRefund("4200", "1", bad, 1_250, "x", NOTIFY))
    assert await watch.asked("wechat_pay") == []


@pytest.mark.parametrize(("value", "fen"), [(0, 0), (1_250, 1_250), ("1250", 1_250)])
def test_fen_are_read_as_numbers_and_as_digits(value: object, fen: int) -> None:
    assert fen_in(value) == fen


@pytest.mark.parametrize("value", [12.5, True, -1, "-1", "12.5", "١٢", "", None, [], "9" * 11])
def test_what_is_no_fen_is_not_read(value: object) -> None:
    with pytest.raises(AnswerOdd):
        fen_in(value)


def test_instants_are_shanghais_on_the_wire_and_utc_here() -> None:
    assert instant_out(NOON) == "2026-09-01T12:00:00+08:00"
    assert instant_in("2026-09-01T12:00:00+08:00") == NOON
    assert instant_in("20260901120000") == NOON
    assert (instant_in(None), instant_in("")) == (None, None)


@pytest.mark.parametrize("value", ["2026-09-01T12:00:00", "20261301120000", "soon", 5, {}])
def test_an_instant_that_could_be_two_is_not_read(value: object) -> None:
    with pytest.raises(AnswerOdd):
        instant_in(value)


def test_a_zero_is_signed_and_an_empty_field_is_not() -> None:
    key = "k" * 32
    signed = signature({"b": "0", "a": "1", "c": ""}, key, SignType.MD5)
    assert signed == signature({"a": "1", "b": "0", "sign": "x"}, key, SignType.MD5)
    assert signed != signature({"a": "1"}, key, SignType.MD5)
    assert len(signed) == 32
    assert len(signature({"a": "1"}, key, SignType.HMAC_SHA256)) == 64


class TlsServer:
    """A server on the loopback that asks for certificates and notes who showed which."""

    def __init__(self) -> None:
        self.shown: dict[str, bytes | None] = {}
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one empty answer."""
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()
        peer = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.shown[path.split("?")[0]] = peer
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


def _server_certificate(folder: Path) -> Path:
    key = rsa.generate_private_key(65_537, 2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pay.example")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)  # noqa: TID251 - OpenSSL lives in real time
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = folder / "server.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + pem)
    return path


@pytest.fixture
async def tls_server(
    tmp_path: Path, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TlsServer]:
    """Such a server, which everybody here trusts."""
    served = _server_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(served)
    context.load_verify_locations(cadata=keys["certificate"])
    context.verify_mode = ssl.CERT_OPTIONAL

    def trusting(**_given: bool) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(served))

    monkeypatch.setattr("httpcore2.default_ssl_context", trusting)
    server = TlsServer()
    async with await asyncio.start_server(server.answer, "127.0.0.1", 0, ssl=context) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server


async def test_client_certificate_only_for_v2(
    tls_server: TlsServer, watch: Watch, keys: dict[str, str]
) -> None:
    made = settings(keys, f"https://127.0.0.1:{tls_server.port}")
    merchant = open_merchant(made, real_time(), counted_entropy())
    assert merchant.v2 is not None
    asked = await scan(watch.sandbox)
    assert isinstance(await orders.find(merchant.v3, asked.number), Unknown)
    assert isinstance(await MicroPay(merchant.v2).reverse(asked), Unknown)
    await merchant.close()
    certificate = x509.load_pem_x509_certificate(keys["certificate"].encode())
    assert tls_server.shown == {
        f"/v3/pay/transactions/out-trade-no/{asked.number}": None,
        "/secapi/pay/reverse": certificate.public_bytes(Encoding.DER),
    }
