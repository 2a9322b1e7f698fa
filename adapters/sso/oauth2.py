"""OAuth 2 as the dialect that a school's settings declare: no two speak the same."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlencode

from pydantic import Field, SecretStr, model_validator

from adapters.sso.api import (
    Answer,
    Assertion,
    Begin,
    Callback,
    Check,
    Denied,
    Env,
    Flow,
    Incomplete,
    Misconfigured,
    Provider,
    Reach,
    Upstream,
)
from adapters.sso.json_values import attributes_of, read_object, text_at
from adapters.sso.oauth2_probe import probe_oauth2
from adapters.sso.settings import Address, Table, kind_of
from adapters.sso.token_client import (
    Client,
    ask_token,
    authorise,
    bearer,
    check_page,
    code_of,
    refusal,
    token_table,
    with_query,
)


class OkRule(Table):
    """Where an answer says that it is good, and the text it says it with."""

    path: str
    value: str


class OAuth2Settings(Table):
    """A dialect. `subject` is the dotted path of the subject within the profile, `token_path` and
    `userinfo_path` lead to the tables that hold the token and the profile; empty is the whole."""

    authorise_url: Address = Field(alias="authorize_url")
    token_url: Address
    userinfo_url: Address
    client_id: str
    client_secret: SecretStr
    subject: str
    scope: str = ""
    pkce: bool = True
    token_method: Literal["form", "json", "get"] = "form"
    client_auth: Literal["basic", "body", "query"] = "body"
    token_path: str = ""
    userinfo_method: Literal["get", "post"] = "get"
    userinfo_token_in: Literal["header", "query", "body"] = "header"
    userinfo_token_param: str = "access_token"
    userinfo_path: str = ""
    ok: OkRule | None = None
    logout_page: str | None = None
    logout_param: str = "service"

    @model_validator(mode="after")
    def _body_needs_post(self) -> Self:
        if self.userinfo_token_in == "body" and self.userinfo_method == "get":
            raise ValueError("userinfo_token_in body needs userinfo_method post")
        if self.token_method == "get" and self.client_auth == "body":
            raise ValueError("token_method get needs client_auth query or basic")
        return self


class OAuth2Provider(Provider):
    """One server; it keeps nothing."""

    flow = Flow.REDIRECT

    def __init__(self, settings: OAuth2Settings, reach: Reach) -> None:
        self._settings = settings
        self._plain_loopback = reach.plain_loopback
        secret = settings.client_secret.get_secret_value()
        self._client = Client(
            settings.client_id, (secret,), settings.client_auth, settings.token_method
        )

    async def begin(self, env: Env, state: str) -> Begin:
        """The authorise page, with PKCE: servers that do not know it pass it over."""
        page = check_page(self._settings.authorise_url, plain_loopback=self._plain_loopback)
        return authorise(
            page, self._client, env, self._settings.scope, {"state": state},
            pkce=self._settings.pkce,
        )  # fmt: skip

    async def finish(self, env: Env, cb: Callback) -> Assertion:
        """Turns the code into a profile."""
        code = await code_of(env, cb, cb.query)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": env.callback_url,
        }
        if self._settings.pkce:
            fields["code_verifier"] = cb.stash.get("verifier", "")
        answer = await ask_token(env, self._settings.token_url, self._client, fields)
        token = text_at(self.token_of(answer), "access_token")
        if not token:
            raise Misconfigured("the token answer has no access_token: check token_path")
        return self._assertion(self._profile(await self._ask_profile(env, token)))

    def sample(self, body: bytes) -> Assertion:
        """A saved profile."""
        return self._assertion(self._profile(Answer(200, {}, body)))

    def _assertion(self, profile: Mapping[str, Any]) -> Assertion:
        subject = text_at(profile, self._settings.subject)
        if not subject:
            names = ", ".join(sorted(attributes_of(profile)))
            raise Incomplete(f"the profile has no {self._settings.subject}; it has {names}")
        return Assertion(self._settings.authorise_url, subject, attributes_of(profile))

    async def logout_url(self, env: Env, session_ref: str, back: str) -> str | None:
        """The server's logout page, where the settings name one."""
        page = self._settings.logout_page
        return page and with_query(page, {self._settings.logout_param: back})

    def token_of(self, answer: Answer) -> Mapping[str, Any]:
        """The table with the token, by the declared rule.

        Raises: Denied, Misconfigured, Upstream.
        """
        table = _form(answer) or read_object(answer, "token endpoint")
        good = self._settings.ok
        if good is not None and "error" not in table and text_at(table, good.path) != good.value:
            if text_at(table, good.path) is None:
                raise Misconfigured(f"the token answer has no {good.path}: check ok")
            raise Denied(f"the server refused the code ({good.path})")
        return _inner(token_table(answer, table), self._settings.token_path, "token_path")

    def check(self, env: Env) -> AsyncIterator[Check]:
        """The probes of oauth2_probe."""
        return probe_oauth2(
            env, self._client, self._settings.token_url, self._settings.authorise_url,
            self._settings.scope, self.token_of,
        )  # fmt: skip

    async def _ask_profile(self, env: Env, token: str) -> Answer:
        url, placed = self._settings.userinfo_url, {self._settings.userinfo_token_param: token}
        headers = {"Accept": "application/json"}
        body = ""
        match self._settings.userinfo_token_in:
            case "header":
                headers = bearer(token)
            case "query":
                url = with_query(url, placed)
            case "body":
                body = urlencode(placed)
        if self._settings.userinfo_method == "get":
            return await env.http.get(url, headers)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return await env.http.post(url, body.encode(), headers)

    def _profile(self, answer: Answer) -> Mapping[str, Any]:
        if answer.status >= 500:
            raise Upstream(f"the profile endpoint answered {answer.status}")
        table = read_object(answer, "profile endpoint")
        if "error" in table:
            raise refusal(table["error"])
        good = self._settings.ok
        if answer.status != 200 or (good and text_at(table, good.path) != good.value):
            raise Denied(f"the profile endpoint refused the token ({answer.status})")
        return _inner(table, self._settings.userinfo_path, "userinfo_path")


def _form(answer: Answer) -> dict[str, Any]:
    """Old servers answer with a form; a JSON object is no form."""
    text = answer.body[:4096].decode("utf-8", errors="replace").strip()
    if "access_token=" not in text or text.startswith(("{", "<")):
        return {}
    return dict(parse_qsl(text, max_num_fields=16))


def _inner(table: Mapping[str, Any], path: str, key: str) -> Mapping[str, Any]:
    for name in filter(None, path.split(".")):
        found = table.get(name)
        if not isinstance(found, Mapping):
            raise Misconfigured(f"the answer has no {path}: check {key}")
        table = found
    return table


KIND = kind_of(OAuth2Settings, ("authorize_url", "subject"), OAuth2Provider)
