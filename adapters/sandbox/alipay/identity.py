"""Whom the pretend Alipay knows: codes, tokens, released facts, comparisons, telephones."""

import json
import secrets
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from adapters.sandbox.alipay.keys import AlipayKeys
from adapters.sandbox.alipay.protocol import Call, Refusal, write_time
from adapters.sandbox.people import Person, pseudonym

CODE_LIFE = timedelta(minutes=3)
_SUCCESS = {"code": "10000", "msg": "Success"}
_NOT_AUTHORISED = ("40003", "isv.invalid-auth-relations")


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a person agreed to in the wallet; `releases` are the fields they ticked."""

    person: Person
    scopes: tuple[str, ...]
    releases: tuple[str, ...]
    grouped: bool
    at: datetime


class Identity:
    """Codes and references are good once."""

    def __init__(self, app_id: str, keys: AlipayKeys, now: Callable[[], datetime]) -> None:
        self._app_id = app_id
        self._keys = keys
        self._now = now
        self._codes: dict[str, Agreed] = {}
        self._tokens: dict[str, Agreed] = {}
        self._comparisons: dict[str, dict[str, Any]] = {}

    def open_id(self, person: Person) -> str:
        """How the app's backend knows somebody."""
        return pseudonym(self._app_id, person, 48)

    def new_code(
        self, person: Person, scopes: Sequence[str], releases: Sequence[str], *, grouped: bool
    ) -> str:
        """The code that the wallet hands to the app."""
        code = secrets.token_hex(16)
        self._codes[code] = Agreed(person, tuple(scopes), tuple(releases), grouped, self._now())
        return code

    def new_phone(self, person: Person, *, agrees: bool) -> dict[str, str]:
        """The payload of `my.getPhoneNumber`: the same for the same number."""
        facts = _SUCCESS | {"mobile": person.phone}
        if not agrees:
            code, sub_code = _NOT_AUTHORISED
            facts = {"code": code, "msg": "Insufficient Conditions", "subCode": sub_code}
        padder = PKCS7(128).padder()
        padded = padder.update(json.dumps(facts).encode()) + padder.finalize()
        sealer = Cipher(AES(self._keys.aes_key), CBC(bytes(16))).encryptor()
        response = b64encode(sealer.update(padded) + sealer.finalize()).decode()
        return {"response": response, "sign": self._keys.now.sign(f'"{response}"'.encode())}

    def token(self, call: Call) -> dict[str, Any]:
        """alipay.system.oauth.token; a good answer has no code."""
        if call.fields.get("grant_type") != "authorization_code":
            raise Refusal("40002", "isv.grant-type-invalid")
        agreed = self._codes.pop(call.fields.get("code", ""), None)
        if agreed is None or self._now() - agreed.at > CODE_LIFE:
            raise Refusal("40002", "isv.code-invalid")
        token = secrets.token_hex(20)
        self._tokens[token] = agreed
        facts: dict[str, Any] = {
            "access_token": token,
            "auth_start": write_time(self._now()),
            "expires_in": 1296000,
            "re_expires_in": 2592000,
            "refresh_token": secrets.token_hex(20),
            "open_id": self.open_id(agreed.person),
        }
        if agreed.grouped:
            facts["union_id"] = pseudonym("group", agreed.person)
        return facts

    def share(self, call: Call) -> dict[str, Any]:
        """alipay.user.info.share: a wallet without a real name also says one."""
        agreed = self._agreed(call, "auth_user")
        person = agreed.person
        facts = {
            "user_name": person.name,
            "cert_type": "0",
            "cert_no": person.id_number,
            "mobile": person.phone,
            "is_student_certified": "F",
        }
        return _SUCCESS | {
            "open_id": self.open_id(person),
            "user_type": "2",
            "is_certified": "T" if person.id_number else "F",
            **{name: text for name, text in facts.items() if name in agreed.releases and text},
        }

    def preconsult(self, call: Call) -> dict[str, Any]:
        """alipay.user.certdoc.certverify.preconsult."""
        if not call.content.get("user_name") or not call.content.get("cert_no"):
            raise Refusal("40004", "INVALID_PARAMETER")
        verify_id = secrets.token_hex(16)
        self._comparisons[verify_id] = dict(call.content)
        return _SUCCESS | {"verify_id": verify_id}

    def consult(self, call: Call) -> dict[str, Any]:
        """alipay.user.certdoc.certverify.consult."""
        person = self._agreed(call, "id_verify").person
        asked = self._comparisons.pop(call.content.get("verify_id", ""), None)
        if asked is None:
            raise Refusal("40004", "VERIFY_ID_INVALID")
        known = {
            "user_name": person.name,
            "cert_type": "IDENTITY_CARD",
            "cert_no": person.id_number,
            "mobile": person.phone,
        }
        wrong = [name for name, text in asked.items() if known.get(name) != text]
        if not wrong:
            return _SUCCESS | {"passed": "T"}
        return _SUCCESS | {
            "passed": "F",
            "fail_reason": "DATA_NOT_MATCH",
            "fail_params": json.dumps(wrong),
        }

    def _agreed(self, call: Call, scope: str) -> Agreed:
        agreed = self._tokens.get(call.fields.get("auth_token", ""))
        if agreed is None:
            raise Refusal("20001", "aop.invalid-auth-token")
        if scope not in agreed.scopes:
            raise Refusal(*_NOT_AUTHORISED)
        return agreed
