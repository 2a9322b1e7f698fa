"""Settings of a policy that contradict each other, one row each."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.school.policy import Policy
from core.school.policy_words import (
    AuthMethod,
    FormField,
    Instrument,
    LossCredential,
    PinKind,
    Place,
    PurseModel,
)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A rule between keys: `holds` is false where the policy breaks it."""

    keys: tuple[str, ...]
    zh: str
    en: str
    holds: Callable[[Policy], bool]


def contradictions(policy: Policy, given: Collection[str]) -> Iterator[Contradiction]:
    """The rules that `policy` breaks; `given` are the names of the keys that its file sets."""
    for rule in _RULES:
        if not rule.holds(policy):
            yield rule
    if "claim.via" in given and policy.purse.model is PurseModel.SINGLE:
        yield _CLAIM_IN_SINGLE


def _zone_is_known(policy: Policy) -> bool:
    try:
        ZoneInfo(policy.day.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _query_pin_exists(policy: Policy) -> bool:
    return PinKind.QUERY in policy.pin.kinds


def _form_identifies(policy: Policy) -> bool:
    fields = set(policy.auth.form_fields)
    return bool(fields & {FormField.NUMBER, FormField.NUMBER_OR_CARD}) and bool(
        fields & {FormField.PIN, FormField.QUERY_PIN}
    )


def _has_form(policy: Policy) -> bool:
    return bool({AuthMethod.FORM, AuthMethod.EXTERNAL_FORM} & set(policy.auth.methods))


def _caps_are_reachable(policy: Policy) -> bool:
    offline = policy.offline
    return all(
        cap.amount_minor <= cap.total_minor
        for cap in (offline.cap_1, offline.cap_2, offline.cap_high, offline.cap_card)
    )


_CLAIM_IN_SINGLE = Contradiction(
    ("claim.via", "purse.model"),
    "钱包模式 SINGLE 无需领款，请删去 claim.via",
    "Nothing is claimed under purse.model SINGLE: delete claim.via",
    lambda _: False,
)

_RULES = (
    Contradiction(
        ("limit.daily_minor", "limit.single_minor"),
        "日累计限额不得小于单笔限额",
        "The daily limit is below the single limit",
        lambda policy: policy.limit.daily_minor >= policy.limit.single_minor,
    ),
    Contradiction(
        ("limit.app_max_minor", "limit.daily_minor"),
        "手机可设的最高限额小于默认日累计限额",
        "The highest limit of the app is below the daily limit",
        lambda policy: policy.limit.app_max_minor >= policy.limit.daily_minor,
    ),
    Contradiction(
        ("loss.release_via", "purse.model"),
        "ON_CARD 钱包的卡上有钱，不得在手机上解挂",
        "A card that holds money (ON_CARD) is not released in the app",
        lambda policy: (
            policy.purse.model is PurseModel.SINGLE or Place.APP not in policy.loss.release_via
        ),
    ),
    Contradiction(
        ("loss.credential", "pin.kinds"),
        "用查询密码挂失，须有查询密码",
        "A loss is reported by a query PIN that pin.kinds does not have",
        lambda policy: (
            LossCredential.QUERY_PIN not in policy.loss.credential or _query_pin_exists(policy)
        ),
    ),
    Contradiction(
        ("auth.form_fields", "pin.kinds"),
        "表单要查询密码，须有查询密码",
        "The form asks a query PIN that pin.kinds does not have",
        lambda policy: (
            FormField.QUERY_PIN not in policy.auth.form_fields or _query_pin_exists(policy)
        ),
    ),
    Contradiction(
        ("auth.form_fields", "auth.methods"),
        "表单须有学工号或卡号，以及密码",
        "The form needs a number and a PIN: a name proves nothing",
        lambda policy: not _has_form(policy) or _form_identifies(policy),
    ),
    Contradiction(
        ("offline.instruments",),
        "钱包付款码不得脱机",
        "A wallet never pays offline",
        lambda policy: Instrument.WALLET not in policy.offline.instruments,
    ),
    Contradiction(
        ("offline.instruments", "pay.priority"),
        "可脱机的介质不在支付优先级中",
        "An offline instrument is not in pay.priority",
        lambda policy: policy.offline.instruments <= set(policy.pay.priority),
    ),
    Contradiction(
        ("offline.cap_1", "offline.cap_2", "offline.cap_high", "offline.cap_card"),
        "脱机单笔上限大于累计上限",
        "An offline cap per purchase is above its sum",
        _caps_are_reachable,
    ),
    Contradiction(
        ("code.rotation_seconds", "code.life_seconds"),
        "码的刷新间隔大于有效期",
        "A code expires before the next one is shown",
        lambda policy: policy.code.rotation_seconds <= policy.code.life_seconds,
    ),
    Contradiction(
        ("closing.wait_days", "terminal.upload_days"),
        "销户等待天数须大于迟到记录最长天数",
        "An offline purchase may still arrive after closing.wait_days",
        lambda policy: policy.closing.wait_days > policy.terminal.upload_days,
    ),
    Contradiction(
        ("withhold.retry_days",),
        "扣款重试日须递增",
        "The days of withhold.retry_days must rise",
        lambda policy: all(one < two for one, two in pairwise(policy.withhold.retry_days)),
    ),
    Contradiction(
        ("appeal.staff_days", "appeal.merchant_days"),
        "学校裁定期限短于商户答复期限",
        "Staff decide before the merchant has to answer",
        lambda policy: policy.appeal.staff_days >= policy.appeal.merchant_days,
    ),
    Contradiction(
        ("day.zone",), "未知的时区", "Unknown time zone; use an IANA name", _zone_is_known
    ),
)
