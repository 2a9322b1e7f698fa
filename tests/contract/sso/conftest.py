"""The OpenID provider that several files of tests share."""

from collections.abc import Iterator

import pytest

from tests.contract.sso.oidc_server import OidcServer
from tests.contract.sso.serving import serve


@pytest.fixture(scope="module")
def running_op() -> Iterator[OidcServer]:
    """The provider."""
    server = OidcServer()
    with serve(server.application()) as server.url:
        yield server


@pytest.fixture
def op(running_op: OidcServer) -> OidcServer:
    """The provider, honest again."""
    running_op.mend()
    return running_op
