"""GraphiQL: a developer's page that needs no internet."""

import re

import pytest
from graphql import get_introspection_query
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bff.graphiql import graphiql_routes
from tests.api.house import House


@pytest.fixture(name="client")
def client_() -> TestClient:
    return TestClient(Starlette(routes=graphiql_routes()))


def test_page_loads_only_files_of_ours(client: TestClient) -> None:
    page = client.get("/graphiql")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 6
    for link in links:
        assert link.startswith("/graphiql/files/")
        assert client.get(link).status_code == 200


@pytest.mark.parametrize("package", ["graphiql", "react", "react-dom"])
def test_vendored_package_keeps_its_licence(client: TestClient, package: str) -> None:
    licence = client.get(f"/graphiql/files/vendor/{package}/LICENSE")
    assert "MIT License" in licence.text


async def test_introspection_of_the_page_is_answered_in_development_only() -> None:
    query = get_introspection_query()
    answer = await House().ask(query)
    assert answer.json()["data"]["__schema"]["queryType"]["name"] == "Query"
    assert (await House(production=True).ask(query)).reasons() == ["DOCUMENT_NOT_TRUSTED"]
