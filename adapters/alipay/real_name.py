"""The real name behind a wallet: compared without our learning it, or released by the holder.

Compared by `alipay.user.certdoc.certverify.preconsult` and `.consult`, released by
`alipay.user.info.share`.
"""

import re

from adapters.alipay.client import AlipayClient
from adapters.alipay.sign_in import authorised
from adapters.alipay.wire import Facts, mobile_of
from core.ports.channels import ClaimKind, IdentityClaim, RealName
from core.ports.providers import ProviderRefused, ProviderUnavailable

_PERSON = "2"
_YES = "T"
# Identity card, passport, temporary card, the passes and residence permits of Hong Kong, Macao
# and Taiwan, the permanent residence card. The others belong to no person of a school's register.
_DOCUMENTS = frozenset({"0", "1", "5", "11", "12", "13", "14", "16"})
_ID_NUMBER = re.compile(r"[0-9A-Z()]{5,24}")
_RESIDENCE_PERMITS = {
    "81": "RESIDENCE_PERMIT_HK_MC",
    "82": "RESIDENCE_PERMIT_HK_MC",
    "83": "RESIDENCE_PERMIT_TAIWAN",
}
"""By the region a permit's number begins with."""


class AlipayRealName:
    """Needs the capability `alipay.real_name`: an approved request for user information."""

    def __init__(self, client: AlipayClient, issuer: str) -> None:
        self._client = client
        self._issuer = issuer

    async def released(self, auth_code: str) -> tuple[str, tuple[IdentityClaim, ...]]:
        """The open id of the code (scope `auth_user`), and NAME, ID_NUMBER and PHONE as far as the
        holder released them; nothing of a wallet that is not certified or is a company's.

        Raises: ProviderRefused (CODE_EXPIRED, NOT_AUTHORISED, SESSION_EXPIRED),
        ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        person = await authorised(self._client, auth_code)
        facts = await self._client.ask("alipay.user.info.share", {}, {"auth_token": person.token})
        if facts.get("open_id", person.open_id) != person.open_id:
            raise ProviderUnavailable("alipay: the facts of somebody else")
        return person.open_id, tuple(
            IdentityClaim(kind, value, self._issuer) for kind, value in _certified(facts)
        )

    async def compare_begin(self, person: RealName) -> str:
        """A reference under which the wallet compares name, document and telephone.

        Raises: ProviderRefused (OTHER: the wallet compares no such document),
        ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        cert_type = _cert_type(person)
        if cert_type is None:
            raise ProviderRefused("document")
        content = {
            "user_name": person.name,
            "cert_type": cert_type,
            "cert_no": person.id_number,
            "mobile": person.phone,
        }
        facts = await self._client.ask(
            "alipay.user.certdoc.certverify.preconsult",
            {name: value for name, value in content.items() if value},
        )
        reference = facts.get("verify_id")
        if not isinstance(reference, str) or not reference:
            raise ProviderUnavailable("alipay: no verify_id")
        return reference

    async def compare(self, reference: str, auth_code: str) -> tuple[str, bool]:
        """The open id of the code (scope `id_verify`), and whether the facts are the wallet's own.

        Raises: ProviderRefused (CODE_EXPIRED, NOT_AUTHORISED, SESSION_EXPIRED),
        ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        person = await authorised(self._client, auth_code)
        facts = await self._client.ask(
            "alipay.user.certdoc.certverify.consult",
            {"verify_id": reference},
            {"auth_token": person.token},
        )
        return person.open_id, facts.get("passed") == _YES


def _certified(facts: Facts) -> list[tuple[ClaimKind, str]]:
    """What the wallet vouches for; a masked text (`张*`) is no fact."""
    if facts.get("is_certified") != _YES or facts.get("user_type", _PERSON) != _PERSON:
        return []
    name, number = (str(facts.get(field) or "").strip() for field in ("user_name", "cert_no"))
    phone = mobile_of(facts.get("mobile"))
    found = []
    if name and "*" not in name:
        found.append((ClaimKind.NAME, name))
    if str(facts.get("cert_type")) in _DOCUMENTS and _ID_NUMBER.fullmatch(number.upper()):
        found.append((ClaimKind.ID_NUMBER, number.upper()))
    if phone is not None:
        found.append((ClaimKind.PHONE, phone))
    return found


def _cert_type(person: RealName) -> str | None:
    """Alipay's word for the register's kind of document, where it compares one."""
    if not person.id_number:
        return None
    if person.id_type == "ID_CARD":
        return "IDENTITY_CARD"
    if person.id_type == "PASSPORT":
        return "PASSPORT"
    if person.id_type == "RESIDENCE_PERMIT":
        return _RESIDENCE_PERMITS.get(person.id_number[:2])
    return None
