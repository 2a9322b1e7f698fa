"""One GraphQL question over HTTP: a trusted document by its id, and its answer.

Every question is an operation of `clients/documents`, one per file; its id is the SHA-256 of the
file's exact text (graphql.md 2). The server answers every well-formed question with HTTP 200.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx2

PATH = "/graphql"
DOCUMENTS = Path(__file__).parent / "documents"

Json = dict[str, Any]
Headers = Callable[[bytes], Mapping[str, str]]
"""Makes the headers that prove who asks, from the body as it will be sent."""


class NoAnswer(Exception):
    """Nothing came back that can be read; what the question did is not known.

    `retry_after_seconds` is what the server asked for, 0 if it asked for nothing.
    """

    def __init__(self, reason: str, retry_after_seconds: float = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class NotAllowed(NoAnswer):
    """The server did not execute the question, or says so: nothing signed stands behind it."""

    def __init__(self, code: str, reason: str, message: str) -> None:
        super().__init__(f"{code} {reason} {message}".strip())
        self.code = code
        self.detail = reason


class QuestionRefused(NoAnswer):
    """The server refused what was asked, as `userErrors`; `code` is that of the first."""

    def __init__(self, errors: list[Json]) -> None:
        super().__init__("; ".join(f"{each.get('code')}: {each.get('message')}" for each in errors))
        self.code = str(errors[0].get("code"))


def no_headers(_body: bytes) -> Mapping[str, str]:
    """The proof of who asks, where nobody in particular does."""
    return {}


@cache
def document_id(name: str) -> str:
    """The id of the trusted document that holds the operation `name`."""
    text = (DOCUMENTS / f"{name}.graphql").read_bytes()
    return "sha256:" + hashlib.sha256(text).hexdigest()


class Endpoint:
    """A server's GraphQL address. `http` is the caller's, with the base URL and the timeouts."""

    def __init__(self, http: httpx2.AsyncClient, language: str = "zh") -> None:
        self._http = http
        self._language = language

    async def ask(self, name: str, variables: Json, headers: Headers) -> Json:
        """The `data` of the operation `name`.

        Raises: NoAnswer; NotAllowed for top-level errors.
        """
        body = json.dumps(
            {"documentId": document_id(name), "variables": variables},
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        sent = {
            "content-type": "application/json",
            "accept-language": self._language,
            "x-operation": name,
            **headers(body),
        }
        try:
            answer = await self._http.post(PATH, content=body, headers=sent)
        except httpx2.HTTPError as failure:
            raise NoAnswer(type(failure).__name__) from failure
        return _data(answer)

    async def change(self, name: str, field: str, given: Json, headers: Headers) -> Json:
        """The payload of a mutation with the one argument `input`.

        Raises: NoAnswer; NotAllowed; QuestionRefused for `userErrors`.
        """
        payload = (await self.ask(name, {"input": given}, headers)).get(field)
        if not isinstance(payload, dict):
            raise NoAnswer("the payload is missing")
        if payload.get("userErrors"):
            raise QuestionRefused(payload["userErrors"])
        return payload


def _data(answer: httpx2.Response) -> Json:
    try:
        read = answer.json()
    except ValueError:
        read = None
    errors = read.get("errors") if isinstance(read, dict) else None
    if errors:
        if not isinstance(errors, list) or not isinstance(errors[0], dict):
            raise NoAnswer("the errors cannot be read")
        facts = errors[0].get("extensions") or {}
        code, reason = facts.get("code", "UNKNOWN"), facts.get("reason") or ""
        if code in {"OVERLOADED", "RATE_LIMITED"}:
            raise NoAnswer(code, _retry_after(answer))
        raise NotAllowed(code, reason, str(errors[0].get("message", "")))
    if answer.status_code != 200 or not isinstance(read, dict) or "data" not in read:
        raise NoAnswer(f"HTTP {answer.status_code}", _retry_after(answer))
    data = read["data"]
    if not isinstance(data, dict):
        raise NoAnswer("the data are missing")
    return data


def _retry_after(answer: httpx2.Response) -> float:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
