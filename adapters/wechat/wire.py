"""WeChat's names: the calls we make and what its errcodes mean (channels.md 4)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.tencent.calls import Kind
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderThrottled,
    RefusalReason,
)

ORIGIN = "https://api.weixin.qq.com"
STABLE_TOKEN = "/cgi-bin/stable_token"  # noqa: S105 - a path
PATHS = {
    STABLE_TOKEN: Kind.OPEN,
    "/sns/jscode2session": Kind.OPEN,
    "/sns/oauth2/access_token": Kind.OPEN,
    "/wxa/business/getuserphonenumber": Kind.READ,
    "/cgi-bin/message/subscribe/send": Kind.SEND,
    "/cgi-bin/message/subscribe/bizsend": Kind.SEND,
    "/cgi-bin/message/template/send": Kind.SEND,
}
TOKEN_ERRORS = frozenset({40001, 40014, 42001})
MINUTE_SECONDS = 60
_ZONE = ZoneInfo("Asia/Shanghai")
_REFUSED = {
    40029: RefusalReason.CODE_EXPIRED,
    40163: RefusalReason.CODE_EXPIRED,  # used already; the table's 40029 is also said for it
    40226: RefusalReason.RISK,
    43101: RefusalReason.NOT_AUTHORISED,  # the consent for a message is spent
    43004: RefusalReason.TARGET,
    43019: RefusalReason.TARGET,
    48002: RefusalReason.TARGET,
}


def judge(path: str, errcode: int, now: datetime) -> Exception:
    """What an errcode other than 0 and -1 means; what nobody knows is for people to look at."""
    what = f"{path}: {errcode}"
    if errcode in _REFUSED:
        return ProviderRefused(what, _REFUSED[errcode])
    if errcode == 45011:
        return ProviderThrottled(what, MINUTE_SECONDS)
    if errcode == 45009:
        return ProviderThrottled(what, seconds_to_midnight(now))
    return ProviderMisconfigured(what)


def seconds_to_midnight(now: datetime) -> int:
    """Seconds until daily quotas begin anew, at midnight in Shanghai."""
    local = now.astimezone(_ZONE)
    midnight = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), _ZONE)
    return int((midnight - local).total_seconds()) + 1
