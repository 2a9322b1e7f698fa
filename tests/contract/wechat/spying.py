"""Sees what the adapters' HTTP client brings home."""

from typing import Any

import httpx2
import pytest

from adapters.http import HttpAnswer, HttpClient


def spied(monkeypatch: pytest.MonkeyPatch) -> list[HttpAnswer]:
    """Every answer from now on."""
    answers: list[HttpAnswer] = []
    whole = HttpClient.request

    async def request(self: HttpClient, *arguments: Any, **given: Any) -> HttpAnswer:
        answer = await whole(self, *arguments, **given)
        answers.append(answer)
        return answer

    monkeypatch.setattr(HttpClient, "request", request)
    return answers


def sent(monkeypatch: pytest.MonkeyPatch) -> list[httpx2.Request]:
    """Every request from now on that is no control of the sandbox."""
    requests: list[httpx2.Request] = []
    whole = httpx2.AsyncClient.send

    async def send(
        self: httpx2.AsyncClient, request: httpx2.Request, **given: Any
    ) -> httpx2.Response:
        if not request.url.path.startswith("/_"):
            requests.append(request)
        return await whole(self, request, **given)

    monkeypatch.setattr(httpx2.AsyncClient, "send", send)
    return requests
