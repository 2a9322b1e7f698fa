"""Withhold agreements and what is collected under them (channels.md 3.3).

The product is general withholding, whose collections need no scene and no wallet code. A user who
ends an agreement in the wallet, or an agreement that expires, may leave no notice: `query` knows.
"""

from dataclasses import dataclass
from datetime import datetime

from adapters.alipay.client import AlipayClient
from adapters.alipay.settings import SubMerchantSettings
from adapters.alipay.wire import Facts, fen, instant_of, subject_text, yuan
from core.ports.providers import Done, Outcome, RefusalReason, Refused, Unknown

_PRODUCT = "GENERAL_WITHHOLDING"
_PERSONAL_PRODUCT = "GENERAL_WITHHOLDING_P"
_USABLE = "NORMAL"
_ACCEPTED = "S"


@dataclass(frozen=True, slots=True)
class Agreement:
    """A mandate to debit later. `single_quota_minor` is the most one collection may take."""

    agreement_no: str
    status: str
    invalid_at: datetime | None
    single_quota_minor: int | None

    @property
    def is_usable(self) -> bool:
        """Whether money may be collected under it: no status but NORMAL allows that."""
        return self.status == _USABLE


@dataclass(frozen=True, slots=True)
class Collection:
    """An accepted debit: paid at `paid_at`, or, where that is None, `Payments.query` tells."""

    trade_no: str | None
    paid_at: datetime | None


class Agreements:
    """The agreements of one app; `number` is ours, 1 to 32 letters and digits."""

    def __init__(
        self, client: AlipayClient, sign_scene: str, sub_merchant: SubMerchantSettings | None
    ) -> None:
        self._client = client
        self._sign_scene = sign_scene
        self._sub_merchant = sub_merchant

    def sign_text(self, number: str, signer: str) -> str:
        """The signed text for `my.paySignCenter`; `signer` is the open id that may sign."""
        content: dict[str, object] = {
            "product_code": _PRODUCT,
            "personal_product_code": _PERSONAL_PRODUCT,
            "sign_scene": self._sign_scene,
            "external_agreement_no": number,
            "access_params": {"channel": "ALIPAYAPP"},
            "identity_params": {"sign_open_id": signer},
        }
        if self._sub_merchant is not None:
            content["sub_merchant"] = {
                "sub_merchant_id": self._sub_merchant.id,
                "sub_merchant_name": self._sub_merchant.name,
                "sub_merchant_service_name": self._sub_merchant.service_name,
                "sub_merchant_service_description": self._sub_merchant.service_description,
            }
        return self._client.signed_text("alipay.user.agreement.page.sign", content)

    async def query(self, number: str, signer: str) -> Outcome[Agreement]:
        """What stands between us and the signer.

        Raises: ProviderUnavailable (nothing was sent), ProviderThrottled, ProviderMisconfigured.
        """
        return await self._client.attempt(
            "alipay.user.agreement.query", self._named(number, signer), _agreement
        )

    async def unsign(self, number: str, signer: str) -> Outcome[None]:
        """Ends an agreement. `Unknown`: `query` tells.

        Raises: ProviderUnavailable (nothing was sent), ProviderThrottled, ProviderMisconfigured.
        """
        return await self._client.attempt(
            "alipay.user.agreement.unsign", self._named(number, signer), lambda _facts: None
        )

    async def collect(
        self,
        number: str,
        amount_minor: int,
        subject: str,
        agreement_no: str,
        permission: str | None = None,
    ) -> Outcome[Collection]:
        """Debits under an agreement, later at Alipay's convenience; `number` is the order's.

        A refusal that names the agreement counts only if the agreement has really ended.
        Raises: ProviderUnavailable (nothing was sent), ProviderThrottled, ProviderMisconfigured.
        """
        agreement = {"agreement_no": agreement_no}
        if permission is not None:
            agreement["deduct_permission"] = permission
        outcome = await self._client.attempt(
            "alipay.trade.pay",
            {
                "out_trade_no": number,
                "total_amount": yuan(amount_minor),
                "subject": subject_text(subject),
                "product_code": _PRODUCT,
                "agreement_params": agreement,
                "is_async_pay": True,
                # Without it the answer does not say whether the debit was accepted.
                "query_options": ["async_pay_info"],
            },
            lambda facts: _collection(facts, number, amount_minor),
        )
        if isinstance(outcome, Refused) and outcome.reason is RefusalReason.AGREEMENT_ENDED:
            return await self._refused(outcome, agreement_no)
        return outcome

    async def _refused(self, refusal: Refused, agreement_no: str) -> Refused | Unknown:
        standing = await self._client.attempt(
            "alipay.user.agreement.query", {"agreement_no": agreement_no}, _agreement
        )
        ended = isinstance(standing, Refused) or (
            isinstance(standing, Done) and not standing.fact.is_usable
        )
        return refusal if ended else Unknown(refusal.code)

    def _named(self, number: str, signer: str) -> dict[str, object]:
        return {
            "external_agreement_no": number,
            "personal_product_code": _PERSONAL_PRODUCT,
            "sign_scene": self._sign_scene,
            "alipay_open_id": signer,
        }


def _agreement(facts: Facts) -> Agreement:
    invalid, quota = facts.get("invalid_time"), facts.get("single_quota")
    return Agreement(
        str(facts["agreement_no"]),
        str(facts["status"]),
        instant_of(invalid) if invalid else None,
        fen(quota) if quota else None,
    )


def _collection(facts: Facts, number: str, amount_minor: int) -> Collection:
    if facts["out_trade_no"] != number or fen(facts["total_amount"]) != amount_minor:
        raise ValueError("another collection")
    paid = facts.get("gmt_payment")
    if not paid and facts.get("async_pay_apply_status") != _ACCEPTED:
        raise ValueError("not accepted")
    return Collection(facts.get("trade_no"), instant_of(paid) if paid else None)
