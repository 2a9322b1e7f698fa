"""What every test stands on: how hard Hypothesis tries here and on the build machine."""

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
