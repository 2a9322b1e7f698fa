"""Request signing: the example to the byte, and every deviation refused."""

from base64 import b64encode
from dataclasses import replace
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from core.kit.clock import from_unix
from terminals import signature
from terminals.message import KeyId, RequestKey
from terminals.signature import Nonces, Request, SignatureRefusal, SignedHeaders, TerminalKey
from tests.unit.terminals import samples

BODY = (
    b'{"documentId":"sha256:70684663f12ab1651984fa3ace7210739d960d4c62d8e70a72f45756e0972fe9",'
    b'"variables":{"input":{"key":{"batchNo":12,"seqNo":345}}}}'
)
BASE = """\
"@method": POST
"@path": /graphql
"content-digest": sha-256=:M1lWZQlng/O/OZLeiTuxMJW4n7lUrNlEHU0CeOxjEHo=:
"idempotency-key": "42.12.345"
"@signature-params": ("@method" "@path" "content-digest" "idempotency-key")\
;created=1800003602;keyid="0-42-1";nonce="AAECAwQFBgcICQoLDA0ODw";tag="cc-term"\
"""
SIGNATURE = (
    "Z3hI2ME0gXY6/yOzdCI7NYrpypbzfJERK0mn2hCPPsDIo8vVBNqhe4w5yf+sVf8LeWRgrv86WhcXSsGBFbWiDQ=="
)
NOW = 1_800_003_602
KEY_ID = KeyId(0, 42, 1)
KEY = RequestKey(42, 12, 345)
ACTIVE = TerminalKey(samples.public(samples.TERMINAL_SEED))


def headers(
    body: bytes = BODY, key: RequestKey = KEY, created_at: int = NOW, first_nonce_byte: int = 0
) -> dict[str, str]:
    """The example's headers with changes."""
    nonce = bytes([first_nonce_byte, *range(1, 16)])
    return signature.sign_request(
        body,
        path="/graphql",
        key_id=KEY_ID,
        key=key,
        created_at=created_at,
        nonce=nonce,
        sign=samples.sign_terminal,
    )


EXAMPLE = Request("POST", "/graphql", headers(), BODY)


def verify(
    request: Request = EXAMPLE,
    key: TerminalKey | None = ACTIVE,
    nonces: Nonces | None = None,
    now: int | None = NOW,
) -> SignedHeaders | SignatureRefusal:
    """The verdict on a request by a fresh worker."""
    return signature.verify(request, {KEY_ID: key}.get, nonces or Nonces(), now)


def altered(name: str, old: str, new: str) -> Request:
    """The example with one header altered, its signature left alone."""
    value = EXAMPLE.headers[name]
    assert old in value
    return replace(EXAMPLE, headers={**EXAMPLE.headers, name: value.replace(old, new, 1)})


def resigned(old: str, new: str) -> Request:
    """The example with its parameters altered and signed again: only the form is wrong."""
    parameters = EXAMPLE.headers["signature-input"].removeprefix("term=")
    assert old in parameters
    parameters = parameters.replace(old, new, 1)
    text = signature.base("POST", "/graphql", EXAMPLE.headers["content-digest"], KEY, parameters)
    signed = b64encode(samples.sign_terminal(text)).decode()
    changed = {"signature-input": f"term={parameters}", "signature": f"term=:{signed}:"}
    return replace(EXAMPLE, headers={**EXAMPLE.headers, **changed})


def test_the_example_is_signed_to_the_byte() -> None:
    assert (len(BODY), len(BASE)) == (145, 292)
    assert EXAMPLE.headers == {
        "content-digest": "sha-256=:M1lWZQlng/O/OZLeiTuxMJW4n7lUrNlEHU0CeOxjEHo=:",
        "idempotency-key": '"42.12.345"',
        "signature-input": "term=" + BASE.split('"@signature-params": ')[1],
        "signature": f"term=:{SIGNATURE}:",
    }


def test_the_example_is_verified() -> None:
    signed = verify()
    assert isinstance(signed, SignedHeaders)
    assert (signed.key_id, signed.key, signed.created_at) == (KEY_ID, KEY, NOW)
    assert signed.nonce == bytes(range(16))
    text = signature.base("POST", "/graphql", signed.digest, signed.key, signed.parameters)
    assert text == BASE.encode()


def test_a_general_implementation_of_rfc_9421_signs_the_same() -> None:
    class Resolver(HTTPSignatureKeyResolver):
        def resolve_private_key(self, key_id: str) -> object:
            return Ed25519PrivateKey.from_private_bytes(samples.TERMINAL_SEED)

    message = SimpleNamespace(
        method="POST",
        url="https://bff.example/graphql",
        headers={
            "Content-Digest": EXAMPLE.headers["content-digest"],
            "Idempotency-Key": EXAMPLE.headers["idempotency-key"],
        },
    )
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=Resolver()).sign(
        message,
        key_id="0-42-1",
        created=from_unix(NOW),
        nonce="AAECAwQFBgcICQoLDA0ODw",
        tag="cc-term",
        label="term",
        include_alg=False,
        use_existing_digest=True,
        covered_component_ids=("@method", "@path", "content-digest", "idempotency-key"),
    )
    assert message.headers["Signature"] == EXAMPLE.headers["signature"]
    assert message.headers["Signature-Input"] == EXAMPLE.headers["signature-input"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"@method" "@path"', '"@path" "@method"'),
        ('"@method" "@path"', '"@method"  "@path"'),
        ('"@method" "@path" ', '"@method" '),
        ('"@method"', '"@authority" "@method"'),
        ('"idempotency-key")', '"idempotency-key" "date")'),
        ('"@path"', '"@path";req'),
        (";created=", ';alg="ed25519";created='),
        (";created=1800003602", ""),
        (";created=1800003602", ";created=01800003602"),
        (";created=1800003602", ";created=+1800003602"),
        (";created=1800003602", ";created=18000036020"),
        (";created=1800003602", ";created=1800003602.0"),
        (";created=1800003602", ";created=1800003602;expires=1800003700"),
        (";created=1800003602", "; created=1800003602"),
        (';keyid="0-42-1"', ';keyid="00-42-1"'),
        (';keyid="0-42-1"', ';keyid="0-042-1"'),
        (';keyid="0-42-1"', ';keyid="0-43-1"'),
        (';keyid="0-42-1"', ';keyid="0-42-256"'),
        (';keyid="0-42-1"', ';keyid="0-42"'),
        (';keyid="0-42-1"', ""),
        (';keyid="0-42-1"', ";keyid=0-42-1"),
        ("DA0ODw", "DA0ODx"),
        ("DA0ODw", "DA0ODw=="),
        ("DA0ODw", "DA0OD"),
        ("AAEC", "AA+C"),
        (';tag="cc-term"', ';tag="cc-other"'),
        (';tag="cc-term"', ""),
        (';tag="cc-term"', ';tag="cc-term";tag="cc-term"'),
        (
            ';nonce="AAECAwQFBgcICQoLDA0ODw";tag="cc-term"',
            ';tag="cc-term";nonce="AAECAwQFBgcICQoLDA0ODw"',
        ),
    ],
)
def test_signature_subset_refuses_every_variation(old: str, new: str) -> None:
    nonces = Nonces()
    assert verify(resigned(old, new), nonces=nonces) is SignatureRefusal.HEADER_INVALID
    assert isinstance(verify(nonces=nonces), SignedHeaders)  # the refused one took no nonce


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("signature-input", "term=", "sig1="),
        ("signature-input", "term=", " term="),
        ("signature-input", 'tag="cc-term"', 'tag="cc-term", sig2=();created=1'),
        ("signature-input", 'tag="cc-term"', 'tag="cc-term"\n'),
        ("signature", "term=", "sig1="),
        ("signature", "DQ==:", "DQ==:, sig2=:AA==:"),
        ("signature", "DQ==:", "DR==:"),
        ("signature", "DQ==:", "DQ=:"),
        ("signature", "term=:Z", "term=:"),
        ("signature", "+sVf", "-sVf"),
        ("content-digest", "sha-256", "sha-512"),
        ("content-digest", "EHo=:", "EHp=:"),
        ("content-digest", "EHo=:", "EHo=:, sha-512=:AA==:"),
        ("content-digest", "EHo=:", "EHo:"),
        ("idempotency-key", '"42.12.345"', "42.12.345"),
        ("idempotency-key", "42.12", "042.12"),
        ("idempotency-key", ".12.", ".012."),
        ("idempotency-key", ".345", ".0345"),
        ("idempotency-key", ".345", ".0"),
        ("idempotency-key", ".345", ".1000000"),
        ("idempotency-key", ".12.", ".1000000."),
        ("idempotency-key", "42.12", "43.12"),
        ("idempotency-key", ".345", ".345.1"),
        ("idempotency-key", "345", "３45"),
    ],
)
def test_headers_of_another_shape_are_invalid(name: str, old: str, new: str) -> None:
    assert verify(altered(name, old, new)) is SignatureRefusal.HEADER_INVALID


@pytest.mark.parametrize("name", sorted(EXAMPLE.headers))
def test_each_header_is_needed(name: str) -> None:
    rest = {other: value for other, value in EXAMPLE.headers.items() if other != name}
    assert verify(replace(EXAMPLE, headers=rest)) is SignatureRefusal.HEADER_INVALID


@pytest.mark.parametrize(
    "request_",
    [
        replace(EXAMPLE, method="PUT"),
        replace(EXAMPLE, path="/graphql/"),
        altered("idempotency-key", ".345", ".346"),
        altered("signature-input", "1800003602", "1800003603"),
        altered("signature-input", "AAEC", "AAED"),
        altered("signature", "Z3hI", "Z3hJ"),
    ],
)
def test_each_component_is_covered(request_: Request) -> None:
    assert verify(request_) is SignatureRefusal.SIGNATURE_INVALID


def test_the_size_is_refused_before_anything_is_read() -> None:
    large = replace(EXAMPLE, headers={}, body=bytes(65_537))
    assert verify(large) is SignatureRefusal.BODY_TOO_LARGE
    assert verify(replace(large, body=bytes(65_536))) is SignatureRefusal.HEADER_INVALID


@pytest.mark.parametrize("size", [65_536, 262_144])
def test_a_body_as_large_as_allowed_is_verified(size: int) -> None:
    body = bytes(size)
    request = Request("POST", "/graphql", headers(body), body)
    assert isinstance(
        signature.verify(request, {KEY_ID: ACTIVE}.get, Nonces(), NOW, size), SignedHeaders
    )


def test_the_first_failing_check_answers() -> None:
    locked = replace(ACTIVE, is_locked=True)
    wrong = TerminalKey(samples.public(samples.DEVICE_SEED), is_locked=True)
    other_body = replace(EXAMPLE, body=BODY + b" ")
    late = NOW + 121
    used = Nonces()
    assert used.take(KEY_ID, bytes(range(16)))
    assert verify(other_body, None, used, late) is SignatureRefusal.KEY_UNKNOWN
    assert verify(other_body, wrong, used, late) is SignatureRefusal.DIGEST_MISMATCH
    assert verify(EXAMPLE, wrong, used, late) is SignatureRefusal.SIGNATURE_INVALID
    assert verify(EXAMPLE, locked, used, late) is SignatureRefusal.CLOCK_SKEW
    assert verify(EXAMPLE, locked, used, NOW) is SignatureRefusal.NONCE_REUSED
    assert verify(EXAMPLE, locked, Nonces(), NOW) is SignatureRefusal.TERMINAL_LOCKED


@pytest.mark.parametrize(
    ("now", "accepted"),
    [
        (NOW - 121, False),
        (NOW - 120, True),
        (NOW + 120, True),
        (NOW + 121, False),
        (None, True),  # the heartbeat of a terminal whose clock is lost
    ],
)
def test_created_is_within_120_seconds_of_our_clock(now: int | None, accepted: bool) -> None:
    verdict = verify(now=now)
    assert isinstance(verdict, SignedHeaders) is accepted
    assert accepted or verdict is SignatureRefusal.CLOCK_SKEW


def test_control_requests_have_batch_zero() -> None:
    key = RequestKey(42, 0, 1)
    signed = verify(Request("POST", "/graphql", headers(key=key), BODY))
    assert isinstance(signed, SignedHeaders)
    assert signed.key == key


class TestNonces:
    """The bounded filter of one worker."""

    def test_a_nonce_is_taken_once_by_each_key(self) -> None:
        nonces = Nonces()
        assert nonces.take(KEY_ID, b"a")
        assert not nonces.take(KEY_ID, b"a")
        assert nonces.take(KeyId(0, 43, 1), b"a")

    def test_the_oldest_is_forgotten_when_it_is_full(self) -> None:
        nonces = Nonces(maximum=2)
        assert [nonces.take(KEY_ID, nonce) for nonce in (b"a", b"b", b"c")] == [True] * 3
        assert not nonces.take(KEY_ID, b"b")
        assert nonces.take(KEY_ID, b"a")

    def test_a_request_is_seen_once(self) -> None:
        nonces = Nonces()
        assert isinstance(verify(nonces=nonces), SignedHeaders)
        assert verify(nonces=nonces) is SignatureRefusal.NONCE_REUSED
        again = replace(EXAMPLE, headers=headers(first_nonce_byte=1))
        assert isinstance(verify(again, nonces=nonces), SignedHeaders)
