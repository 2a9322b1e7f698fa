"""OpenID Connect: the code flow with PKCE, a nonce and pinned algorithms."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from adapters.sso.api import (
    Answer,
    Assertion,
    Begin,
    Callback,
    Check,
    Denied,
    Env,
    Flow,
    LogoutNotice,
    ProtocolViolation,
    Provider,
    Reach,
    Upstream,
)
from adapters.sso.id_token import (
    Algorithm,
    Claims,
    Trust,
    check_id_token,
    claims_of,
    seconds_of,
)
from adapters.sso.json_values import attributes_of, read_object, text_at
from adapters.sso.oidc_probe import probe_oidc
from adapters.sso.oidc_published import Metadata, Published
from adapters.sso.settings import Address, Table, kind_of
from adapters.sso.token_client import (
    Client,
    ask_token,
    authorise,
    bearer,
    check_page,
    code_of,
    random_text,
    token_table,
    with_query,
)

LEEWAY_SECONDS = 60
SECRET_BYTES = 32
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_PROTOCOL_CLAIMS = frozenset({"iss", "aud", "exp", "iat", "nbf", "nonce", "at_hash", "azp", "jti"})


def _several(value: object) -> object:
    return value if isinstance(value, list) else [value]


class Endpoints(Table):
    """Endpoints of a provider that publishes no discovery document."""

    authorization: Address
    token: Address
    jwks: Address | None = None
    userinfo: Address | None = None
    end_session: Address | None = None


class OidcSettings(Table):
    """An OpenID provider. `alg` are the only algorithms its tokens may be signed with."""

    issuer: Address
    client_id: str
    client_secret: Annotated[
        tuple[SecretStr, ...], BeforeValidator(_several), Field(max_length=2)
    ] = ()
    alg: Annotated[tuple[Algorithm, ...], BeforeValidator(_several), Field(min_length=1)] = (
        "RS256",
    )
    scope: str = "openid profile"
    endpoints: Endpoints | None = None
    issuer_alias: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    leeway: Annotated[int, Field(ge=0, le=120)] = LEEWAY_SECONDS
    userinfo: bool = True
    auth_method: Literal["client_secret_basic", "client_secret_post", "none"] = (
        "client_secret_basic"
    )
    response_mode: Literal["query", "form_post"] = "query"

    @model_validator(mode="after")
    def _secrets_fit(self) -> Self:
        secrets = self.texts()
        if bool(secrets) == (self.auth_method == "none"):
            raise ValueError("client_secret and auth_method contradict each other")
        if "HS256" in self.alg and any(
            len(each.encode()) < SECRET_BYTES or "-----BEGIN" in each for each in secrets
        ):
            raise ValueError("HS256 needs a client_secret of 32 bytes or more that is no PEM key")
        return self

    def texts(self) -> tuple[str, ...]:
        """The secrets, the newest first."""
        return tuple(each.get_secret_value() for each in self.client_secret)

    def fixed(self) -> Metadata | None:
        """The endpoints in place of discovery."""
        given = self.endpoints
        if given is None:
            return None
        return Metadata(
            given.authorization, given.token, given.userinfo, given.jwks, given.end_session
        )


class OidcProvider(Provider):
    """One OpenID provider; it keeps its public keys and endpoints."""

    flow = Flow.REDIRECT

    def __init__(self, settings: OidcSettings, reach: Reach) -> None:
        secrets = settings.texts()
        auth: Mapping[str, Literal["basic", "body", "none"]] = {
            "client_secret_basic": "basic", "client_secret_post": "body", "none": "none",
        }  # fmt: skip
        self._settings = settings
        self._plain_loopback = reach.plain_loopback
        self._client = Client(settings.client_id, secrets, auth[settings.auth_method])
        self._issuers = frozenset({settings.issuer, *settings.issuer_alias})
        self._trust = Trust(
            self._issuers, settings.client_id, settings.alg, secrets, settings.leeway
        )
        self._published = Published(
            settings.issuer, settings.issuer_alias, settings.fixed(),
            signs_by_key=settings.alg != ("HS256",),
        )  # fmt: skip

    async def begin(self, env: Env, state: str) -> Begin:
        """The authorise page with PKCE and nonce, also for confidential clients."""
        metadata = await self._published.metadata(env)
        page = check_page(metadata.authorise, plain_loopback=self._plain_loopback)
        sent = {"state": state, "nonce": random_text(env.entropy)}
        if self._settings.response_mode == "form_post":
            sent["response_mode"] = "form_post"
        return authorise(page, self._client, env, self._settings.scope, sent)

    async def finish(self, env: Env, cb: Callback) -> Assertion:
        """Turns the code into verified claims."""
        given = cb.form if self._settings.response_mode == "form_post" else cb.query
        metadata = await self._published.metadata(env)
        self._check_issuer(given, metadata)
        code = await code_of(env, cb, given)
        table = await self._tokens(env, metadata, code, cb.stash.get("verifier", ""))
        access_token = table.get("access_token")
        claims = await claims_of(env, table.get("id_token"), self._trust, self._published)
        check_id_token(claims, cb.stash.get("nonce"), str(access_token or ""))
        everything = {**await self._userinfo(env, metadata, access_token, claims), **claims}
        kept = {name: value for name, value in everything.items() if name not in _PROTOCOL_CLAIMS}
        return Assertion(
            self._settings.issuer,
            str(claims["sub"]),
            attributes_of(kept),
            seconds_of(claims, "auth_time") if "auth_time" in claims else None,
            str(claims["sid"]) if "sid" in claims else None,
        )

    async def logout_url(self, env: Env, session_ref: str, back: str) -> str | None:
        """The provider's page that ends its session."""
        page = (await self._published.metadata(env)).end_session
        if page is None:
            return None
        given = {"client_id": self._settings.client_id, "post_logout_redirect_uri": back}
        return with_query(check_page(page, plain_loopback=self._plain_loopback), given)

    async def logout_notice(self, env: Env, raw: bytes) -> LogoutNotice | None:
        """A back-channel logout token, verified and taken once; None if it is not good."""
        try:
            token = parse_qs(raw.decode("ascii"), max_num_fields=8)["logout_token"][0]
        except (ValueError, KeyError):
            return None
        try:
            claims = await claims_of(env, token, self._trust, self._published)
        except (ProtocolViolation, Upstream) as error:
            env.log(f"a logout notice was ignored: {error.hint}")
            return None
        events, subject, session = (claims.get(name) for name in ("events", "sub", "sid"))
        good = (
            isinstance(events, dict)
            and isinstance(events.get(LOGOUT_EVENT), dict)
            and "nonce" not in claims
            and (isinstance(subject, str) or isinstance(session, str))
            and isinstance(claims.get("jti"), str)
            and await env.once(f"logout:{claims['jti'][:200]}", 600)
        )
        if not good:
            return None
        return LogoutNotice(
            session if isinstance(session, str) else None,
            subject if isinstance(subject, str) else None,
        )

    def check(self, env: Env) -> AsyncIterator[Check]:
        """The probes of oidc_probe."""
        return probe_oidc(env, self._settings.issuer, self._settings.issuer_alias,
                          self._settings.fixed(), self._settings.alg, self._client,
                          self._settings.scope)  # fmt: skip

    def sample(self, body: bytes) -> Assertion:
        """Saved claims or a saved userinfo, as JSON."""
        claims = read_object(Answer(200, {}, body), "sample")
        return Assertion(self._settings.issuer, text_at(claims, "sub") or "", attributes_of(claims))

    def _check_issuer(self, given: Mapping[str, str], metadata: Metadata) -> None:
        """RFC 9207: which provider answers, so that two cannot be mixed up."""
        named = given.get("iss")
        if named is None and metadata.promises_iss:
            raise ProtocolViolation("the provider promises iss and sent none")
        if named is not None and named not in self._issuers:
            raise ProtocolViolation("another provider answered (iss)")

    async def _tokens(
        self, env: Env, metadata: Metadata, code: str, verifier: str
    ) -> Mapping[str, Any]:
        answer = await ask_token(env, metadata.token, self._client, {
            "grant_type": "authorization_code", "code": code,
            "redirect_uri": env.callback_url, "code_verifier": verifier,
        })  # fmt: skip
        return token_table(answer, read_object(answer, "token endpoint"))

    async def _userinfo(
        self, env: Env, metadata: Metadata, access_token: object, claims: Claims
    ) -> Claims:
        if not (self._settings.userinfo and metadata.userinfo and isinstance(access_token, str)):
            return {}
        answer = await env.http.get(metadata.userinfo, bearer(access_token))
        if answer.status in {401, 403}:
            raise Denied("userinfo refuses the access token")
        if answer.status != 200:
            raise Upstream(f"userinfo answered {answer.status}")
        found = read_object(answer, "userinfo endpoint")
        if found.get("sub") != claims["sub"]:
            raise ProtocolViolation("userinfo is about somebody else (sub)")
        return found


KIND = kind_of(OidcSettings, ("issuer",), OidcProvider)
