"""Secrets of the process (security.md 10): bad keys stop the start, and nothing prints them."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bff.keys import Keys, KeysInvalid, create_keys, load_keys
from bff.settings import Environment, SettingsInvalid, load_settings
from core.kit.clock import unix_seconds
from terminals.keys import KeyUse
from tests.factories.chance import NOON, counted_entropy

PRODUCTION, DEVELOPMENT = Environment.PRODUCTION, Environment.DEVELOPMENT
SECRET = "sample-database-word"


def made(folder: Path, made_for: Environment = PRODUCTION) -> Path:
    path = folder / "keys.json"
    create_keys(path, made_for, counted_entropy("keys"), NOON)
    return path


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def test_created_keys_are_fit_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    path = made(tmp_path)
    keys = load_keys(path, PRODUCTION, NOON)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [(s.kid, s.use) for s in keys.signing] == [(1, "PASS"), (2, "ANSWER"), (3, "DOCUMENT")]


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    before = made(tmp_path).read_bytes()
    with pytest.raises(FileExistsError):
        made(tmp_path)
    assert (tmp_path / "keys.json").read_bytes() == before


@pytest.mark.parametrize(("change", "problem"), [
    (lambda d: d.update(blind_index=""), "blind_index: 0 bytes instead of 32"),
    (lambda d: d["data"].update({"2": "ab" * 31}), "data.2: 31 bytes instead of 32"),
    (lambda d: d["pepper"].update({"1": "66" * 32}), "pepper.1: a test key; make a new one"),
    (lambda d: d["totp"].update({"1": "01234567" * 8}), "totp.1: a test key; make a new one"),
    (lambda d: d.update(pin_block=bytes(range(32)).hex()), "pin_block: a test key; make a new one"),
    (lambda d: d["audit"].update({"1": d["data"]["1"]}), "audit.1: the same key has another use"),
    (lambda d: d["audit"].update({"0": d["totp"].pop("1")}), "totp: "),
    (lambda d: d["data"].update({"0": "00" * 32}), "data: key ids begin at 1"),
    (lambda d: d.pop("audit"), "audit: Field required"),
    (lambda d: d.update(extra="x"), "extra: Extra inputs are not permitted"),
    (lambda d: d.update(blind_index="zz"), "blind_index: "),
    (lambda d: d.update(blind_index=7), "blind_index: "),
    (lambda d: d["signing"][1].update(kid=1), "signing: a key id occurs twice"),
    (lambda d: d.update(roots={"1": "00" * 32}), "roots.1: not an Ed25519 public key"),
    (lambda d: d.update(roots={"0": "00" * 32}), "roots."),
    (lambda d: d["signing"].pop(2), "signing: no DOCUMENT key signs now; run bff keys next"),
])  # fmt: skip
def test_boot_refuses_bad_keys(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    path = changed(made(tmp_path), change)
    with pytest.raises(KeysInvalid) as refusal:
        load_keys(path, PRODUCTION, NOON)
    assert any(told.startswith(problem) for told in refusal.value.problems), refusal.value.problems


def test_boot_refuses_keys_of_development_in_production(tmp_path: Path) -> None:
    path = made(tmp_path, DEVELOPMENT)
    with pytest.raises(KeysInvalid, match="keys of development in production"):
        load_keys(path, PRODUCTION, NOON)
    assert load_keys(path, DEVELOPMENT, NOON).made_for is DEVELOPMENT


def test_boot_refuses_a_file_that_others_may_read(tmp_path: Path) -> None:
    path = made(tmp_path)
    path.chmod(0o640)
    with pytest.raises(KeysInvalid, match="chmod 600"):
        load_keys(path, PRODUCTION, NOON)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{"])
def test_boot_refuses_a_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = made(tmp_path)
    path.write_bytes(content)
    with pytest.raises(KeysInvalid):
        load_keys(path, PRODUCTION, NOON)


def test_boot_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(KeysInvalid, match="No such file"):
        load_keys(tmp_path / "keys.json", PRODUCTION, NOON)


def test_signing_key_runs_out_and_the_newest_signs(tmp_path: Path) -> None:
    path = made(tmp_path)
    first = load_keys(path, PRODUCTION, NOON).signing_seed(KeyUse.PASS, NOON)
    later = NOON + timedelta(days=90)

    def add_next(document: dict[str, Any]) -> None:
        following = {**document["signing"][0], "kid": 9}
        following["seed"] = counted_entropy("next")(32).hex()
        following["sign_from"] = unix_seconds(later)
        following["sign_until"] = following["drop_after"] = unix_seconds(later) + 9_000_000
        document["signing"].append(following)

    keys = load_keys(changed(path, add_next), PRODUCTION, NOON)
    assert keys.signing_seed(KeyUse.PASS, NOON) == first
    assert keys.signing_seed(KeyUse.PASS, later).kid == 9
    with pytest.raises(KeysInvalid, match="no ANSWER key signs now"):
        keys.signing_seed(KeyUse.ANSWER, NOON + timedelta(days=101))


def test_each_school_has_keys_of_its_own(tmp_path: Path) -> None:
    keys = load_keys(made(tmp_path), PRODUCTION, NOON)
    seeds = {seed.for_issuer(issuer) for seed in keys.signing for issuer in (1, 2)}
    assert len(seeds) == 6
    assert keys.totp_key(1, 1) != keys.totp_key(2, 1)
    lines = keys.public_keys(1)
    assert [(line.issuer, line.kid, line.use) for line in lines] == [
        (1, 1, "PASS"), (1, 2, "ANSWER"), (1, 3, "DOCUMENT"),
    ]  # fmt: skip
    assert lines[0].public_key != keys.public_keys(2)[0].public_key


def secrets_of(keys: Keys) -> list[str]:
    rings = [*keys.data.values(), *keys.pepper.values(), *keys.audit.values(), keys.pin_block]
    return [secret.hex() for secret in (*rings, keys.blind_index, keys.signing[0].seed)]


def test_keys_have_no_printed_form(tmp_path: Path) -> None:
    keys = load_keys(made(tmp_path), PRODUCTION, NOON)
    printed = f"{keys!r} {keys} {keys.signing!r}"
    assert printed == "Keys()  (Seed(), Seed(), Seed())"
    assert not any(secret in printed for secret in secrets_of(keys))


def test_settings_repr_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_DATABASE_URL", f"postgresql://app:{SECRET}@db/campus")
    monkeypatch.setenv("BFF_REDIS_URL", f"redis://:{SECRET}@cache/0")
    settings = load_settings()
    for printed in (repr(settings), str(settings), settings.model_dump_json()):
        assert SECRET not in printed
        assert "**********" in printed
    assert settings.needed("database_url") == [f"postgresql://app:{SECRET}@db/campus"]


@pytest.mark.parametrize(("name", "value"), [
    ("BFF_PORT", SECRET), ("BFF_PORT", "0"), ("BFF_ENVIRONMENT", SECRET),
])  # fmt: skip
def test_wrong_settings_stop_the_start_and_are_not_printed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid) as refusal:
        load_settings()
    assert refusal.value.problems[0].startswith(f"{name}: ")
    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_missing_settings_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BFF_DATABASE_URL", raising=False)
    monkeypatch.delenv("BFF_KEYS_FILE", raising=False)
    with pytest.raises(SettingsInvalid) as refusal:
        load_settings().needed("database_url", "keys_file")
    assert refusal.value.problems == ["BFF_DATABASE_URL: missing", "BFF_KEYS_FILE: missing"]


def test_a_process_that_does_not_say_is_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BFF_ENVIRONMENT", raising=False)
    assert load_settings().environment is PRODUCTION
