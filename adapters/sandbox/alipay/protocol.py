"""The gateway's own reading of a request and its writing of an answer (OpenAPI 2.0, RSA2)."""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from adapters.sandbox.alipay.keys import AlipayKeys, Seal, serial
from adapters.sandbox.faults import Fault

SHANGHAI = ZoneInfo("Asia/Shanghai")
_TIME = "%Y-%m-%d %H:%M:%S"
_TOLERANCE = timedelta(minutes=15)
_UNKNOWN_SERIAL = "0" * 32


class Refusal(Exception):
    """The gateway's or a product's "no"; only an app that the gateway knows is answered signed."""

    def __init__(self, code: str, sub_code: str, *, signed: bool = True) -> None:
        super().__init__(sub_code)
        self.code = code
        self.sub_code = sub_code
        self.signed = signed

    def facts(self) -> dict[str, str]:
        """The answer's fields."""
        return {
            "code": self.code, "msg": "Refused", "sub_code": self.sub_code, "sub_msg": "沙箱拒绝",
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """A request that the gateway has verified: the fields beside and inside biz_content."""

    method: str
    fields: Mapping[str, str]
    content: Mapping[str, Any]

    @property
    def by_certificate(self) -> bool:
        """Whether the caller is in certificate mode."""
        return "app_cert_sn" in self.fields


def read_fields(*parts: str) -> dict[str, str]:
    """The fields of the query and the form; the same field twice has to say the same."""
    fields: dict[str, str] = {}
    for part in parts:
        for name, value in parse_qsl(part, keep_blank_values=True):
            if fields.setdefault(name, value) != value:
                raise Refusal("40002", "isv.invalid-parameter")
    return fields


def read_call(fields: Mapping[str, str], app_id: str, keys: AlipayKeys, now: datetime) -> Call:
    """Verifies a request. Raises: Refusal."""
    if fields.get("app_id") != app_id:
        raise Refusal("40002", "isv.invalid-app-id", signed=False)
    if fields.get("sign_type") != "RSA2":
        raise Refusal("40002", "isv.invalid-signature-type", signed=False)
    if not is_signed(fields, keys):
        raise Refusal("40002", "isv.invalid-signature")
    if abs(read_time(fields.get("timestamp", "")) - now) > _TOLERANCE:
        raise Refusal("40002", "isv.invalid-timestamp")
    try:
        content = json.loads(fields.get("biz_content") or "{}")
    except ValueError:
        raise Refusal("40002", "isv.invalid-parameter") from None
    return Call(fields.get("method", ""), fields, content)


def is_signed(fields: Mapping[str, str], keys: AlipayKeys) -> bool:
    """Whether the customer's app signed these fields, and by which certificates it says so."""
    if "app_cert_sn" in fields and (
        fields["app_cert_sn"] != serial(keys.app_certificate)
        or fields.get("alipay_root_cert_sn") != keys.root_serial
    ):
        return False
    pairs = sorted((name, value) for name, value in fields.items() if name != "sign" and value)
    content = "&".join(f"{name}={value}" for name, value in pairs)
    try:
        keys.app.public_key().verify(
            b64decode(fields.get("sign", "")), content.encode(), PKCS1v15(), SHA256()
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def write_answer(
    method: str, facts: Mapping[str, Any], keys: AlipayKeys, fault: Fault | None, *, serials: bool
) -> bytes:
    """The signed answer to a method, spoiled as a fault has it."""
    said = dict(facts)
    if fault is Fault.BRACE_IN_TEXT:
        said["msg"] = 'a } in "sign":"text" and a { too'
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    if fault is Fault.ESCAPED_SLASH:
        said["msg"] = "either/or"
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
    error = method == "alipay.system.oauth.token" and "sub_code" in said
    name = "error_response" if error else method.replace(".", "_") + "_response"
    members = [f'"{name}":{text}']
    seal = keys.later if fault is Fault.KEY_ROTATED else keys.now
    if serials:
        own = _UNKNOWN_SERIAL if fault is Fault.UNKNOWN_SERIAL else serial(seal.certificate)
        members.append(f'"alipay_cert_sn":"{own}"')
    if fault is not Fault.UNSIGNED_ANSWER:
        signed = text + " " if fault is Fault.WRONG_SIGNATURE else text
        members.append(f'"sign":"{seal.sign(signed.encode())}"')
    return ("{" + ",".join(members) + "}").encode()


def sign_notice(fields: Mapping[str, str], seal: Seal, *, keep_sign_type: bool) -> dict[str, str]:
    """A notice's fields with a signature: a trade's leaves `sign_type` out of it, an app's not."""
    full = {**fields, "sign_type": "RSA2"}
    pairs = sorted(
        (name, value)
        for name, value in full.items()
        if value and (keep_sign_type or name != "sign_type")
    )
    content = "&".join(f"{name}={value}" for name, value in pairs)
    return {**full, "sign": seal.sign(content.encode())}


def write_time(instant: datetime) -> str:
    """A time as Alipay writes it."""
    return instant.astimezone(SHANGHAI).strftime(_TIME)


def read_time(text: str) -> datetime:
    """A time as Alipay reads it. Raises: Refusal."""
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=SHANGHAI)
    except ValueError:
        raise Refusal("40002", "isv.invalid-timestamp") from None
