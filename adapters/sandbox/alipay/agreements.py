"""Who lets the customer debit their wallet later."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.sandbox.alipay.protocol import Call, Refusal, write_time

_SUCCESS = {"code": "10000", "msg": "Success"}


@dataclass(slots=True)
class Agreement:
    """A mandate under the customer's number."""

    number: str
    agreement_no: str
    open_id: str
    scene: str
    signed_at: datetime
    status: str = "NORMAL"


class AgreementBook:
    """All agreements with the customer; an ended one is gone."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._agreements: dict[str, Agreement] = {}

    def sign(self, content: dict[str, Any], open_id: str) -> str | None:
        """What the person signs in the wallet: the agreement's number at Alipay, or None where
        the text is for somebody else or no withhold agreement."""
        number, scene = str(content.get("external_agreement_no", "")), content.get("sign_scene")
        products = (content.get("product_code"), content.get("personal_product_code"))
        signer = content.get("identity_params", {}).get("sign_open_id")
        if products != ("GENERAL_WITHHOLDING", "GENERAL_WITHHOLDING_P") or signer != open_id:
            return None
        if not number.isalnum() or len(number) > 32 or scene in {None, "DEFAULT|DEFAULT"}:
            return None
        agreement_no = "2099" + secrets.token_hex(8)
        self._agreements[number] = Agreement(number, agreement_no, open_id, scene, self._now())
        return agreement_no

    def change(self, number: str, status: str) -> bool:
        """What the person, or time, makes of an agreement: `STOP`, `NORMAL`, or `ENDED`."""
        if number not in self._agreements:
            return False
        if status == "ENDED":
            del self._agreements[number]
        else:
            self._agreements[number].status = status
        return True

    def query(self, call: Call) -> dict[str, Any]:
        """alipay.user.agreement.query."""
        agreement = self._named(call)
        return _SUCCESS | {
            "agreement_no": agreement.agreement_no,
            "external_agreement_no": agreement.number,
            "personal_product_code": "GENERAL_WITHHOLDING_P",
            "sign_scene": agreement.scene,
            "sign_time": write_time(agreement.signed_at),
            "invalid_time": "2115-02-01 00:00:00",
            "single_quota": "100.00",
            "status": agreement.status,
        }

    def unsign(self, call: Call) -> dict[str, Any]:
        """alipay.user.agreement.unsign."""
        del self._agreements[self._named(call).number]
        return _SUCCESS

    def payer(self, agreement_no: str) -> str:
        """Who pays under an agreement. Raises: Refusal."""
        for agreement in self._agreements.values():
            if agreement.agreement_no == agreement_no:
                if agreement.status != "NORMAL":
                    raise Refusal("40004", "ACQ.AGREEMENT_STATUS_NOT_NORMAL")
                return agreement.open_id
        raise Refusal("40004", "ACQ.AGREEMENT_NOT_EXIST")

    def _named(self, call: Call) -> Agreement:
        content = call.content
        for agreement in self._agreements.values():
            if content.get("agreement_no") == agreement.agreement_no:
                return agreement
            if (
                content.get("external_agreement_no") == agreement.number
                and content.get("alipay_open_id") == agreement.open_id
                and content.get("sign_scene") == agreement.scene
                and content.get("personal_product_code") == "GENERAL_WITHHOLDING_P"
            ):
                return agreement
        raise Refusal("40004", "USER_AGREEMENT_NOT_EXIST")
