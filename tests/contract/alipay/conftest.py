"""Each test has an app in both modes, and leaves nothing that a strict Alipay would not take."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.alipay.stand import MODES, Stand
from tests.contract.sandbox import Sandbox


@pytest.fixture(params=MODES)
async def stand(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[Stand]:
    """The customer's app in key mode, then in certificate mode."""
    before = await sandbox.failures()
    standing = Stand(sandbox, await sandbox.credentials("alipay"), request.param)
    yield standing
    for each in standing.opened:
        await each.close()
    await sandbox.mend()
    assert (await sandbox.failures())[len(before) :] == []
