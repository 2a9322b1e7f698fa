"""Each import contract breaks, alone, when its kind of forbidden import is planted in a copy."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import ROOMS, ROOT, plant

CONTEXT = {"core/card/__init__.py": "", "core/card/records.py": "", "core/card/pin.py": ""}
STORE = {"core/school/__init__.py": "", "core/school/store.py": ""}

PLANTS: dict[str, tuple[str, dict[str, str]]] = {
    "core imports a room above": ("rooms", {"core/kit/a.py": "import bff"}),
    "terminals import their sibling": ("rooms", {"terminals/a.py": "import adapters"}),
    "schema imports the room above": ("rooms", {"schema/a.py": "import bff"}),
    "schema imports a client": ("rooms", {"schema/a.py": "import clients"}),
    "the product imports a benchmark": ("rooms", {"bff/a.py": "import bench"}),
    "schema imports an adapter": ("schema-adapters", {"schema/a.py": "import adapters"}),
    "an adapter imports the database": ("adapters-core", {"adapters/http.py": "import core.db"}),
    "an adapter imports a context": (
        "adapters-core",
        {**CONTEXT, "adapters/http.py": "import core.card.records"},
    ),
    "a client imports the core": ("clients", {"clients/a.py": "from core.kit import money"}),
    "a verifier imports the terminals": (
        "verifiers",
        {"clients/verifiers/python/a.py": "from terminals import keys"},
    ),
    "a room imports a test": ("tests", {"bff/a.py": "from tests.architecture import tree"}),
    "the core imports a web framework": ("frameworks", {"core/kit/a.py": "import starlette"}),
    "the core imports GraphQL": ("frameworks", {"core/kit/a.py": "import strawberry"}),
    "the core imports HTTP": ("frameworks", {"core/db/a.py": "from httpx2 import AsyncClient"}),
    "terminals import Redis": ("frameworks", {"terminals/a.py": "import redis.asyncio"}),
    "terminals import a vendor": ("frameworks", {"terminals/a.py": "import wechatpy"}),
    "a rule imports the ORM": ("database", {**CONTEXT, "core/card/pin.py": "import tortoise"}),
    "bff imports the driver": ("database", {"bff/a.py": "import asyncpg"}),
    "a context imports a higher one": (
        "contexts",
        {
            **CONTEXT,
            "core/school/__init__.py": "",
            "core/school/records.py": "import core.card.pin",
        },
    ),
    "a context without a place": ("contexts", {"core/gossip/__init__.py": ""}),
    "records import a rule": (
        "file-order",
        {**CONTEXT, "core/card/records.py": "import core.card.pin"},
    ),
    "a rule imports the store": (
        "file-order",
        {**CONTEXT, "core/card/store.py": "", "core/card/pin.py": "import core.card.store"},
    ),
    "a store imports the service": (
        "file-order",
        {**CONTEXT, "core/card/service.py": "", "core/card/store.py": "import core.card.service"},
    ),
    "a higher context opens a store": (
        "private-store",
        {**CONTEXT, **STORE, "core/card/service.py": "from core.school import store"},
    ),
    "bff opens a store": ("private-store", {**STORE, "bff/a.py": "import core.school.store"}),
    "a context leaks its own store": (
        "private-store",
        {**STORE, "core/school/__init__.py": "import core.school.store"},
    ),
    "one vendor imports another": (
        "vendors",
        {
            "adapters/alipay/__init__.py": "",
            "adapters/wechat/__init__.py": "import adapters.alipay",
        },
    ),
    "a pretend provider signs with our code": (
        "sandbox",
        {"adapters/sandbox/a.py": "import adapters.http"},
    ),
    "a pretend provider reads our clock": ("sandbox", {"adapters/sandbox/a.py": "import core.kit"}),
    "a pretend provider uses the real one's library": (
        "sandbox-libraries",
        {"adapters/sandbox/a.py": "import wechatpy"},
    ),
    "two files import each other": (
        "cycles",
        {"bff/a.py": "import bff.b", "bff/b.py": "import bff.a"},
    ),
}

PERMITTED = {
    "core/card/__init__.py": "",
    "core/card/records.py": "import core.kit",
    "core/card/pin.py": "import core.card.records, core.card.lifecycle",
    "core/card/lifecycle.py": "import core.school.records",
    "core/card/store.py": "import tortoise.models, core.db, core.card.pin",
    "core/card/service.py": "import core.card.store, core.school.service, core.ports",
    "core/school/__init__.py": "",
    "core/school/records.py": "",
    "core/school/service.py": "",
    "core/db/lanes.py": "import asyncpg",
    "adapters/alipay/__init__.py": "import adapters.http, core.ports, alipay",
    "adapters/http.py": "import httpx2",
    "schema/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import schema.b",
    "schema/b.py": "import schema.a, core.card.service, terminals",
    "clients/a.py": "import terminals, httpx2",
    "bff/a.py": "import schema, adapters.alipay, core.card.service, redis",
}


def broken_contracts(root: Path) -> set[str]:
    """The ids of the contracts that break in the tree at `root`."""
    names = {
        contract["name"]: contract["id"]
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"][
            "importlinter"
        ]["contracts"]
    }
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    run = subprocess.run(
        command, cwd=root, env={"COLUMNS": "200"}, capture_output=True, text=True, check=False
    )
    assert "Contracts: " in run.stdout, run.stdout + run.stderr
    return {names[name] for name in re.findall(r"^(.+) BROKEN$", run.stdout, re.MULTILINE)}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rooms as they are, somewhere a violation may be planted."""
    root = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", root)
    for folder in (*ROOMS, "bench", "tests/architecture"):
        shutil.copytree(
            ROOT / folder,
            root / folder,
            ignore=shutil.ignore_patterns("__pycache__", "node_modules", "vendor"),
        )
    return root


@pytest.fixture(scope="module")
def broken_already(copy: Path) -> set[str]:
    """What breaks without a plant, so that one real breach fails one test and not all."""
    return broken_contracts(copy)


def test_no_contract_breaks_in_the_tree_as_it_is(broken_already: set[str]) -> None:
    assert broken_already == set()


def planted_copy(copy: Path, root: Path, files: dict[str, str]) -> Path:
    """A copy of the tree with `files` in it, which replace the contexts and vendors they name.

    Each plant stands alone: a real context would bring its own imports along.
    """
    shutil.copytree(copy, root)
    folders = {tuple(name.split("/")[:2]) for name in files if name.endswith("/__init__.py")}
    for room, name in folders:
        shutil.rmtree(root / room / name, ignore_errors=True)
    return plant(root, files)


@pytest.mark.parametrize(("contract", "files"), PLANTS.values(), ids=PLANTS.keys())
def test_planted_import_breaks_exactly_its_contract(
    tmp_path: Path, copy: Path, broken_already: set[str], contract: str, files: dict[str, str]
) -> None:
    broken = broken_contracts(planted_copy(copy, tmp_path / "tree", files))
    assert broken == broken_already | {contract}


def test_imports_that_fall_break_nothing(
    tmp_path: Path, copy: Path, broken_already: set[str]
) -> None:
    broken = broken_contracts(planted_copy(copy, tmp_path / "tree", PERMITTED))
    assert broken == broken_already


def test_every_contract_has_a_plant() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    assert {contract["id"] for contract in options["contracts"]} == {
        contract for contract, _ in PLANTS.values()
    }
