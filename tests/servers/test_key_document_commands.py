"""A key document's way by hand: drafted, signed away from the servers, published."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bff.key_documents import load_root, read_documents, write_documents
from tests.servers.commands import SCHOOL_FILE, Commands


@pytest.fixture
def root(commands: Commands, tmp_path: Path) -> Path:
    """A root's file; the key file names it, and there is one school."""
    commands.told("school", "add", SCHOOL_FILE)
    return made_root(commands, tmp_path, 1)


@pytest.fixture
def drafts(tmp_path: Path) -> Path:
    return tmp_path / "drafts.json"


def made_root(commands: Commands, folder: Path, kid: int, *, named: bool = True) -> Path:
    file = folder / f"root-{kid}.json"
    told = commands.told("keys", "root", file, "--kid", kid)
    name, public_key = json.loads("{" + told.splitlines()[-1] + "}").popitem()
    assert (name, public_key) == (str(kid), load_root(file).public_key.hex())
    if named:
        change_keys(folder, lambda keys: keys.setdefault("roots", {}).update({name: public_key}))
    return file


def change_keys(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "keys.json"
    keys = json.loads(path.read_text("utf-8"))
    change(keys)
    path.write_text(json.dumps(keys), "utf-8")


def test_drafts_are_signed_and_published_once(commands: Commands, root: Path, drafts: Path) -> None:
    assert commands.told("keys", "draft", drafts).startswith(f"1 to sign in {drafts}")
    signed = commands.told("keys", "sign", drafts, "--root", root)
    assert signed.startswith('School 1, version 1: {"keys":[{"issuer":1,"kid":1,"use":"PASS",')
    assert commands.told("keys", "publish", drafts) == "Published 1\n"
    again = commands.run("keys", "publish", drafts)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "DOCUMENT_INVALID" in again.stderr
    assert "VERSION_OLD" in again.stderr
    assert commands.told("keys", "draft", drafts).startswith("0 to sign")


def test_withdrawn_key_makes_the_next_version(
    commands: Commands, root: Path, drafts: Path, tmp_path: Path
) -> None:
    for version in (1, 2):
        commands.told("keys", "draft", drafts)
        commands.told("keys", "sign", drafts, "--root", root)
        assert [each.version for each in read_documents(drafts)] == [version]
        commands.told("keys", "publish", drafts)
        change_keys(tmp_path, lambda keys: keys["signing"][0].update(kid=9))


@pytest.mark.parametrize("reason", ["KEY_UNKNOWN", "SIGNATURE", "KEYS_DIFFER", "MALFORMED"])
def test_what_terminals_would_not_take_is_not_published(
    commands: Commands, root: Path, drafts: Path, tmp_path: Path, reason: str
) -> None:
    commands.told("keys", "draft", drafts)
    if reason != "KEY_UNKNOWN":  # a draft that nobody signed names no root
        commands.told("keys", "sign", drafts, "--root", root)
    if reason == "SIGNATURE":
        other = load_root(made_root(commands, tmp_path, 2, named=False))
        forged = other.model_copy(update={"kid": 1})
        write_documents(drafts, [forged.sign(each) for each in read_documents(drafts)])
    if reason == "KEYS_DIFFER":
        change_keys(tmp_path, lambda keys: keys["signing"][0].update(kid=9))
    if reason == "MALFORMED":
        drafts.write_text("{}", "utf-8")
    refused = commands.run("keys", "publish", drafts)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"DOCUMENT_INVALID: Terminals would not take this signed document ({reason});"
        " nothing was published.\n"
    )
    assert commands.told("keys", "draft", drafts).startswith("1 to sign")


def test_root_key_is_its_owners_alone_and_never_overwritten(
    commands: Commands, root: Path, drafts: Path
) -> None:
    before = root.read_bytes()
    assert commands.run("keys", "root", root, "--kid", 1).exit_code == 2
    assert root.read_bytes() == before
    assert root.stat().st_mode & 0o777 == 0o600
    commands.told("keys", "draft", drafts)
    root.chmod(0o640)
    drafted = drafts.read_bytes()
    refused = commands.run("keys", "sign", drafts, "--root", root)
    assert (refused.exit_code, drafts.read_bytes()) == (2, drafted)
    assert "chmod 600" in refused.stderr


def test_new_root_needs_both_custodians(
    commands: Commands, root: Path, drafts: Path, tmp_path: Path
) -> None:
    commands.told("keys", "draft", drafts)
    no_list = commands.run("keys", "endorse", drafts, "--root", root)
    assert (no_list.exit_code, "NO_ROOTS" in no_list.stderr) == (1, True)
    commands.told("keys", "sign", drafts, "--root", root)
    commands.told("keys", "publish", drafts)
    second, file = made_root(commands, tmp_path, 2, named=False), tmp_path / "keys.json"
    named = ("--kid", 2, "--public-key", load_root(second).public_key.hex())
    told = commands.told("keys", "next-root", file, *named)
    assert told == (
        "Roots: 1, 2. Now bff keys draft; endorse with root 2; sign with root 1; publish; restart\n"
    )
    commands.told("keys", "draft", drafts)
    commands.told("keys", "sign", drafts, "--root", root)
    alone = commands.run("keys", "publish", drafts)
    assert (alone.exit_code, "(ROOTS)" in alone.stderr) == (1, True)
    endorsed = commands.told("keys", "endorse", drafts, "--root", second)
    assert '"roots":{"since":2,"keys":[{"kid":1,"publicKey":' in endorsed
    commands.told("keys", "sign", drafts, "--root", root)
    assert commands.told("keys", "publish", drafts) == "Published 1\n"
    assert commands.told("keys", "draft", drafts).startswith("0 to sign")


@pytest.mark.parametrize(("words", "why"), [
    (("--kid", 1), "There was a root 1 before"),
    (("--kid", 2, "--leaving", 1), "One root has to stay"),
    (("--kid", 2, "--leaving", 7), "There is no root 7"),
    (("--kid", 2, "--public-key", "00" * 32), "This is no Ed25519 public key"),
    (("--kid", 2, "--public-key", "no hex"), "This is no Ed25519 public key"),
])  # fmt: skip
def test_root_that_cannot_follow_is_not_named(
    commands: Commands, root: Path, tmp_path: Path, words: tuple[object, ...], why: str
) -> None:
    file = tmp_path / "keys.json"
    before = file.read_bytes()
    public_key = load_root(root).public_key.hex()
    given = words if "--public-key" in words else (*words, "--public-key", public_key)
    refused = commands.run("keys", "next-root", file, *given)
    assert refused.exit_code == 1
    assert why in refused.stderr
    assert file.read_bytes() == before
