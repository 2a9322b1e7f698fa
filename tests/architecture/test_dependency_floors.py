"""Locks are safe to install: above known advisories, hashed, of no host, and up to date."""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.architecture.tree import ROOT, plant

# The table of the security design, reviewed monthly by a person with internet.
FLOORS = {
    "authlib": "1.9.8",  # PYSEC-2026-4358, CVE-2026-96760 (unsigned JWS)
    "joserfc": "1.6.8",  # CVE-2026-49852
    "starlette": "0.49.1",  # CVE-2025-62727
    "strawberry-graphql": "0.327.2",  # CVE-2026-107727, -47707, -35523, -35526
    "tortoise-orm": "0.16.6",  # CVE-2020-11010
    "wechatpy": "2.0.0a26",  # plain pip picks the dead 1.x
}
BANNED = {
    "aioredis": "cannot be imported on Python 3.11; redis-py took it in",
    "alipay-sdk-python": "overwrites the package `alipay`",
    "httpx": "never beside httpx2",
}
LOCKED_EXTRAS = {"demo.txt": ("embedded",), "dev.txt": ("embedded", "saml", "ldap", "test")}
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[([\w,.-]+)\])?==([^\s;\\]+)")


def pins_of(lock: Path) -> dict[str, str]:
    """The versions that a lock holds, by lower-case name."""
    pins = map(_PIN.match, lock.read_text("utf-8").splitlines())
    return {pin[1].lower(): pin[3] for pin in pins if pin}


def unpinned_extras(lock: Path, installed: Iterable[Distribution]) -> list[str]:
    """Extras that an installed, locked package asks for and the lock does not pin.

    pip looks for `name[extra]` apart from `name`, and refuses what a newer release then offers it.
    """
    pins = map(_PIN.match, lock.read_text("utf-8").splitlines())
    extras = {pin[1].lower(): set((pin[2] or "").split(",")) for pin in pins if pin}
    found = []
    for one in installed:
        for text in one.requires or () if one.name.lower() in extras else ():
            asked = Requirement(text)
            if asked.marker is None or asked.marker.evaluate({"extra": ""}):
                missing = asked.extras - extras.get(asked.name.lower(), set())
                found += [f"{one.name}: {asked.name}[{extra}]" for extra in sorted(missing)]
    return found


def unsafe_pins(root: Path) -> list[str]:
    """Locked versions below their floor, banned packages, and floors without any pin."""
    found = []
    for lock in sorted((root / "requirements").glob("*.txt")):
        pins = pins_of(lock)
        found += [f"{lock.name}: {name}: {BANNED[name]}" for name in sorted(BANNED.keys() & pins)]
        for name, floor in FLOORS.items():
            if name not in pins:
                found.append(f"{lock.name}: {name} is not locked")
            elif Version(pins[name]) < Version(floor):
                found.append(f"{lock.name}: {name} {pins[name]} is below {floor}")
    return found


def stale_pins(root: Path) -> list[str]:
    """Requirements of pyproject.toml that a lock does not meet: `make lock` was forgotten."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    found = []
    for name, extras in LOCKED_EXTRAS.items():
        pins = pins_of(root / "requirements" / name)
        wanted = [*project["dependencies"]]
        for extra in extras:
            wanted += project["optional-dependencies"][extra]
        for requirement in map(Requirement, wanted):
            version = pins.get(requirement.name.lower())
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                found.append(f"{name}: {requirement} is not met by {version}")
    return found


def unsafe_lines(root: Path) -> list[str]:
    """Lines of a lock that name a host or a path, and pins without a hash."""
    found = []
    for lock in sorted((root / "requirements").glob("*.txt")):
        lines = lock.read_text("utf-8").splitlines()
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            if re.search(r"://|^\s*-|(^|[\s=@\"'])/", line) and not re.match(r"^ +--hash=", line):
                found.append(f"{lock.name}: {line.strip()}")
            if _PIN.match(line) and "--hash=sha256:" not in following:
                found.append(f"{lock.name}: {line.split('==')[0]} has no hash")
    return found


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """One lock with every kind of fault."""
    safe = [f"{name}=={floor} \\\n    --hash=sha256:00\n" for name, floor in FLOORS.items()]
    faults = (
        "--find-links /srv/wheels\n"
        "httpx==0.28 \\\n    --hash=sha256:00\n"
        "rich @ https://example.org/rich.whl\n"
        "segno==1.6\n"
    )
    unsafe = safe[1:-1]  # no authlib, no wechatpy
    unsafe[1] = "starlette==0.49.0 \\\n    --hash=sha256:00\n"
    return plant(
        tmp_path,
        {"requirements/good.txt": "".join(safe), "requirements/bad.txt": "".join(unsafe) + faults},
    )


def test_locks_keep_the_floors() -> None:
    assert unsafe_pins(ROOT) == []


def test_low_missing_and_banned_pins_are_named(planted: Path) -> None:
    assert unsafe_pins(planted) == [
        "bad.txt: httpx: never beside httpx2",
        "bad.txt: authlib is not locked",
        "bad.txt: starlette 0.49.0 is below 0.49.1",
        "bad.txt: wechatpy is not locked",
    ]


def test_locks_name_no_host_and_carry_hashes() -> None:
    assert unsafe_lines(ROOT) == []


def test_hosts_paths_and_missing_hashes_are_named(planted: Path) -> None:
    assert unsafe_lines(planted) == [
        "bad.txt: --find-links /srv/wheels",
        "bad.txt: rich @ https://example.org/rich.whl",
        "bad.txt: segno has no hash",
    ]


@pytest.mark.parametrize("lock", ["demo.txt", "dev.txt"])
def test_extras_are_pinned_too(lock: str) -> None:
    assert unpinned_extras(ROOT / "requirements" / lock, distributions()) == []


def test_unpinned_extras_are_named(tmp_path: Path) -> None:
    lock = tmp_path / "dev.txt"
    lock.write_text("coverage==7.17.3\npytest-cov==7.1.0\n", "utf-8")
    installed = [distribution("pytest-cov")]
    assert unpinned_extras(lock, installed) == ["pytest-cov: coverage[toml]"]


def test_locks_meet_the_requirements() -> None:
    assert stale_pins(ROOT) == []


def test_forgotten_requirements_are_named(tmp_path: Path) -> None:
    project = """
        [project]
        dependencies = ["redis>=8", "uvloop; sys_platform != 'win32'"]
        [project.optional-dependencies]
        embedded = ["segno>=1.6"]
        saml = []
        ldap = []
        test = ["ruff>=1"]
    """
    lock = "redis==7.0\nuvloop==1 ; sys_platform != 'win32'\nsegno==1.6.1\n"
    files = {"requirements/demo.txt": lock, "requirements/dev.txt": lock.replace("7.0", "8.0a1")}
    assert stale_pins(plant(tmp_path, {"pyproject.toml": project, **files})) == [
        "demo.txt: redis>=8 is not met by 7.0",
        "dev.txt: redis>=8 is not met by 8.0a1",
        "dev.txt: ruff>=1 is not met by None",
    ]
