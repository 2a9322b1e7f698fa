"""`bff sso check` of a directory: connection, service bind, base, a sample, an empty password."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from adapters.sso.api import Check, Denied, Misconfigured, SSOError, Text
from adapters.sso.probing import ill, left_out, unreachable, well


async def probe_ldap(
    bind: Callable[[], Awaitable[None]],
    search: Callable[[], Awaitable[Sequence[object]]],
    empty_password: Callable[[], Awaitable[object]],
    *,
    with_sample: bool,
) -> AsyncIterator[Check]:
    """The checks `ldap_connect`, `ldap_bind`, `ldap_base`, `ldap_sample`, `ldap_empty_password`."""
    yield await _empty_check(empty_password)
    try:
        await bind()
    except SSOError as error:
        yield _bind_check(error)
        return
    yield well("ldap_connect", "连接与证书正常", "Connection and certificate are good")
    yield well("ldap_bind", "服务账号可登录", "The service account binds")
    try:
        found = await search()
    except Misconfigured as error:
        yield ill(
            "ldap_base",
            Text(f"base 无效：{error.hint}", f"The base is not good: {error.hint}"),
            Text("核对 base（如 ou=people,dc=…）", "Compare base (for example ou=people,dc=...)"),
        )
        return
    except SSOError as error:
        yield unreachable("ldap_base", error)
        return
    yield well("ldap_base", "base 存在", "The base is there")
    yield _sample_check(len(found), with_sample=with_sample)


async def _empty_check(empty_password: Callable[[], Awaitable[object]]) -> Check:
    name = "ldap_empty_password"
    try:
        await empty_password()
    except Denied:
        return well(name, "空密码被拒", "An empty password is refused")
    except SSOError as error:
        return unreachable(name, error)
    return ill(
        name,
        Text("空密码通过", "An empty password passes"),
        Text("停用此登录方式并报告缺陷", "Switch this sign-on off and report the defect"),
    )


def _bind_check(error: SSOError) -> Check:
    if isinstance(error, Misconfigured) and "bind_dn" in error.hint:
        return ill(
            "ldap_bind",
            Text("服务账号登录失败", "The service account does not bind"),
            Text("核对 bind_dn 与 bind_password", "Compare bind_dn and bind_password"),
        )
    return unreachable("ldap_connect", error)


def _sample_check(count: int, *, with_sample: bool) -> Check:
    name = "ldap_sample"
    if not with_sample:
        return left_out(name, "未设 sample", "There is no sample in the settings")
    if count == 1:
        return well(name, "样例账号恰有一条", "The sample gives exactly one entry")
    return ill(
        name,
        Text(f"样例账号有 {count} 条", f"The sample gives {count} entries"),
        Text(
            "0 条：核对 base 与 filter；多条：收窄 filter",
            "0: compare base and filter; more: narrow the filter",
        ),
    )
