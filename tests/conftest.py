"""What every test stands on: how hard Hypothesis tries, and what a test that hangs tells."""

import asyncio
import gc
import io
from collections.abc import Generator

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.servers.fixtures",
    "tests.factories.registry",
    "tests.factories.canteen",
    "tests.factories.gates",
    "tests.factories.offline",
    "tests.api.campus",
    "tests.api.claims",
    "tests.api.counter",
    "tests.api.edges",
    "tests.api.quarter",
    "tests.contract.sandbox",
    "tests.contract.tencent",
    "tests.api.notified",
]

# Hypothesis loads "ci" by itself where the environment says CI.
settings.register_profile("ci", max_examples=200, derandomize=True, deadline=None, database=None)
settings.register_profile("dev", max_examples=50, deadline=None)
if settings.get_current_profile_name() != "ci":
    settings.load_profile("dev")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Says of a test that took too long what each task was waiting for: threads do not tell it."""
    report = yield
    if call.excinfo is not None and "from pytest-timeout" in str(call.excinfo.value):
        report.sections.append(("Tasks", _waiting()))
    return report


def _waiting() -> str:
    told = io.StringIO()
    for each in gc.get_objects():
        if isinstance(each, asyncio.Task) and not each.done():
            each.print_stack(file=told)
    return told.getvalue()
