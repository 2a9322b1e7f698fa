"""The page that an error's `docs` names."""

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bff.error_page import error_page_routes
from schema.catalogue import ERRORS, REFUSALS
from terminals.response import RESPONSES
from tests.api.house import House


@pytest.fixture(name="client")
def client_() -> TestClient:
    return TestClient(Starlette(routes=error_page_routes()))


async def test_docs_of_an_error_lead_to_its_row(client: TestClient) -> None:
    answer = (await House().ask("{ nothing }")).json()
    place, _, anchor = answer["errors"][0]["extensions"]["docs"].partition("#")
    page = client.get(place)
    assert page.status_code == 200
    assert f'<tr id="{anchor}">' in page.text


def test_every_code_has_a_row(client: TestClient) -> None:
    rows = re.findall(r'<tr id="([^"]+)">', client.get("/docs/errors").text)
    anchors = [
        *(code.lower() for code in ERRORS),
        *(f"refusal-{code.lower()}" for code in REFUSALS),
        *(f"response-{each.code.lower()}" for each in RESPONSES),
    ]
    assert sorted(rows) == sorted(anchors)
    assert len(set(anchors)) == len(anchors)


@pytest.mark.parametrize(("asked", "said"), [
    ("en-GB,en", "You may not do this."), ("zh-CN", "没有权限。"), ("fr", "没有权限。"),
])  # fmt: skip
def test_page_speaks_the_language_asked_for(client: TestClient, asked: str, said: str) -> None:
    assert said in client.get("/docs/errors", headers={"accept-language": asked}).text


def test_page_loads_nothing(client: TestClient) -> None:
    page = client.get("/docs/errors")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert not re.search(r"(?:src|href)=", page.text)
