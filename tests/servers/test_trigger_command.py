"""`bff trigger`: events that the sandbox process signs, sent to a serving process."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from typer.testing import Result

from bff.demo.process import Child, free_port
from bff.trigger import EVENTS
from tests.contract.sandbox import Sandbox
from tests.contract.tencent import JIA, act
from tests.servers.commands import SCHOOL_FILE, Commands
from tests.servers.fixtures import DatabaseDsn

SUBJECT = {
    "alipay": "open-id-of-nobody",
    "wechat": "openid-of-nobody",
    "wecom": "userid.of_nobody",
}


def _said(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, "utf-8")
    return f'"${{file:{folder / name}}}"'


async def school_file(sandbox: Sandbox, folder: Path) -> Path:
    """The first sample school, whose apps are the sandbox's."""
    ali, wechat, wecom = [await sandbox.credentials(name) for name in SUBJECT]
    tables = f"""
[channel.alipay_mini]
app_id = "{ali["app_id"]}"
gateway = "{sandbox.url}{ali["gateway"]}"
notify_url = "https://card.example/notify/alipay/1"
app_private_key = {_said(folder, "alipay.key", ali["app_private_key"])}
alipay_public_key = "{ali["alipay_public_key"]}"
"""
    for channel, app, found in (
        ("wechat_mini", "mini_", wechat), ("wechat_official", "official_", wechat),
    ):  # fmt: skip
        tables += f"""
[channel.{channel}]
app_id = "{found[app + "app_id"]}"
app_secret = {_said(folder, app + "secret", found[app + "app_secret"])}
api_base = "{sandbox.url}"
[channel.{channel}.callback]
token = {_said(folder, app + "token", found[app + "token"])}
encoding_aes_key = {_said(folder, app + "aes", found[app + "encoding_aes_key"])}
"""
    tables += f"""
[channel.wecom]
corp_id = "{wecom["corp_id"]}"
agent_id = {wecom["agent_id"]}
secret = {_said(folder, "wecom.secret", wecom["secret"])}
api_base = "{sandbox.url}"
[channel.wecom.callback]
token = {_said(folder, "wecom.token", wecom["token"])}
encoding_aes_key = {_said(folder, "wecom.aes", wecom["encoding_aes_key"])}
"""
    path = folder / "school.toml"
    path.write_text(SCHOOL_FILE.read_text("utf-8") + tables, "utf-8")
    return path


@dataclass
class Stage:
    """A serving process, the sandbox, and somebody at the command line."""

    url: str
    sandbox: Sandbox
    commands: Commands
    dsn: DatabaseDsn

    async def trigger(self, *words: object, language: str = "en") -> Result:
        """What became of the command; it runs beside this loop."""
        given = (*words, "--sandbox", self.sandbox.url, "--url", self.url)
        return await asyncio.to_thread(self.commands.run, "--language", language, "trigger", *given)

    async def kept(self) -> list[tuple[str, str]]:
        """The notices that were kept."""
        connection = await asyncpg.connect(self.dsn.app)
        try:
            await connection.execute("SET app.school = 1")
            rows = await connection.fetch(
                "SELECT provider, event FROM provider_notice WHERE school_id = 1"
                " ORDER BY provider, event"
            )
        finally:
            await connection.close()
        return [tuple(row) for row in rows]

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """The answer to a document."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient(base_url=self.url, trust_env=False) as http:
            asked = {"query": query, "variables": variables}
            return (await http.post("/graphql", json=asked, headers=headers)).json()


@pytest.fixture
async def stage(
    sandbox: Sandbox, commands: Commands, database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
) -> AsyncIterator[Stage]:
    """All of it up."""
    file = await school_file(sandbox, tmp_path)
    await asyncio.to_thread(commands.told, "school", "add", file)
    port = free_port()
    environment = {
        "BFF_ENVIRONMENT": "development",
        "BFF_DATABASE_URL": database_dsn.app,
        "BFF_REDIS_URL": redis_url,
        "BFF_KEYS_FILE": str(tmp_path / "keys.json"),
        "BFF_PORT": str(port),
    }
    url = f"http://127.0.0.1:{port}"
    with Child("application", ("bff", "serve"), environment, tmp_path / "serve.log") as child:
        give_up_at = time.monotonic() + 30
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
            while time.monotonic() < give_up_at:
                child.check()
                try:
                    await http.get("/notify/alipay/1")
                    break
                except httpx2.TransportError:
                    await asyncio.sleep(0.1)
        yield Stage(url, sandbox, commands, database_dsn)


SIGN_IN = """mutation ($input: ChannelSignInInput!) {
  channelSignIn(input: $input) { tokens { accessToken } userErrors { code } } }"""


async def test_events_reach_a_serving_process(stage: Stage) -> None:
    await stage.sandbox.put_people(JIA)
    app_id = (await stage.sandbox.credentials("alipay"))["app_id"]
    code = await act(stage.sandbox, "alipay/auth_code", person="jia", app_id=app_id)
    asked = {"schoolCode": "green-bamboo", "channel": "ALIPAY_MINI", "code": code["code"]}
    answer = await stage.ask(SIGN_IN, input={**asked, "deviceLabel": "sample phone"})
    token = answer["data"]["channelSignIn"]["tokens"]["accessToken"]
    assert (await stage.ask("{ viewer { kind } }", token))["data"]["viewer"]["kind"] == "UNBOUND"

    name, by_code = "alipay.userauth_cancelled", ("--school", "green-bamboo")
    forged = await stage.trigger(name, *by_code, "--subject", code["open_id"], "--forge")
    assert (forged.exit_code, forged.stdout.splitlines()[1:]) == (0, ["1/1: 403, as it should be"])
    assert (await stage.kept(), forged.stderr) == ([], "")
    assert (await stage.ask("{ viewer { kind } }", token))["data"]["viewer"]["kind"] == "UNBOUND"

    told = await stage.trigger(name, *by_code, "--subject", code["open_id"], "--repeat", 3)
    first, *answers = told.stdout.splitlines()
    assert first.startswith(f"{name}: POST {stage.url}/notify/alipay/1, ")
    assert first.endswith(" bytes")
    assert answers == [f"{n}/3: 200 success, as it should be" for n in (1, 2, 3)]
    assert (told.exit_code, told.stderr) == (0, "")
    assert await stage.kept() == [("alipay", "alipay.open.auth.userauth.cancelled")]
    assert (await stage.ask("{ viewer { kind } }", token))["data"] is None

    for each in EVENTS.values():
        named = ("--subject", SUBJECT[each.provider]) if each.names_somebody else ()
        played = await stage.trigger(each.name, "--school", 1, *named)
        assert played.exit_code == 0, (each.name, played.output)
        forged = await stage.trigger(each.name, "--school", 1, *named, "--forge")
        assert (forged.exit_code, "1/1: 403" in forged.stdout) == (0, True)
    official = await stage.trigger("wechat.echo", "--school", 1, "--official", language="zh")
    assert official.stdout.splitlines()[1] == "1/1: 200 4096161403175555，符合预期"
    assert await stage.kept() == [
        ("alipay", "alipay.open.auth.userauth.cancelled"),
        ("alipay", "alipay.open.auth.userauth.cancelled"),
        ("alipay", "alipay.open.mini.version.audit.passed"),
        ("wechat", "user_authorization_cancellation"),
        ("wechat", "user_authorization_revoke"),
        ("wecom", "change_contact.delete_user"),
        ("wecom", "unsubscribe"),
    ]

    wrong = await stage.trigger("wecom.unsubscribe", "--school", 2, "--subject", "x")
    assert wrong.exit_code == 1
    assert wrong.stdout.splitlines()[1] == "1/1: 404, not as it should be"
    assert wrong.stderr == "An answer is not what it should be\n"
    unknown = await stage.trigger("wecom.unsubscribe", "--school", "nowhere", "--subject", "x")
    assert (unknown.exit_code, unknown.stderr) == (
        2, "There is no school nowhere; known: green-bamboo\n",
    )  # fmt: skip


SILENT = (
    "The sandbox http://127.0.0.1:9 signed nothing: /_wallet/wecom/proof: ConnectError;"
    " name it by --sandbox"
)


def test_what_the_command_needs_is_told(commands: Commands) -> None:
    names = ", ".join(EVENTS)
    nowhere = ("--url", "http://127.0.0.1:9", "--sandbox", "http://127.0.0.1:9")
    for words, text in (
        ((), f"Name an event: {names}"),
        (("wechat.payment_success", "--school", 1), f"Name an event: {names}"),
        (("wecom.unsubscribe",), "Give --school"),
        (("wecom.unsubscribe", "--school", 1),
         "Give --subject: wecom.unsubscribe is about somebody"),
        (("wecom.echo", "--school", 1, *nowhere), SILENT),
        (("wecom.echo", "--school", "a", *nowhere),
         "http://127.0.0.1:9 does not answer (ConnectError); name the BFF by --url"),
    ):  # fmt: skip
        refused = commands.run("trigger", *words)
        assert (refused.exit_code, refused.stdout, refused.stderr) == (2, "", f"{text}\n")


def test_all_events_are_listed(commands: Commands) -> None:
    assert commands.told("trigger", "--list").splitlines() == [
        f"{name}: {event.en}" for name, event in EVENTS.items()
    ]
    assert list(EVENTS) == sorted(EVENTS)
