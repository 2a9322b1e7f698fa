"""`bff sso`, and the school files it reads: with a real CAS server, a database and a cache."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bff.clock import SystemClock
from tests.contract.sso.cas_server import CasServer
from tests.contract.sso.serving import serve
from tests.servers.commands import SCHOOL_FILE, Commands
from tests.servers.fixtures import DatabaseDsn

PUBLIC = "http://127.0.0.1:8000"
TABLES = """
[[sso]]
id = "cas"
kind = "cas"
channels = ["NATIVE", "ALIPAY_MINI"]
label = {{ zh = "统一身份认证", en = "Campus sign-on" }}
server = "{url}/cas"
{more}
[sso.map]
subject = "$subject"
person_no = "employeeNumber"
name = "cn"
[sso.link]
mode = "person_no"
"""


@pytest.fixture
def cas() -> Iterator[tuple[CasServer, str]]:
    """A server that knows our address."""
    server = CasServer(services=(f"{PUBLIC}/sso/",))
    with serve(server.application()) as url:
        yield server, url


@pytest.fixture
def at(commands: Commands, redis_url: str) -> Any:
    """The command with all its settings."""

    def run(*words: object) -> Any:
        return commands.run(*words, BFF_REDIS_URL=redis_url, BFF_PUBLIC_URL=PUBLIC)

    return run


def written(folder: Path, url: str, more: str = "", name: str = "school.toml") -> Path:
    """The first sample school's file with a CAS server."""
    path = folder / name
    tables = TABLES.format(url=url, more=more)
    path.write_text(SCHOOL_FILE.read_text("utf-8") + tables, "utf-8")
    return path


def test_a_sign_on_is_linted_checked_put_in_force_and_tried(
    at: Any, cas: tuple[CasServer, str], tmp_path: Path
) -> None:
    file = written(tmp_path, cas[1])
    assert at("sso", "lint", file).stdout == f"{file} is good: sign-ons: 1\n"
    checked = at("sso", "check", file)
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert checked.stdout.splitlines()[0] == "cas"
    assert checked.stdout.splitlines()[-1] == "ok: 4, warnings: 0, failed: 0"
    added = at("school", "add", SCHOOL_FILE)
    assert added.exit_code == 0
    assert at("policy", "activate", file, "--school", 1).stdout == "Version in force: 2\n"
    assert at("policy", "show", "--school", 1).stdout == file.read_text("utf-8")
    by_code = at("sso", "check", "green-bamboo", "cas")
    assert (by_code.exit_code, by_code.stdout.splitlines()[2:]) == (
        0, checked.stdout.splitlines()[2:],
    )  # fmt: skip
    tried = at("sso", "test-login", 1, "cas")
    assert tried.exit_code == 0, tried.output
    said, url = tried.stdout.splitlines()
    assert said == "Open this in a browser within 2 minutes; it only shows what comes back:"
    assert url.startswith(f"{PUBLIC}/sso/1/cas/start/")
    assert at("sso", "reload", 1).stdout == "Version 3 is in force within 30 s\n"
    assert at("policy", "show", "--school", 1).stdout == file.read_text("utf-8")


def test_what_a_probe_finds_is_told_with_its_cure_in_both_languages_and_as_json(
    at: Any, cas: tuple[CasServer, str], tmp_path: Path
) -> None:
    server, url = cas
    server.services = ("https://another.example/",)
    file = written(tmp_path, url)
    told = at("sso", "check", file)
    assert told.exit_code == 1
    assert "✗ cas_service: " in told.stdout
    assert f"→ Ask the school to register {PUBLIC}/sso/1/cas/callback" in told.stdout
    chinese = at("--language", "zh", "sso", "check", file)
    assert f"→ 请学校登记 {PUBLIC}/sso/1/cas/callback" in chinese.stdout
    found = json.loads(at("sso", "check", file, "--json").stdout)
    assert (found["school"], found["problems"], list(found["providers"])) == (
        "green-bamboo", [], ["cas"],
    )  # fmt: skip
    (failed,) = [each for each in found["providers"]["cas"] if each["level"] == "fail"]
    assert set(failed) == {"level", "name", "detail", "fix"}
    assert set(failed["fix"]) == {"zh", "en"}


def real_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the server under test lives in real time


def test_a_warning_ends_with_2_where_it_counts(
    at: Any, cas: tuple[CasServer, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, cas[1])
    mini = tmp_path / "MP_verify_sample.txt"
    mini.write_bytes(b"sample")
    failing = at("sso", "check", file, "--web-view-file", mini)
    assert (failing.exit_code, "web_view" in failing.stdout) == (1, True)
    cas[0].root_files["MP_verify_sample.txt"] = b"sample"
    assert at("sso", "check", file, "--web-view-file", mini).exit_code == 0
    monkeypatch.setattr(SystemClock, "now", lambda _self: real_now() + timedelta(seconds=45))
    codes = at("sso", "check", file).exit_code, at("sso", "check", file, "--strict").exit_code
    assert codes == (0, 2)
    assert "! clock: The server's clock is -4" in at("sso", "check", file).stdout


def test_map_shows_what_is_kept_of_a_saved_answer(
    at: Any, cas: tuple[CasServer, str], tmp_path: Path
) -> None:
    file = written(tmp_path, cas[1])
    sample = tmp_path / "answer.xml"
    sample.write_text(
        '<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas"><cas:authenticationSuccess>'
        "<cas:user>jia</cas:user><cas:attributes><cas:employeeNumber>0042</cas:employeeNumber>"
        "<cas:cn>示例甲</cas:cn><cas:secret>dropped</cas:secret></cas:attributes>"
        "</cas:authenticationSuccess></cas:serviceResponse>",
        "utf-8",
    )
    mapped = json.loads(at("sso", "map", file, "cas", "--sample", sample, "--json").stdout)
    assert mapped["error"] is None
    assert mapped["released"]["secret"] == ["dropped"]
    assert mapped["identity"] == {
        "issuer": f"{cas[1]}/cas", "subject": "jia", "person_no": "0042", "name": "示例甲"
    }  # fmt: skip
    words = at("sso", "map", file, "cas", "--sample", sample).stdout
    assert "  person_no = 0042\n" in words
    sample.write_text("not an answer", "utf-8")
    broken = at("sso", "map", file, "cas", "--sample", sample)
    assert (broken.exit_code, "The map failed: " in broken.stdout) == (1, True)
    unknown = at("sso", "map", file, "nowhere", "--sample", sample)
    assert (unknown.exit_code, unknown.stderr) == (
        2, "There is no sign-on nowhere; known: cas\n",
    )  # fmt: skip


def test_a_faulty_file_is_neither_added_nor_put_in_force_unless_forced(
    at: Any, cas: tuple[CasServer, str], tmp_path: Path
) -> None:
    faulty = written(tmp_path, cas[1], "versoin = 3")
    line = faulty.read_text("utf-8").splitlines().index("versoin = 3") + 1
    for words in (("policy", "check", faulty), ("school", "add", faulty), ("sso", "lint", faulty)):
        refused = at(*words)
        assert refused.exit_code == 1
        assert refused.stderr.startswith(f"{faulty}:{line}: sso.0.versoin: Unknown key")
    assert "green-bamboo" not in at("school", "list").stdout
    at("school", "add", SCHOOL_FILE)
    assert at("policy", "activate", faulty, "--school", 1).exit_code == 1
    assert at("policy", "show", "--school", 1).stdout == SCHOOL_FILE.read_text("utf-8")
    forced = at("policy", "activate", faulty, "--school", 1, "--force")
    assert forced.stdout == "Version in force: 2\n"
    told = at("sso", "check", 1)
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (1, "ok: 0, warnings: 0, failed: 1")
    assert "✗ sso.0.versoin: Unknown key" in told.stdout


LDAP = """
[[sso]]
id = "directory"
kind = "ldap"
channels = ["NATIVE"]
label = {{ zh = "统一身份认证", en = "Campus sign-on" }}
url = "ldaps://ldap.school.example"
base = "dc=school"
bind_dn = "cn=card"
bind_password = "${{file:{secret}}}"
consent = "campus-password"
map = {{ subject = "uid" }}
"""
CONSENT = """
[[consent]]
document = "campus-password"
version = 1
title_zh = "校园密码授权"
title_en = "Passing your campus password on"
url = "https://school.example/password"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"""


def test_a_directory_needs_the_document_by_which_passwords_pass_through_us(
    at: Any, tmp_path: Path
) -> None:
    secret, file = tmp_path / "secret", tmp_path / "school.toml"
    secret.write_text("a service password", "utf-8")
    text = SCHOOL_FILE.read_text("utf-8") + LDAP.format(secret=secret)
    file.write_text(text, "utf-8")
    refused = at("sso", "lint", file)
    assert refused.exit_code == 1
    assert "sso.0.consent: There is no [[consent]] of this document\n" in refused.stderr
    file.write_text(text + CONSENT, "utf-8")
    assert at("sso", "lint", file).stdout == f"{file} is good: sign-ons: 1\n"


def test_rekey_needed_when_the_subject_rule_of_bound_people_changes(
    at: Any, cas: tuple[CasServer, str], tmp_path: Path
) -> None:
    file = written(tmp_path, cas[1])
    at("school", "add", file)
    newer = tmp_path / "newer.toml"
    text = file.read_text("utf-8").replace('subject = "$subject"', 'subject = "mail"')
    newer.write_text(text, "utf-8")
    assert at("sso", "lint", newer).exit_code == 0
    for words in (("sso", "lint", newer), ("policy", "activate", newer)):
        refused = at(*words, "--school", 1)
        assert (refused.exit_code, "sso.0.map.subject: " in refused.stderr) == (1, True)
        assert "rekey first" in refused.stderr
    assert at("policy", "show", "--school", 1).stdout == file.read_text("utf-8")


def test_check_needs_neither_database_nor_cache_for_a_file(
    commands: Commands, cas: tuple[CasServer, str], tmp_path: Path, database_dsn: DatabaseDsn
) -> None:
    file = written(tmp_path, cas[1])
    bare = {"BFF_DATABASE_URL": "", "BFF_KEYS_FILE": "", "BFF_PUBLIC_URL": PUBLIC}
    assert commands.run("sso", "check", file, **bare).exit_code == 0
    missing = commands.run("sso", "check", file, "nowhere", **bare)
    assert (missing.exit_code, missing.stderr) == (
        2, "There is no sign-on nowhere; known: cas\n",
    )  # fmt: skip
    gone = commands.run("sso", "check", tmp_path / "gone.toml", **bare)
    assert (gone.exit_code, gone.stderr) == (
        2, f"Cannot use {tmp_path / 'gone.toml'}: No such file or directory\n",
    )  # fmt: skip
    untried = commands.run("sso", "test-login", 1, "cas")
    assert (untried.exit_code, "BFF_REDIS_URL: missing" in untried.stderr) == (2, True)
