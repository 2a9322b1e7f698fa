"""WeCom's names: the calls we make and what its errcodes mean (channels.md 5)."""

from adapters.tencent.calls import Kind
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderThrottled,
    RefusalReason,
)

ORIGIN = "https://qyapi.weixin.qq.com"
PATHS = {
    "/cgi-bin/gettoken": Kind.OPEN,
    "/cgi-bin/auth/getuserinfo": Kind.READ,
    "/cgi-bin/auth/getuserdetail": Kind.READ,
    "/cgi-bin/miniprogram/jscode2session": Kind.READ,
    "/cgi-bin/message/send": Kind.SEND,
}
# 40001 is a wrong secret here, and no new token mends it.
TOKEN_ERRORS = frozenset({40014, 42001})
MINUTE_SECONDS = 60
_REFUSED = {
    40029: RefusalReason.CODE_EXPIRED,
    84014: RefusalReason.CODE_EXPIRED,  # the user_ticket is too old
    84015: RefusalReason.CODE_EXPIRED,  # or is none
    81013: RefusalReason.TARGET,
}


def judge(path: str, errcode: int) -> Exception:
    """What an errcode other than 0 and -1 means; what nobody knows is for people to look at."""
    what = f"{path}: {errcode}"
    if errcode in _REFUSED:
        return ProviderRefused(what, _REFUSED[errcode])
    if errcode == 45009:
        return ProviderThrottled(what, MINUTE_SECONDS)
    return ProviderMisconfigured(what)
