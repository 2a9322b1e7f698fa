"""The schools and people of these tests, all invented."""

from core.audit.records import Actor, ActorKind
from core.identity.records import CardholderKind, RosterRow

CODE = "sample-7"
PIN = "271828"
PASSWORD = "sample plain words"
OPERATOR = Actor(ActorKind.OPERATOR, "sample-operator")
ALICE = RosterRow(
    row=2,
    number="S001",
    name="示例甲",
    kind=CardholderKind.STUDENT,
    phone="13800000001",
    email="alice@people.example",
    card_uid="00000000000001",
    old_balance_minor=5_000,
)
BOB = RosterRow(
    row=3,
    number="S002",
    name="示例乙",
    kind=CardholderKind.STAFF,
    email="bob@people.example",
    card_uid="00000000000002",
    old_balance_minor=1_000,
)


def school_file(school_id: int, policy: str = "") -> str:
    """A school's file; its own PIN is chosen in the app and a loss is released there."""
    return f"""
[school]
id = {school_id}
code = "sample-{school_id}"
name_zh = "示例大学"
name_en = "Sample University"
default_language = "ZH"

[[school.campuses]]
code = "NORTH"
name_zh = "示例北校区"
name_en = "Sample North"

[policy.auth]
methods = ["SSO", "REAL_NAME", "FORM", "WECOM_EMAIL"]
own_real_name_only = false

[policy.loss]
release_via = ["APP", "WINDOW"]

[policy.channel.features]
NEWS = ["ALIPAY_MINI"]
{policy}
"""
