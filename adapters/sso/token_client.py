"""Our side of OAuth 2: the authorise URL with PKCE, and a code turned into a token."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode, urlsplit, urlunsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from adapters.sso.api import (
    Answer,
    Begin,
    Callback,
    Denied,
    Entropy,
    Env,
    Misconfigured,
    ProtocolViolation,
    SSOError,
    Upstream,
)
from adapters.sso.http import LOOPBACK

CODE_SECONDS = 600
CODE_LENGTH = 2048
_REFUSALS: dict[str, tuple[type[SSOError], str]] = {
    "invalid_grant": (Denied, "the code is unknown, used or too old"),
    "invalid_client": (Misconfigured, "client_id or client_secret is wrong"),
    "unauthorized_client": (Misconfigured, "the client may not use this flow"),
    "unsupported_grant_type": (Misconfigured, "the client may not use this flow"),
    "invalid_scope": (Misconfigured, "the scope is not allowed for the client"),
    "invalid_request": (Misconfigured, "the server misses or refuses a parameter"),
    "redirect_uri_mismatch": (Misconfigured, "redirect_uri is not registered"),
    "access_denied": (Denied, "the person or the school said no"),
    "login_required": (Denied, "the person is not signed in"),
    "consent_required": (Denied, "the person has not agreed"),
    "interaction_required": (Denied, "the person has to act"),
    "server_error": (Upstream, "the server has an internal error"),
    "temporarily_unavailable": (Upstream, "the server is overloaded"),
}


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are to a token endpoint, and how it wants to be told."""

    id: str
    secrets: tuple[str, ...] = field(repr=False)
    auth: Literal["basic", "body", "query", "none"]
    method: Literal["form", "json", "get"] = "form"


def random_text(entropy: Entropy) -> str:
    """256 random bits in 43 letters that a URL takes."""
    return base64.urlsafe_b64encode(entropy(32)).rstrip(b"=").decode()


def authorise(
    url: str, client: Client, env: Env, scope: str, sent: Mapping[str, str], *, pkce: bool = True
) -> Begin:
    """The authorise page; `sent` are further parameters, state among them, kept in the stash."""
    verifier = random_text(env.entropy)
    extra = dict(sent)
    if pkce:
        extra |= {
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
    page = prepare_grant_uri(
        url, client.id, "code", redirect_uri=env.callback_url, scope=scope or None, **extra
    )
    return Begin(page, {**sent, "verifier": verifier})


async def code_of(env: Env, cb: Callback, given: Mapping[str, str]) -> str:
    """The code that came back to the attempt it was asked in, for the first time.

    Raises: ProtocolViolation, Denied, Misconfigured, Upstream.
    """
    if not cb.state == cb.stash.get("state") == given.get("state"):
        raise ProtocolViolation("the state is of another sign-on")
    if "error" in given:
        raise refusal(given["error"])
    code = given.get("code", "")
    if not 1 <= len(code) <= CODE_LENGTH:
        raise ProtocolViolation("there is no code")
    if not await env.once(f"code:{create_s256_code_challenge(code)}", CODE_SECONDS):
        raise Denied("the code was used before")
    return code


async def ask_token(env: Env, url: str, client: Client, fields: Mapping[str, str]) -> Answer:
    """The token endpoint's answer; where two secrets are in use, the second is tried after
    the first was refused.

    Raises: Upstream, Misconfigured.
    """
    secrets: Sequence[str] = client.secrets or ("",)
    for secret in secrets[:-1]:
        answer = await _ask(env, url, client, secret, fields)
        if answer.status != 401 and b"invalid_client" not in answer.body:
            return answer
    return await _ask(env, url, client, secrets[-1], fields)


def refusal(error: object) -> SSOError:
    """Our error for an OAuth error word; an unknown word is not repeated."""
    kind, hint = _REFUSALS.get(str(error), (Misconfigured, "the server refuses without saying why"))
    return kind(hint)


def with_query(url: str, more: Mapping[str, str]) -> str:
    """The URL with further parameters behind those it has."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(more))))
    return urlunsplit(parts._replace(query=query))


def check_page(url: str, *, plain_loopback: bool) -> str:
    """The address of a page the browser is sent to.

    Raises: Misconfigured (not https).
    """
    parts = urlsplit(url)
    loopback = plain_loopback and parts.scheme == "http" and parts.hostname in LOOPBACK
    if not loopback and (parts.scheme != "https" or not parts.hostname):
        raise Misconfigured("the authorise page is not https")
    return url


async def _ask(
    env: Env, url: str, client: Client, secret: str, fields: Mapping[str, str]
) -> Answer:
    sent, query, headers = dict(fields), {}, {"Accept": "application/json"}
    match client.auth:
        case "basic":
            pair = f"{quote_plus(client.id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        case "body":
            sent |= {"client_id": client.id, "client_secret": secret}
        case "query":
            query = {"client_id": client.id, "client_secret": secret}
        case "none":
            sent["client_id"] = client.id
    if client.method == "get":
        return await env.http.get(with_query(url, {**query, **sent}), headers)
    body, kind = urlencode(sent), "application/x-www-form-urlencoded"
    if client.method == "json":
        body, kind = json.dumps(sent), "application/json"
    headers["Content-Type"] = kind
    return await env.http.post(with_query(url, query), body.encode(), headers)


def bearer(token: str) -> dict[str, str]:
    """The header that shows an access token."""
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}


def token_table(answer: Answer, table: Mapping[str, Any]) -> Mapping[str, Any]:
    """The table of a token answer that is none of an error.

    Raises: Denied, Misconfigured, Upstream.
    """
    if answer.status >= 500:
        raise Upstream(f"the token endpoint answered {answer.status}")
    if "error" in table:
        raise refusal(table["error"])
    if answer.status != 200:
        raise Misconfigured(f"the token endpoint answered {answer.status}")
    return table
