"""`bff sso check` of a declared dialect: a false code, and a visit without a session."""

from collections.abc import AsyncIterator, Callable

from adapters.sso.api import Answer, Check, Denied, Env, Level, Misconfigured, SSOError, Text
from adapters.sso.probing import clock_of, ill, left_out, unreachable, well
from adapters.sso.token_client import Client, ask_token, authorise


async def probe_oauth2(
    env: Env,
    client: Client,
    token_url: str,
    authorise_url: str,
    scope: str,
    read_token: Callable[[Answer], object],
) -> AsyncIterator[Check]:
    """The checks `oauth2_token`, `oauth2_authorize` and `clock`."""
    fields = {
        "grant_type": "authorization_code", "code": "probe", "redirect_uri": env.callback_url,
        "code_verifier": "0" * 43,
    }  # fmt: skip
    try:
        answer = await ask_token(env, token_url, client, fields)
    except SSOError as error:
        yield unreachable("oauth2_token", error)
        return
    yield clock_of(env, answer)
    yield _token_check(answer, read_token)
    yield await _authorise_check(env, client, authorise_url, scope)


def _token_check(answer: Answer, read_token: Callable[[Answer], object]) -> Check:
    name = "oauth2_token"
    try:
        read_token(answer)
        verdict: SSOError = Misconfigured("a false code passes for a good one: check ok")
    except SSOError as error:
        verdict = error
    if isinstance(verdict, Denied):
        return well(name, "假授权码按约定被拒", "A false code is refused as declared")
    if not isinstance(verdict, Misconfigured):
        return unreachable(name, verdict)
    return ill(
        name,
        Text(
            f"令牌端点的答复不符：{verdict.hint}", f"The token answer does not fit: {verdict.hint}"
        ),
        Text(
            "核对 client_id、client_secret、token_method、client_auth、token_path 与 ok",
            "Compare client_id, client_secret, token_method, client_auth, token_path and ok",
        ),
    )


async def _authorise_check(env: Env, client: Client, authorise_url: str, scope: str) -> Check:
    """The login page looks the same for a right and, often, for a wrong redirect_uri."""
    name = "oauth2_authorize"
    begun = authorise(authorise_url, client, env, scope, {"state": "0" * 24})
    try:
        answer = await env.http.get(begun.url)
    except SSOError as error:
        return unreachable(name, error)
    if answer.status >= 400:
        return ill(
            name,
            Text(
                f"授权页报错（{answer.status}）",
                f"The authorise page is an error ({answer.status})",
            ),
            Text(
                f"请学校登记 redirect_uri：{env.callback_url}，并核对 client_id",
                f"Ask the school to register {env.callback_url}; compare client_id",
            ),
        )
    if not answer.headers.get("location", "").startswith(env.callback_url):
        return left_out(
            name,
            "授权页可打开；是否已登记回调地址须实际登录（test-login）",
            "The authorise page opens; only a login (test-login) shows if we are registered",
        )
    if "error=" in answer.headers["location"]:
        return ill(
            name,
            Text("授权页送回错误", "The authorise page sends an error back"),
            Text("核对 scope", "Compare the scope"),
            Level.WARN,
        )
    return well(name, "回调地址已登记", "Our redirect_uri is registered")
