"""REQUEST: the one form of RFC 9421 that terminals.md 2 allows, and each variation of it."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from tests.vectors import curve, published
from tests.vectors.case import Case, case
from tests.vectors.ccq_cases import TERMINAL
from tests.vectors.forms import OTHER_SEED, TERMINAL_SEED, curve_sign, public, sign

NOW = published.REQUEST_NOW
NONCE = "AAECAwQFBgcICQoLDA0ODw"
_COMPONENTS = '("@method" "@path" "content-digest" "idempotency-key")'
_DIGEST, _KEY, _INPUT, _SIGNATURE = published.HEADERS.values()
BODY_MAXIMUM = 65_536


def request(
    id_: str, expected: str, body: str = published.BODY, *, now: int = NOW,
    headers: dict[str, str] = published.HEADERS, **context: Any,
) -> Case:  # fmt: skip
    """The verdict on a POST to /graphql; header names are in lower case."""
    known = {"headers": headers, "terminals": [TERMINAL]} | context
    return case(f"request-{id_}", "REQUEST", expected, body, now=now, context=known)


def signed(
    body: str = published.BODY, *, created: str = str(NOW), keyid: str = "0-42-1",
    nonce: str = NONCE, idempotency: str = '"42.12.345"', components: str = _COMPONENTS,
    tail: str = ';tag="cc-term"', method: str = "POST", path: str = "/graphql",
    seed: bytes = TERMINAL_SEED, how: dict[str, Any] | None = None,
) -> dict[str, str]:  # fmt: skip
    """Headers signed as they are, well formed or not."""
    digest = f"sha-256=:{b64encode(sha256(body.encode()).digest()).decode()}:"
    parameters = f'{components};created={created};keyid="{keyid}";nonce="{nonce}"{tail}'
    base = "\n".join([
        f'"@method": {method}', f'"@path": {path}', f'"content-digest": {digest}',
        f'"idempotency-key": {idempotency}', f'"@signature-params": {parameters}',
    ]).encode()  # fmt: skip
    raw = sign(seed, base) if how is None else curve_sign(seed, base, how)
    values = digest, idempotency, f"term={parameters}", f"term=:{b64encode(raw).decode()}:"
    return dict(zip(published.HEADERS, values, strict=True))


def good() -> Iterator[Case]:
    """The printed request, and others that keep to the form."""
    yield request("vector", "ACCEPTED")
    control = published.BODY.replace('"batchNo":12', '"batchNo":0')
    yield request("control-in-batch-0", "ACCEPTED", control,
                  headers=signed(control, idempotency='"42.0.345"'))  # fmt: skip
    most = published.BODY.replace("12", "999999").replace(":345", ":999999")
    numbers = {"issuer": 65535, "terminalNo": 4294967295, "keyNo": 255}
    yield request("largest-numbers", "ACCEPTED", most, headers=signed(
        most, keyid="65535-4294967295-255", idempotency='"4294967295.999999.999999"',
    ), terminals=[TERMINAL | numbers])  # fmt: skip
    spaced = (
        '{ "variables" : {"input": { "other": {"key": 1}, '
        '"key" : {"seqNo": 345,\n"batchNo":12} } } }'
    )
    yield request("another-order-in-the-body", "ACCEPTED", spaced, headers=signed(spaced))
    words = published.BODY[:-1] + ',"note":"\\u4f60好 \\"key\\":{}"}'
    yield request("words-in-the-body", "ACCEPTED", words, headers=signed(words))
    yield request("newline-of-the-body-stays", "DIGEST_MISMATCH", published.BODY + "\n")
    longer = published.BODY + "\n"
    yield request("newline-of-the-body-signed", "ACCEPTED", longer, headers=signed(longer))


_SHAPES: dict[str, dict[str, str]] = {
    "components-other-order": {
        "components": '("@path" "@method" "content-digest" "idempotency-key")'
    },
    "components-fewer": {"components": '("@method" "@path" "content-digest")'},
    "components-more": {"components": _COMPONENTS[:-1] + ' "date")'},
    "alg": {"tail": ';tag="cc-term";alg="ed25519"'},
    "alg-first": {"tail": ';alg="ed25519";tag="cc-term"'},
    "expires": {"tail": ';expires=1800003700;tag="cc-term"'},
    "no-tag": {"tail": ""},
    "another-tag": {"tail": ';tag="cc-terminal"'},
    "created-leading-zero": {"created": f"0{NOW}"},
    "created-negative": {"created": f"-{NOW}"},
    "created-eleven-digits": {"created": f"{NOW}0"},
    "created-quoted": {"created": f'"{NOW}"'},
    "keyid-leading-zero": {"keyid": "00-42-1"},
    "keyid-leading-zero-terminal": {"keyid": "0-042-1"},
    "keyid-leading-zero-number": {"keyid": "0-42-01"},
    "keyid-terminal-0": {"keyid": "0-0-1"},
    "keyid-two-parts": {"keyid": "0-42"},
    "keyid-issuer-17-bits": {"keyid": "65536-42-1"},
    "keyid-terminal-33-bits": {
        "keyid": "0-4294967338-1", "idempotency": '"4294967338.12.345"'
    },
    "keyid-number-9-bits": {"keyid": "0-42-257"},
    "nonce-padded": {"nonce": NONCE + "=="},
    "nonce-short": {"nonce": NONCE[:-1]},
    "nonce-long": {"nonce": NONCE + "A"},
    "nonce-with-loose-bits": {"nonce": NONCE[:-1] + "x"},
    "nonce-of-base64": {"nonce": "+" + NONCE[1:]},
    "idempotency-unquoted": {"idempotency": "42.12.345"},
    "idempotency-leading-zero": {"idempotency": '"42.012.345"'},
    "idempotency-leading-zero-terminal": {"idempotency": '"042.12.345"'},
    "idempotency-sequence-0": {"idempotency": '"42.12.0"'},
    "idempotency-seven-digits": {"idempotency": '"42.12.1000000"'},
    "idempotency-two-parts": {"idempotency": '"12.345"'},
    "idempotency-of-another-terminal": {"idempotency": '"43.12.345"'},
}  # fmt: skip
"""Ways to sign what a lax server takes."""


def shapes() -> Iterator[Case]:
    """HEADER_INVALID: anything more, less or in another order, though well signed."""
    for name in published.HEADERS:
        rest = {other: value for other, value in published.HEADERS.items() if other != name}
        yield request(f"without-{name}", "HEADER_INVALID", headers=rest)
        yield request(f"empty-{name}", "HEADER_INVALID", headers=rest | {name: ""})
        twice = f"{published.HEADERS[name]}, {published.HEADERS[name]}"
        yield request(f"twice-{name}", "HEADER_INVALID", headers=rest | {name: twice})
        space = published.HEADERS[name] + " "
        yield request(f"space-after-{name}", "HEADER_INVALID", headers=rest | {name: space})
    for name, change in _SHAPES.items():
        yield request(name, "HEADER_INVALID", headers=signed(**change))  # type: ignore[arg-type] # strings only
    replaced = {
        "label": ("signature-input", _INPUT.replace("term=", "sig1=", 1)),
        "two-labels": ("signature-input", f"{_INPUT}, other={_INPUT[5:]}"),
        "label-of-the-signature": ("signature", _SIGNATURE.replace("term=", "sig1=", 1)),
        "signature-without-padding": ("signature", _SIGNATURE.replace("==:", ":")),
        "signature-with-loose-bits": ("signature", _SIGNATURE.replace("DQ==:", "DR==:")),
        "digest-sha-512": ("content-digest", _DIGEST.replace("sha-256", "sha-512")),
        "digest-with-loose-bits": ("content-digest", _DIGEST.replace("Ho=:", "Hp=:")),
        "digest-of-two": ("content-digest", f"{_DIGEST}, md5=:AAAA:"),
        "digest-upper-case": ("content-digest", _DIGEST.replace("sha", "SHA")),
    }  # fmt: skip
    for name, (header, value) in replaced.items():
        yield request(name, "HEADER_INVALID", headers=published.HEADERS | {header: value})


def refusals() -> Iterator[Case]:
    """The refusals behind the shape, and their edges."""
    full = "a" * BODY_MAXIMUM
    yield request("body-of-64-kib", "DIGEST_MISMATCH", full)
    yield request("body-of-64-kib-and-a-byte", "BODY_TOO_LARGE", full + "a")
    yield request("body-too-large-without-headers", "BODY_TOO_LARGE", full + "a", headers={})
    for name, keyid in {"key-number": "0-42-2", "issuer": "1-42-1"}.items():
        yield request(f"unknown-{name}", "KEY_UNKNOWN", headers=signed(keyid=keyid))
    yield request("unknown-terminal", "KEY_UNKNOWN",
                  headers=signed(keyid="0-43-1", idempotency='"43.12.345"'))  # fmt: skip
    yield request("terminals-none", "KEY_UNKNOWN", terminals=[])
    other = published.BODY.replace("345", "346")
    yield request("body-of-another", "DIGEST_MISMATCH", other)
    yield request("body-empty", "DIGEST_MISMATCH", "")
    yield request("signed-by-another", "SIGNATURE_INVALID", headers=signed(seed=OTHER_SEED))
    yield request("signed-for-get", "SIGNATURE_INVALID", headers=signed(method="GET"))
    yield request("signed-for-another-path", "SIGNATURE_INVALID", headers=signed(path="/graphql/"))
    changed = published.HEADERS | {"idempotency-key": '"42.12.346"'}
    yield request("another-key-in-the-header", "SIGNATURE_INVALID", headers=changed)
    later = published.HEADERS | {"signature-input": _INPUT.replace(str(NOW), str(NOW + 1))}
    yield request("another-time-in-the-header", "SIGNATURE_INVALID", headers=later)
    hows: dict[str, dict[str, Any]] = {
        "s-plus-l": {"surplus": curve.L}, "r-plus-order-2": {"torsion": curve.TORSION[2]},
        "r-identity": {"identity": True},
    }  # fmt: skip
    for name, how in hows.items():
        yield request(f"signature-{name}", "SIGNATURE_INVALID", headers=signed(how=how))
    next_key = TERMINAL | {"keyNo": 2, "publicKey": public(OTHER_SEED).hex()}
    yield request("next-key", "ACCEPTED", headers=signed(keyid="0-42-2", seed=OTHER_SEED),
                  terminals=[TERMINAL, next_key])  # fmt: skip
    for offset, expected in [
        (-121, "CLOCK_SKEW"), (-120, "ACCEPTED"), (120, "ACCEPTED"), (121, "CLOCK_SKEW")
    ]:  # fmt: skip
        yield request(f"clock-{offset}", expected, now=NOW + offset)
    for created in ("0", "9999999999"):
        yield request(f"created-{created}", "CLOCK_SKEW", headers=signed(created=created))
    yield request("nonce-again", "NONCE_REUSED", nonces=[NONCE])
    yield request("nonce-of-others", "ACCEPTED", nonces=["A" * 22, NONCE[:-1] + "A"])
    yield request("terminal-locked", "TERMINAL_LOCKED", terminals=[TERMINAL | {"locked": True}])
    yield request("another-is-locked", "ACCEPTED",
                  terminals=[TERMINAL, next_key | {"locked": True}])  # fmt: skip
    for name, change in {
        "sequence": ('"seqNo":345', '"seqNo":346'), "batch": ('"batchNo":12', '"batchNo":13'),
        "both": ('"batchNo":12,"seqNo":345', '"batchNo":345,"seqNo":12'),
    }.items():  # fmt: skip
        body = published.BODY.replace(*change)
        yield request(f"other-{name}-in-the-body", "KEY_MISMATCH", body, headers=signed(body))


def order() -> Iterator[Case]:
    """A request of which every remaining check fails, put right one by one."""
    body = published.BODY.replace("345", "346")
    wrong: dict[str, Any] = {"keyid": "0-42-01", "seed": OTHER_SEED, "created": str(NOW - 121)}
    around: dict[str, Any] = {"terminals": [], "nonces": [NONCE]}
    sent = body + "!"
    locked = [TERMINAL | {"locked": True}]
    rungs: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("HEADER_INVALID", {"keyid": "0-42-1"}, {}), ("KEY_UNKNOWN", {}, {"terminals": locked}),
        ("DIGEST_MISMATCH", {}, {}), ("SIGNATURE_INVALID", {"seed": TERMINAL_SEED}, {}),
        ("CLOCK_SKEW", {"created": str(NOW)}, {}), ("NONCE_REUSED", {}, {"nonces": []}),
        ("TERMINAL_LOCKED", {}, {"terminals": [TERMINAL]}), ("KEY_MISMATCH", {}, {}),
    ]  # fmt: skip
    for expected, repair, repaired in rungs:
        yield request(f"order-{expected}", expected, sent, headers=signed(body, **wrong), **around)
        wrong |= repair
        around |= repaired
        sent = body if expected == "DIGEST_MISMATCH" else sent


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (good, shapes, refusals, order):
        yield from family()
