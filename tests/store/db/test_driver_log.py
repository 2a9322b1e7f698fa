"""What the driver's pool logs of its own accord."""

import logging

import pytest

import core.db.connection  # noqa: F401 - quietens the pool


def test_no_stack_of_the_drivers_pool_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ConnectionError("a text that may hold anything")
    except ConnectionError:
        logging.getLogger("asyncpg.pool").warning("Failed to restore", exc_info=True)
    assert "Failed to restore" in caplog.text
    assert "anything" not in caplog.text
