"""Signed purchases and entries, made before the timed part: every code and key is shown once."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.world import HOLDERS, SCHOOL_ID, Holder, Till
from terminals import cc1
from terminals.cc1 import Intent
from terminals.codes import SKEW_SECONDS
from terminals.keys import Sign, signer
from terminals.message import KeyId, RequestKey
from terminals.signature import sign_request

AMOUNT_MINOR = 100
DOOR_NO = 1
_SHOWN_SECONDS_AGO = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests go: a path, and the trusted document if it speaks GraphQL."""

    path: str
    document_id: str | None
    operation: str | None = None

    def body(self, given: dict[str, Any]) -> bytes:
        """The bytes of a request with this input."""
        content: dict[str, Any] = given
        if self.document_id is not None:
            content = {"documentId": self.document_id, "variables": {"input": given}}
        return json.dumps(content, separators=(",", ":")).encode()

    def request(self, body: bytes, headers: dict[str, str]) -> bytes:
        """The whole HTTP request; a document may be large if the request names it."""
        if self.operation is not None:
            headers = {**headers, "x-operation": self.operation}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return (
            f"POST {self.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n{lines}\r\n"
        ).encode() + body


def purchase(code: str) -> dict[str, Any]:
    """The input of a purchase beside its key."""
    return {
        "presented": code,
        "minorAmount": AMOUNT_MINOR,
        "currencyCode": "CNY",
        "capture": "IMMEDIATE",
        "scene": "MEAL",
    }


def entry(code: str) -> dict[str, Any]:
    """The input of an entry beside its key."""
    return {"presented": code, "doorNo": DOOR_NO, "direction": "IN"}


@dataclass(frozen=True, slots=True)
class Asking:
    """What terminals ask: the input, the intents of the codes, and what a good answer holds."""

    given: Callable[[str], dict[str, Any]]
    intents: tuple[Intent, Intent]
    good: bytes


ASKED = {
    "purchase": Asking(purchase, (Intent.PAY, Intent.ANY), b'"outcome":"APPROVED"'),
    "entry": Asking(entry, (Intent.ENTRY, Intent.ANY), b'"outcome":"GRANTED"'),
}


def codes(
    holders: list[Holder],
    kid: int,
    sign: Sign,
    start: int,
    now: int,
    intents: tuple[Intent, Intent] = (Intent.PAY, Intent.ANY),
) -> Iterator[str]:
    """Codes of many cardholders in turn, each time shown a second later, none of them twice.

    A round shows fewer codes of each cardholder than it lasts seconds, so the next round, which
    begins later, shows others. `start` is when the passes begin, both in Unix seconds.
    """
    phones = [(h.signed_pass(kid, sign, start), signer(bytes(h.device))) for h in holders]
    for t in range(now - start - _SHOWN_SECONDS_AGO, now - start + SKEW_SECONDS):
        for intent in intents:
            for signed_pass, show_sign in phones:
                yield cc1.show(signed_pass, t, intent, show_sign)


def share(index: int, drivers: int) -> list[Holder]:
    """The cardholders of one driver: nobody pays at two at once."""
    size = HOLDERS // drivers
    return [Holder(number) for number in range(index * size, (index + 1) * size)]


def signed_requests(
    place: Place,
    shown: Iterator[str],
    tills: list[Till],
    batch_no: int,
    now: int,
    count: int,
    given: Callable[[str], dict[str, Any]] = purchase,
) -> list[bytes]:
    """`count` signed requests, the tills in turn."""
    signers = [(till.number, till.sign) for till in tills]
    made = []
    for number, code in zip(range(count), shown, strict=False):
        terminal_no, sign = signers[number % len(signers)]
        key = RequestKey(terminal_no, batch_no, number // len(signers) + 1)
        body = place.body({"key": {"batchNo": key.batch_no, "seqNo": key.seq_no}, **given(code)})
        headers = sign_request(
            body, path=place.path, key_id=KeyId(SCHOOL_ID, terminal_no, 1), key=key,
            created_at=now, nonce=os.urandom(16), sign=sign,
        )  # fmt: skip
        made.append(place.request(body, headers))
    return made
