"""`bff sso check` of an OpenID provider: its documents, a false code, a visit without a session."""

from collections.abc import AsyncIterator, Sequence

from adapters.sso.api import Check, Denied, Env, Level, Misconfigured, SSOError, Text
from adapters.sso.json_values import read_object
from adapters.sso.oidc_published import Metadata, discovered
from adapters.sso.probing import clock_of, ill, left_out, unreachable, well
from adapters.sso.token_client import Client, ask_token, authorise, token_table, with_query

_STATE = "0" * 24
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


async def probe_oidc(
    env: Env,
    issuer: str,
    aliases: Sequence[str],
    fixed: Metadata | None,
    algorithms: Sequence[str],
    client: Client,
    scope: str,
) -> AsyncIterator[Check]:
    """The checks `oidc_discovery`, `oidc_algorithms`, `oidc_pkce`, `oidc_keys`, `oidc_token`,
    `oidc_redirect_uri` and `clock`."""
    try:
        metadata = fixed or await discovered(env, issuer, aliases)
    except Misconfigured as error:
        yield _no_discovery(issuer, error)
        return
    except SSOError as error:
        yield unreachable("oidc_discovery", error)
        return
    yield well("oidc_discovery", "发现文档与 issuer 一致", "Discovery names our issuer")
    if fixed is None:
        yield _algorithms_check(metadata, algorithms)
        yield _pkce_check(metadata)
    if set(algorithms) != {"HS256"}:
        yield await _keys_check(env, metadata, algorithms)
    yield await token_check(env, "oidc_token", metadata.token, client)
    async for check in redirect_check(env, metadata.authorise, client, scope):
        yield check


async def token_check(env: Env, name: str, url: str, client: Client) -> Check:
    """A false code with our credentials: `invalid_grant` means that the server knows us."""
    fields = {
        "grant_type": "authorization_code", "code": "probe", "redirect_uri": env.callback_url,
        "code_verifier": "0" * 43,
    }  # fmt: skip
    try:
        answer = await ask_token(env, url, client, fields)
        token_table(answer, read_object(answer, "token endpoint"))
        verdict: SSOError = Misconfigured("a false code was accepted")
    except SSOError as error:
        verdict = error
    if isinstance(verdict, Denied):
        return well(name, "客户端凭据正确（假授权码被拒）", "Our credentials are known")
    if not isinstance(verdict, Misconfigured):
        return unreachable(name, verdict)
    return ill(
        name,
        Text(f"令牌端点拒绝我们：{verdict.hint}", f"The token endpoint refuses us: {verdict.hint}"),
        Text(
            "核对 client_id、client_secret 与认证方式（auth_method / client_auth）",
            "Compare client_id, client_secret and the way they are sent (auth_method, client_auth)",
        ),
    )


async def redirect_check(
    env: Env, authorise_url: str, client: Client, scope: str
) -> AsyncIterator[Check]:
    """`prompt=none` without a session: the browser must come back to our address with an error."""
    name = "oidc_redirect_uri"
    begun = authorise(authorise_url, client, env, scope, {"state": _STATE, "nonce": _STATE})
    try:
        answer = await env.http.get(with_query(begun.url, {"prompt": "none"}))
    except SSOError as error:
        yield unreachable(name, error)
        return
    yield clock_of(env, answer)
    if answer.headers.get("location", "").startswith(env.callback_url):
        yield well(name, "回调地址已登记", "Our redirect_uri is registered")
        return
    yield ill(
        name,
        Text(
            f"授权页没有送回我们的地址（{answer.status}）",
            f"The authorise page did not send back to us ({answer.status})",
        ),
        Text(
            f"请学校登记 redirect_uri：{env.callback_url}",
            f"Ask the school to register this redirect_uri: {env.callback_url}",
        ),
    )


def _no_discovery(issuer: str, error: SSOError) -> Check:
    return ill(
        "oidc_discovery",
        Text(f"发现文档不符：{error.hint}", f"Discovery does not fit: {error.hint}"),
        Text(
            f"issuer 须与发现文档逐字相同（含末尾的 /）：现为 {issuer}；确有别名时用 issuer_alias",
            f"issuer must be copied exactly, a final / included; it is {issuer}. Where the"
            " provider really has two names, add issuer_alias",
        ),
    )


def _algorithms_check(metadata: Metadata, algorithms: Sequence[str]) -> Check:
    name, offered = "oidc_algorithms", ", ".join(metadata.algorithms) or "-"
    missing = [each for each in algorithms if each not in metadata.algorithms]
    if not missing:
        return well(
            name, f"签名算法可用：{offered}", f"The pinned algorithms are offered: {offered}"
        )
    return ill(
        name,
        Text(f"服务器不提供 {missing[0]}", f"The server does not offer {missing[0]}"),
        Text(f"alg 应取自：{offered}", f"Set alg to one of {offered}"),
    )


def _pkce_check(metadata: Metadata) -> Check:
    name = "oidc_pkce"
    if "S256" in metadata.challenges:
        return well(name, "支持 PKCE S256", "PKCE S256 is offered")
    return ill(
        name,
        Text("发现文档未列 PKCE S256", "Discovery does not list PKCE S256"),
        Text("照常发送；请学校升级服务器", "We send it all the same; ask the school to upgrade"),
        Level.WARN,
    )


async def _keys_check(env: Env, metadata: Metadata, algorithms: Sequence[str]) -> Check:
    name = "oidc_keys"
    if metadata.jwks is None:
        return left_out(name, "没有公钥地址", "There is no key set")
    try:
        found = read_object(await env.http.get(metadata.jwks), "key set").get("keys")
    except SSOError as error:
        return unreachable(name, error)
    families = {key.get("kty") for key in found or () if isinstance(key, dict)}
    lost = [each for each in algorithms if each != "HS256" and _FAMILIES[each[:2]] not in families]
    if not lost:
        return well(name, "每个算法都有公钥", "There is a key for each pinned algorithm")
    return ill(
        name,
        Text(f"没有 {lost[0]} 的公钥", f"There is no key for {lost[0]}"),
        Text(
            "请学校核对所用算法，改 alg", "Ask the school which algorithm it signs with; mend alg"
        ),
    )
