"""WeCom as a school's sign-on, by the page or the client's code; wiring hands the channel in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from adapters.sso.api import (
    Assertion,
    Begin,
    Callback,
    Denied,
    Env,
    Flow,
    Kind,
    Misconfigured,
    Problem,
    ProtocolViolation,
    Provider,
    Reach,
    SettingsInvalid,
    Text,
    Upstream,
)
from adapters.sso.settings import Table, validated
from adapters.sso.token_client import code_of
from core.ports.channels import AuthorisePage, CodeSignIn
from core.ports.providers import ProviderMisconfigured, ProviderRefused, ProviderUnavailable

_NAMES = {
    "PHONE": "phone",
    "EMAIL": "email",
    "NAME": "name",
    "ID_NUMBER": "id_number",
    "UNION_ID": "union_id",
}


class WecomSettings(Table):
    """How the code reaches us: by the page of a browser, or from the client (`wx.qy.login`)."""

    flow: Literal["redirect", "code"] = "redirect"


@dataclass(frozen=True, slots=True)
class WecomDoor:
    """A school's WeCom; without a page there is only the client's code."""

    sign_in: CodeSignIn
    page: AuthorisePage | None = None


class WecomCode(Provider):
    """Takes the code that the client was given; the userid is the subject."""

    flow = Flow.CODE

    def __init__(self, door: WecomDoor) -> None:
        self._door = door

    async def exchange(self, env: Env, code: str) -> Assertion:
        """Who holds the code."""
        if not 1 <= len(code) <= 512:
            raise ProtocolViolation("there is no code")
        if not await env.once(f"code:{code}", 600):
            raise Denied("the code was used before")
        return await vouched(self._door.sign_in, code)


class WecomPage(Provider):
    """Sends the browser to WeCom's page."""

    flow = Flow.REDIRECT

    def __init__(self, sign_in: CodeSignIn, page: AuthorisePage) -> None:
        self._sign_in = sign_in
        self._page = page

    async def begin(self, env: Env, state: str) -> Begin:
        """WeCom's page; it takes no PKCE and no nonce."""
        url = self._page.authorise_url(state, env.callback_url, private=False)
        return Begin(url, {"state": state})

    async def finish(self, env: Env, cb: Callback) -> Assertion:
        """Who came back."""
        return await vouched(self._sign_in, await code_of(env, cb, cb.query))


async def vouched(sign_in: CodeSignIn, code: str) -> Assertion:
    """Whom WeCom names for a code.

    Raises: Denied, Upstream, Misconfigured.
    """
    try:
        found = await sign_in.sign_in(code)
    except ProviderRefused as error:
        raise Denied(f"WeCom refused the code ({error.reason})") from None
    except ProviderUnavailable:
        raise Upstream("WeCom gave no answer") from None
    except ProviderMisconfigured:
        raise Misconfigured("WeCom does not accept our application") from None
    attributes: dict[str, tuple[str, ...]] = {"userid": (found.subject,)}
    for claim in found.claims:
        name = _NAMES[claim.kind]
        attributes[name] = (*attributes.get(name, ()), claim.value)
    return Assertion(found.issuer, found.subject, attributes)


def wecom_kind(door: WecomDoor | None) -> Kind:
    """The kind for a school's WeCom; without one its table is refused."""

    def make(table: Mapping[str, object], _reach: Reach) -> Provider:
        settings = validated(WecomSettings, table)
        if door is None or (settings.flow == "redirect" and door.page is None):
            text = Text("学校没有开通企业微信渠道", "The school has no such WeCom channel")
            raise SettingsInvalid([Problem("kind", text)])
        if settings.flow == "code" or door.page is None:
            return WecomCode(door)
        return WecomPage(door.sign_in, door.page)

    return Kind(frozenset(WecomSettings.model_fields), frozenset(), (), make)
