"""What `bff sso check` and `bff sso map` print, as plain data; no probe needs a user's password."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from adapters.sso.api import (
    Assertion,
    Attributes,
    Check,
    Env,
    Flow,
    Incomplete,
    Provider,
    SSOError,
    Text,
)
from adapters.sso.attribute_map import identity_of
from adapters.sso.connection import Connection
from adapters.sso.json_values import attributes_of, read_json, text_at
from adapters.sso.probing import ill, unreachable, well
from adapters.sso.settings import SignOn
from core.ports.campus_sign_on import CampusIdentity, LinkMode

WHOLE_SECONDS = 60
HOPS = 5
_STATE = "0" * 24


@dataclass(frozen=True, slots=True)
class WebViewFile:
    """The operator's file that WeChat wants at the root of every host a web-view opens."""

    name: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the map makes of a saved answer: what was released, what is kept or why nothing is."""

    released: Attributes = field(repr=False)
    identity: CampusIdentity | None
    error: SSOError | None


async def check(connection: Connection, file: WebViewFile | None = None) -> list[Check]:
    """Every probe of a provider; with a `file`, also of the hosts its browser pages are on.

    It raises nothing: a probe that breaks is a failed check.
    """
    provider, env = connection.sign_on.provider, connection.env
    found = await probed(lambda: provider.check(env), f"{connection.id}_check")
    if file is not None and provider.flow is Flow.REDIRECT:
        found += await probed(lambda: _web_view_checks(provider, env, file), "web_view")
    return found


async def probed(probes: Callable[[], AsyncIterator[Check]], name: str) -> list[Check]:
    """The checks of some probes; what they raise becomes the failed check `name`."""
    found: list[Check] = []
    try:
        async with asyncio.timeout(WHOLE_SECONDS):
            async for each in probes():
                found.append(each)  # noqa: PERF401 - what was found before a probe breaks counts
    except SSOError as error:
        found.append(unreachable(name, error))
    except Exception as error:
        what = type(error).__name__
        detail = Text(f"探测中断（{what}）", f"The probe broke ({what})")
        found.append(ill(name, detail, Text("向插件作者报告", "Tell the author of this kind")))
    return found


def map_sample(sign_on: SignOn, body: bytes) -> Mapped:
    """The map on a saved answer: the server's own, or JSON `{"subject": ..., "attributes": {}}`."""
    try:
        assertion = sign_on.provider.sample(body) or _plain_sample(body)
    except (SSOError, ValueError) as error:
        known = error if isinstance(error, SSOError) else Incomplete("the sample is not readable")
        return Mapped({}, None, known)
    by_number = sign_on.link is LinkMode.PERSON_NO
    try:
        identity = identity_of(
            assertion, sign_on.map, frozenset({"person_no"} if by_number else ())
        )
    except SSOError as error:
        return Mapped(assertion.attributes, None, error)
    return Mapped(assertion.attributes, identity, None)


async def page_hosts(provider: Provider, env: Env) -> list[str]:
    """The origins that a browser meets on its way to the login form, in their order.

    Raises: SSOError.
    """
    url = (await provider.begin(env, _STATE)).url
    found: list[str] = []
    for _ in range(HOPS):
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in found:
            found.append(origin)
        answer = await env.http.get(url)
        if not 300 <= answer.status < 400 or "location" not in answer.headers:
            break
        url = urljoin(url, answer.headers["location"])
        if url.startswith(env.callback_url):
            break
    return found


async def _web_view_checks(provider: Provider, env: Env, file: WebViewFile) -> AsyncIterator[Check]:
    name = "web_view"
    for origin in await page_hosts(provider, env):
        try:
            answer = await env.http.get(f"{origin}/{file.name}")
        except SSOError as error:
            yield unreachable(name, error)
            continue
        host = urlsplit(origin).netloc
        if answer.status == 200 and answer.body.strip() == file.body.strip():
            yield well(name, f"{host} 有校验文件", f"{host} has the operator's file")
        else:
            yield ill(
                name,
                Text(f"{host} 没有校验文件", f"{host} does not have the operator's file"),
                Text(
                    f"请学校将 {file.name} 放到 {host} 的根目录，再在小程序后台登记业务域名",
                    f"Ask the school to put {file.name} at the root of {host}, then register the"
                    " business domain with the mini-program",
                ),
            )


def _plain_sample(body: bytes) -> Assertion:
    found = read_json(body)
    attributes = found.get("attributes", {}) if isinstance(found, dict) else {}
    return Assertion(
        "sample",
        text_at(found, "subject") or "",
        attributes_of(attributes if isinstance(attributes, dict) else {}),
    )
