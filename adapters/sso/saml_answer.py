"""Reads a SAML answer: python3-saml verifies, and this refuses what it would let pass."""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.sso.api import Attributes, Denied, Misconfigured, ProtocolViolation

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
SCOPED = frozenset(
    {
        "eduPersonPrincipalName", "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
        "eduPersonScopedAffiliation", "urn:oid:1.3.6.1.4.1.5923.1.1.1.9",
        "eduPersonUniqueId", "urn:oid:1.3.6.1.4.1.5923.1.1.1.13",
        "subject-id", "urn:oasis:names:tc:SAML:attribute:subject-id",
        "pairwise-id", "urn:oasis:names:tc:SAML:attribute:pairwise-id",
    }
)  # fmt: skip
"""Attributes whose value names, behind an @, the school it is true in."""
_FRESH = timedelta(minutes=3)
"""An assertion is made while the browser waits for it."""
_REASONS = {
    "WRONG_INRESPONSETO": "the answer is to another request",
    "WRONG_DESTINATION": "the answer is for another address (Destination)",
    "WRONG_AUDIENCE": "the assertion is for somebody else (Audience)",
    "WRONG_ISSUER": "the answer is of another identity provider",
    "ASSERTION_TOO_EARLY": "the assertion is not valid yet: compare the clocks",
    "ASSERTION_EXPIRED": "the assertion has expired: compare the clocks",
    "NO_SIGNATURE_FOUND": "the answer is not signed",
    "INVALID_SIGNATURE": "the signature is not by idp_cert",
    "DEPRECATED_SIGNATURE_METHOD": "the answer is signed with SHA-1",
    "DEPRECATED_DIGEST_METHOD": "the answer is signed with SHA-1",
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer must be to, for and from."""

    request_id: str
    callback_url: str
    sp_entity_id: str
    scopes: tuple[str, ...]
    leeway_seconds: int


@dataclass(frozen=True, slots=True)
class Read:
    """A verified assertion."""

    assertion_id: str
    name_id: str | None = field(repr=False)
    transient: bool
    attributes: Attributes = field(repr=False)
    session_index: str | None = field(repr=False)
    authenticated_at: int | None


def read_answer(
    answer: str,
    settings: Mapping[str, Any],
    request: Mapping[str, Any],
    expected: Expected,
    now: datetime,
) -> Read:
    """The one assertion of a base64 answer, verified; blocks.

    Raises: Denied, ProtocolViolation, Misconfigured.
    """
    response = _verified(answer, settings, request, expected.request_id)
    document = response.decrypted_document if response.encrypted else response.document
    (assertion,) = document.findall(f"{SAML}Assertion")
    _check_addressee(document, assertion, expected)
    _check_times(assertion, now, timedelta(seconds=expected.leeway_seconds))
    attributes = dict(_attributes(assertion))
    _check_scopes(attributes, expected.scopes)
    name_id = assertion.find(f"{SAML}Subject/{SAML}NameID")
    statement = assertion.find(f"{SAML}AuthnStatement")
    at = statement.get("AuthnInstant") if statement is not None else None
    return Read(
        str(assertion.get("ID")),
        _text(name_id) if name_id is not None else None,
        name_id is not None and name_id.get("Format") == _TRANSIENT,
        attributes,
        statement.get("SessionIndex") if statement is not None else None,
        int(_instant(at).timestamp()) if at else None,
    )


def _verified(
    answer: str, settings: Mapping[str, Any], request: Mapping[str, Any], request_id: str
) -> Any:  # noqa: ANN401 - python3-saml has no types
    try:
        library = importlib.import_module("onelogin.saml2.response")
        errors = importlib.import_module("onelogin.saml2.errors")
        configured = importlib.import_module("onelogin.saml2.settings")
    except ImportError:
        raise Misconfigured("kind saml needs the extra [saml] (python3-saml)") from None
    try:
        known = configured.OneLogin_Saml2_Settings(dict(settings))
    except errors.OneLogin_Saml2_Error as error:
        raise Misconfigured(f"python3-saml refuses the settings (code {error.code})") from None
    try:
        response = library.OneLogin_Saml2_Response(known, answer)
        response.is_valid(dict(request), request_id, raise_exceptions=True)
    except errors.OneLogin_Saml2_ValidationError as error:
        if error.code == errors.OneLogin_Saml2_ValidationError.STATUS_CODE_IS_NOT_SUCCESS:
            raise Denied("the identity provider says no") from None
        reasons = {getattr(type(error), name): hint for name, hint in _REASONS.items()}
        raise ProtocolViolation(reasons.get(error.code, "the answer is not valid")) from None
    except Exception:
        raise ProtocolViolation("the answer is malformed") from None
    return response


def _check_addressee(document: Any, assertion: Any, expected: Expected) -> None:  # noqa: ANN401 - lxml
    if not expected.request_id or document.get("InResponseTo") != expected.request_id:
        raise ProtocolViolation("the answer is to no request of this sign-on (InResponseTo)")
    if document.get("Destination") != expected.callback_url:
        raise ProtocolViolation("the answer is for another address (Destination)")
    audiences = assertion.findall(f"{SAML}Conditions/{SAML}AudienceRestriction/{SAML}Audience")
    if expected.sp_entity_id not in map(_text, audiences):
        raise ProtocolViolation("the assertion is for somebody else (Audience)")
    confirmations = _confirmations(assertion)
    if not confirmations or not all(
        each.get("Recipient") == expected.callback_url
        and each.get("InResponseTo") == expected.request_id
        and each.get("NotOnOrAfter")
        for each in confirmations
    ):
        raise ProtocolViolation("the assertion is for another address or request (Recipient)")


def _check_times(assertion: Any, now: datetime, leeway: timedelta) -> None:  # noqa: ANN401 - lxml
    bounds = [assertion.find(f"{SAML}Conditions"), *_confirmations(assertion)]
    for bound in bounds:
        begins, ends = bound.get("NotBefore"), bound.get("NotOnOrAfter")
        if begins and _instant(begins) > now + leeway:
            raise ProtocolViolation("the assertion is not valid yet: compare the clocks")
        if ends and _instant(ends) <= now - leeway:
            raise ProtocolViolation("the assertion has expired: compare the clocks")
    if abs(_instant(assertion.get("IssueInstant")) - now) > _FRESH + leeway:
        raise ProtocolViolation("the assertion is not of this moment: compare the clocks")


def _check_scopes(attributes: Attributes, scopes: tuple[str, ...]) -> None:
    if not scopes:
        return
    for name in SCOPED & attributes.keys():
        for value in attributes[name]:
            if value.rpartition("@")[2] not in scopes or "@" not in value:
                raise ProtocolViolation(f"{name} is of another school's scope")


def _confirmations(assertion: Any) -> list[Any]:  # noqa: ANN401 - lxml
    return [
        data
        for each in assertion.findall(f"{SAML}Subject/{SAML}SubjectConfirmation")
        if each.get("Method") == _BEARER
        for data in each.findall(f"{SAML}SubjectConfirmationData")
    ]


def _attributes(assertion: Any) -> Iterator[tuple[str, tuple[str, ...]]]:  # noqa: ANN401 - lxml
    """By name and, where there is one, by friendly name."""
    found: dict[str, tuple[str, ...]] = {}
    for each in assertion.findall(f"{SAML}AttributeStatement/{SAML}Attribute"):
        values = tuple(map(_text, each.findall(f"{SAML}AttributeValue")))
        for name in {each.get("Name"), each.get("FriendlyName")} - {None, ""}:
            found[name] = (*found.get(name, ()), *values)
    yield from found.items()


def _text(element: Any) -> str:  # noqa: ANN401 - lxml
    """All of it, also that of a NameID within a value (eduPersonTargetedID)."""
    return str(element.xpath("string()")).strip()


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise ProtocolViolation("the assertion holds a time we cannot read") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
