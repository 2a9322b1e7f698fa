"""The file of the lab's school: every channel at the sandbox, every server as a campus sign-on."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.contract.sandbox import Sandbox
from tests.contract.sso.people import PUPILS
from tests.lab.servers import CONSENT, LabServer

SCHOOL, CODE = 7, "sample-7"
OTHER_SCHOOL, OTHER_CODE = 8, "sample-8"
"""Its file says the same, so that only what a login itself carries keeps the two apart."""
AGREED: Sequence[Mapping[str, object]] = [{"document": CONSENT, "version": 1}]
"""What a person of the lab agrees to at each sign-on."""
CHANNELS = ("ALIPAY_MINI", "WECHAT_MINI", "WECHAT_OFFICIAL", "WECOM", "NATIVE")
RETURN_TO: Mapping[str, str] = {
    "ALIPAY_MINI": "/pages/back",
    "WECHAT_MINI": "/pages/back",
    "WECHAT_OFFICIAL": "https://m.school.example/card/wechat",
    "WECOM": "https://m.school.example/card/wecom",
    "NATIVE": "https://m.school.example/card/app",
}
"""Where each channel's own page is; those of mini-programs are paths within them."""
_FACTS = """
[school]
id = {school}
code = "{code}"
name_zh = "示例大学"
name_en = "Sample University"
default_language = "ZH"

[[school.campuses]]
code = "NORTH"
name_zh = "示例北校区"
name_en = "Sample North"

[policy.auth]
methods = ["SSO", "REAL_NAME", "FORM", "WECOM_EMAIL"]

[policy.pin]
kinds = ["PAY"]
change_via = ["APP"]

[policy.code]
pin_at_first_open = false

[capability.alipay]
real_name = true

[capability.wecom]
private_info = true

[[consent]]
document = "{consent}"
version = 1
title_zh = "示例协议"
title_en = "Sample Terms"
url = "https://school.example/terms"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
methods = ["SSO"]
"""


class Safe:
    """Keeps each secret in a file of its own and says how the school's file refers to it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self._folder = folder

    def keep(self, name: str, secret: str) -> str:
        """The reference."""
        path = self._folder / re.sub(r"\W", "-", name)
        path.touch(0o600)
        path.write_text(secret, "utf-8")
        return f"${{file:{path}}}"


async def school_file(
    sandbox: Sandbox, servers: Iterable[LabServer], safe: Safe, school: int = SCHOOL,
    code: str = CODE,
) -> str:  # fmt: skip
    """The text of the file of one of the two schools."""
    parts = [_FACTS.format(school=school, code=code, consent=CONSENT)]
    for channel, table in (await _channels(sandbox, safe)).items():
        own = {"return_to": [RETURN_TO[channel]], **table}
        parts += [f"[channel.{channel.lower()}]", *_lines(own)]
    for server in servers:
        parts += ["[[sso]]", *_lines(_sign_on(server, safe))]
    return "\n".join(parts) + "\n"


async def _channels(sandbox: Sandbox, safe: Safe) -> dict[str, dict[str, Any]]:
    alipay, wechat, wecom = [
        await sandbox.credentials(name) for name in ("alipay", "wechat", "wecom")
    ]
    api, page = {"api_base": sandbox.url}, {"page_base": sandbox.url}
    return {
        "ALIPAY_MINI": {
            "app_id": alipay["app_id"], "gateway": sandbox.url + alipay["gateway"],
            "notify_url": "https://card.school.example/notify/alipay",
            "app_private_key": safe.keep("alipay.key", alipay["app_private_key"]),
            "alipay_public_key": alipay["alipay_public_key"],
            "aes_key": safe.keep("alipay.aes", alipay["aes_key"]),
        },
        "WECHAT_MINI": {
            "app_id": wechat["mini_app_id"], **api,
            "app_secret": safe.keep("wechat.mini", wechat["mini_app_secret"]),
        },
        "WECHAT_OFFICIAL": {
            "app_id": wechat["official_app_id"], **api, **page,
            "app_secret": safe.keep("wechat.official", wechat["official_app_secret"]),
        },
        "WECOM": {
            "corp_id": wecom["corp_id"], "agent_id": int(wecom["agent_id"]), **api, **page,
            "secret": safe.keep("wecom", wecom["secret"]),
        },
        "NATIVE": {},
    }  # fmt: skip


def _sign_on(server: LabServer, safe: Safe) -> dict[str, Any]:
    """A server's table; its map follows from what the server says of the first pupil."""
    named = {values[0]: name for name, values in server.released.items() if name != "$subject"}
    kept = {
        f"${{{name}}}": safe.keep(f"{server.name}.{name}", secret)
        for name, secret in server.references.items()
    }
    own = {key: kept.get(str(value), value) for key, value in server.table.items()}
    return {
        "id": server.name,
        "channels": list(CHANNELS),
        "label": {"zh": "统一身份认证", "en": "Campus sign-on"},
        **own,
        "map": {
            "subject": "$subject", "person_no": named[PUPILS[0].number],
            "name": named[PUPILS[0].name],
        },
        "link": {"mode": "person_no"},
    }  # fmt: skip


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in table.items()]


def _toml(value: Any) -> str:
    """A value in TOML; its strings are JSON's as long as they hold no DEL."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_lines(value)) + " }"
    return json.dumps(value, ensure_ascii=False)
