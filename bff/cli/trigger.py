"""The command that replays a provider's event against a running BFF."""

import asyncio
import os
from dataclasses import dataclass
from typing import Annotated

import httpx2
import typer

from bff.cli.voice import REFUSED, UNUSABLE, Voice, voice_of
from bff.clock import SystemClock
from bff.settings import load_settings
from bff.trigger import EVENTS, SECONDS, Event, Happened, Sandbox, SandboxSilent
from clients.endpoint import Endpoint, NoAnswer, no_headers
from core.kit.clock import unix_seconds
from core.kit.ids import Ids
from schema.node import parse_node_id

SANDBOX = "http://127.0.0.1:8025"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class _Order:
    """What to send, where, and how often."""

    event: Event
    school: str
    happened: Happened
    repeat: int
    forge: bool
    sandbox: str
    url: str


def trigger(
    context: typer.Context,
    event: Annotated[str | None, typer.Argument(help="Its name, see --list 事件名")] = None,
    school: Annotated[str | None, typer.Option(help="Code or number 学校代码或编号")] = None,
    subject: Annotated[
        str, typer.Option(help="Whom it is about: open_id, openid, userid 涉及的用户")
    ] = "",
    repeat: Annotated[int, typer.Option(min=1, max=1_000, help="Send it so often 发送次数")] = 1,
    forge: Annotated[
        bool, typer.Option("--forge", help="Spoil the signature; expect a refusal 伪造签名")
    ] = False,
    official: Annotated[
        bool, typer.Option("--official", help="WeChat: the official account's 公众号的事件")
    ] = False,
    sandbox: Annotated[str, typer.Option(help="The pretend providers 沙箱地址")] = SANDBOX,
    url: Annotated[
        str | None, typer.Option(help="The BFF; on this machine if unsaid 服务地址")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Name all events 列出事件")] = False,
) -> None:
    """Replay a provider's event, signed by the sandbox, against a running BFF 重放渠道事件."""
    voice = voice_of(context)
    if list_:
        for each in EVENTS.values():
            voice.say(f"{each.name}：{each.zh}", f"{each.name}: {each.en}")
        return
    with voice.answering():
        asked, clock = _known(voice, event, school, subject), SystemClock()
        number = Ids(clock, os.urandom).new().hex
        happened = Happened(subject, unix_seconds(clock.now()), number, official)
        here = url or f"http://127.0.0.1:{load_settings().port}"
        order = _Order(asked, school or "", happened, repeat, forge, sandbox, here)
        if not asyncio.run(_play(voice, order)):
            raise voice.refuse("应答与预期不符", "An answer is not what it should be", REFUSED)


def _known(voice: Voice, name: str | None, school: str | None, subject: str) -> Event:
    event = EVENTS.get(name or "")
    if event is None:
        names = ", ".join(EVENTS)
        raise voice.refuse(f"请给出事件：{names}", f"Name an event: {names}")
    if school is None:
        raise voice.refuse("请给出 --school", "Give --school")
    if event.names_somebody and not subject:
        raise voice.refuse(
            f"请给出 --subject：{event.name} 涉及一个用户",
            f"Give --subject: {event.name} is about somebody",
        )
    return event


async def _play(voice: Voice, order: _Order) -> bool:
    """Whether each answer is as it should be."""
    event = order.event
    async with _client(order.sandbox) as sandbox, _client(order.url) as bff:
        number = await _school_number(voice, bff, order.school)
        try:
            sent = await event.sign(Sandbox(sandbox), order.happened)
        except SandboxSilent as silent:
            raise voice.refuse(
                f"沙箱 {order.sandbox} 没有给出签名：{silent}；用 --sandbox 指定",
                f"The sandbox {order.sandbox} signed nothing: {silent}; name it by --sandbox",
            ) from None
        sent = sent.forged() if order.forge else sent
        path = f"/notify/{event.provider}/{number}"
        voice.say(
            f"{event.name}：{sent.method} {order.url}{path}，{len(sent.body)} 字节",
            f"{event.name}: {sent.method} {order.url}{path}, {len(sent.body)} bytes",
        )
        address = f"{path}?{sent.query}" if sent.query else path
        good = True
        for count in range(1, order.repeat + 1):
            try:
                answer = await bff.request(sent.method, address, content=sent.body)
            except httpx2.HTTPError as failure:
                raise _silent(voice, order.url, type(failure).__name__) from None
            as_hoped = sent.is_good(answer.status_code, answer.text, forged=order.forge)
            _tell(voice, f"{count}/{order.repeat}", answer, as_hoped=as_hoped)
            good = good and as_hoped
    return good


def _client(url: str) -> httpx2.AsyncClient:
    """A client of one server; reading the certificates, which takes longest, only for https."""
    return httpx2.AsyncClient(
        base_url=url, timeout=SECONDS, trust_env=False, verify=url.startswith("https:")
    )


def _tell(voice: Voice, count: str, answer: httpx2.Response, *, as_hoped: bool) -> None:
    said = f"{count}: {answer.status_code} {answer.text[:_SHOWN]}".rstrip()
    if as_hoped:
        voice.say(f"{said}，符合预期", f"{said}, as it should be")
    else:
        voice.say(f"{said}，不符合预期", f"{said}, not as it should be")


async def _school_number(voice: Voice, bff: httpx2.AsyncClient, name: str) -> int:
    """The number that addresses have, of a school named by it or by its code."""
    if name.isdecimal():
        return int(name)
    try:
        listed = (await Endpoint(bff).ask("Schools", {}, no_headers))["schools"]
    except NoAnswer as silent:
        raise _silent(voice, str(bff.base_url), silent.reason) from None
    for each in listed:
        found = parse_node_id(each["id"]) if each["code"] == name else None
        if found is not None:
            return found[1]
    codes = ", ".join(each["code"] for each in listed)
    raise voice.refuse(
        f"没有学校 {name}，已有：{codes}", f"There is no school {name}; known: {codes}"
    )


def _silent(voice: Voice, url: str, why: str) -> typer.Exit:
    return voice.refuse(
        f"{url} 没有应答（{why}）；用 --url 指定服务地址",
        f"{url} does not answer ({why}); name the BFF by --url",
        UNUSABLE,
    )
