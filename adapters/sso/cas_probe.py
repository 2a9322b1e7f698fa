"""`bff sso check` of a CAS server: a false ticket and a visit without a session."""

from collections.abc import AsyncIterator
from urllib.parse import quote, urlencode

from adapters.sso.api import (
    Check,
    Denied,
    Env,
    ProtocolViolation,
    SSOError,
    Text,
    Upstream,
)
from adapters.sso.cas_answer import NotRegistered, read_cas
from adapters.sso.probing import clock_of, ill, unreachable, well

_KNOWN_PATHS = ("/validate", "/serviceValidate", "/p3/serviceValidate")
_PROBE = "ST-probe"


async def probe_cas(
    env: Env, server: str, path: str, login_url: str, service: str
) -> AsyncIterator[Check]:
    """The checks `cas_validate`, `cas_paths`, `cas_service` and `clock`.

    `login_url` is the login page asked with `gateway=true`.
    """
    try:
        answer = await env.http.get(_ask(server, path, service))
    except SSOError as error:
        yield unreachable("cas_validate", error)
        return
    yield clock_of(env, answer)
    others = [each for each in _KNOWN_PATHS if each != path and await _works(env, server, each)]
    try:
        read_cas(answer)
        verdict: SSOError = ProtocolViolation("a false ticket was accepted")
    except SSOError as error:
        verdict = error
    yield _validate_check(path, verdict, others)
    yield _paths_check(others)
    yield await _service_check(env, login_url, service)


def _ask(server: str, path: str, service: str) -> str:
    given = urlencode({"service": service, "ticket": _PROBE}, quote_via=quote)
    return f"{server}{path}?{given}"


async def _works(env: Env, server: str, path: str) -> bool:
    try:
        read_cas(await env.http.get(_ask(server, path, "https://probe.example/")))
    except (Denied, NotRegistered):
        return True
    except SSOError:
        return False
    return False


def _validate_check(path: str, verdict: SSOError, others: list[str]) -> Check:
    name = "cas_validate"
    if isinstance(verdict, Denied):
        return well(name, f"{path} 拒绝了假票据", f"{path} refuses a false ticket")
    if isinstance(verdict, NotRegistered):
        return ill(
            name,
            Text("服务器不认识我们的回调地址", "The server does not know our callback address"),
            Text("请学校在 CAS 登记回调地址", "Ask the school to register our callback address"),
        )
    found = f" {others[-1]}" if others else ""
    zh = "服务器内部错误" if isinstance(verdict, Upstream) else "答复不是 CAS 格式"
    return ill(
        name,
        Text(f"{path} 没有给出 CAS 答复：{zh}", f"{path} gives no CAS answer: {verdict.hint}"),
        Text(
            f"改正 server 或 validate_path，可用：{found.strip() or '未找到'}",
            f"Mend server or validate_path; this one works:{found or ' none of the usual'}",
        ),
    )


def _paths_check(others: list[str]) -> Check:
    listed = ", ".join(others) or "-"
    return well("cas_paths", f"另有可用路径：{listed}", f"Other paths that answer: {listed}")


async def _service_check(env: Env, login_url: str, service: str) -> Check:
    name = "cas_service"
    try:
        answer = await env.http.get(login_url)
    except SSOError as error:
        return unreachable(name, error)
    back = answer.headers.get("location", "")
    if 300 <= answer.status < 400 and back.startswith(service) and "ticket=" not in back:
        return well(name, "回调地址已登记", "Our callback address is registered")
    return ill(
        name,
        Text(
            f"登录页没有送回我们的地址（{answer.status}）",
            f"The login page did not send back to us ({answer.status})",
        ),
        Text(
            f"请学校登记 {env.callback_url}，并检查 login_path 与 service_param",
            f"Ask the school to register {env.callback_url}; check login_path and service_param",
        ),
    )
