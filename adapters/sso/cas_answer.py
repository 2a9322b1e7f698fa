"""What a CAS server answers to a ticket: versions 1 to 3, five shapes of attributes."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from adapters.sso.api import (
    Answer,
    Attributes,
    Denied,
    Misconfigured,
    ProtocolViolation,
    SSOError,
    Upstream,
)
from adapters.sso.json_values import attributes_of, read_json, text_at
from adapters.sso.xml_answer import read_xml, text_of, texts_in


class NotRegistered(Misconfigured):
    """The server does not know our service URL."""


_CLAIMED = frozenset({"user", "attributes", "attribute", "proxies", "proxyGrantingTicket"})
_VERDICTS = frozenset({"authenticationSuccess", "authenticationFailure"})
_FAILURES: dict[str, tuple[type[SSOError], str]] = {
    "INVALID_TICKET": (Denied, "the ticket is unknown, used or too old"),
    "INVALID_TICKET_SPEC": (Denied, "the ticket is not a service ticket"),
    "INVALID_SERVICE": (Denied, "the ticket was issued for another service"),
    "UNAUTHORIZED_SERVICE": (NotRegistered, "our service is not registered"),
    "UNAUTHORIZED_SERVICE_PROXY": (NotRegistered, "our service is not registered"),
    "INVALID_REQUEST": (Misconfigured, "the server misses a parameter: check validate_path"),
    "INTERNAL_ERROR": (Upstream, "the server has an internal error"),
}


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the server names."""

    user: str = field(repr=False)
    attributes: Attributes = field(repr=False)


def read_cas(answer: Answer) -> Vouched:
    """Whom an answer names.

    Raises: Denied, ProtocolViolation, Misconfigured, Upstream.
    """
    if 300 <= answer.status < 400:
        raise Misconfigured("the validate path redirects: check server and validate_path")
    if answer.status >= 500:
        raise Upstream(f"the validate path answered {answer.status}")
    body = answer.body.strip()
    if body.startswith((b"yes\n", b"yes\r\n", b"no\n", b"no\r\n")) or body in {b"yes", b"no"}:
        return _version_1(body)
    if body.startswith(b"{"):
        return _json(body)
    content_type = answer.headers.get("content-type", "")
    if "html" in content_type or body[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise Misconfigured(f"the validate path answered {answer.status} with a page")
    return _xml(read_xml(answer.body, content_type))


def failure(code: str) -> SSOError:
    """The error of a CAS failure code."""
    error, hint = _FAILURES.get(code, (Denied, "the server refused the ticket"))
    return error(hint)


def _version_1(body: bytes) -> Vouched:
    lines = body.decode("utf-8", errors="replace").split("\n")
    user = lines[1].strip() if len(lines) > 1 else ""
    if lines[0].strip() != "yes" or not user:
        raise failure("INVALID_TICKET")
    return Vouched(user, {})


def _xml(root: Element) -> Vouched:
    if root.tag != "serviceResponse":
        raise ProtocolViolation("the answer is XML, but no CAS answer")
    verdicts = [each for each in root.iter() if each.tag in _VERDICTS]
    if len(verdicts) != 1 or verdicts[0] not in list(root):
        raise ProtocolViolation("the answer does not hold exactly one verdict")
    verdict = verdicts[0]
    if verdict.tag == "authenticationFailure":
        raise failure(verdict.get("code", ""))
    users = verdict.findall("user")
    if len(users) != 1 or len(users[0]) or not text_of(users[0]):
        raise ProtocolViolation("the answer does not name exactly one user")
    if verdict.find("proxies") is not None:
        raise ProtocolViolation("the ticket came through a proxy")
    return Vouched(text_of(users[0]), _attributes(verdict))


def _attributes(verdict: Element) -> Attributes:
    """jasig and nested: below `attributes`; flat: beside the user; named: `attribute` elements.

    Some servers say the same in two shapes: a name counts in the first that has it.
    """
    holders = verdict.findall("attributes")
    inside = [child for holder in holders for child in _without(holder, "attribute")]
    named: dict[str, tuple[str, ...]] = {}
    for each in (*verdict.findall("attribute"), *verdict.findall("attributes/attribute")):
        name, value = each.get("name", ""), each.get("value")
        named[name] = (*named.get(name, ()), text_of(each) if value is None else value)
    named.pop("", None)
    return {**named, **texts_in(_without(verdict, *_CLAIMED)), **texts_in(inside)}


def _without(parent: Element, *names: str) -> list[Element]:
    return [child for child in parent if child.tag not in names]


def _json(body: bytes) -> Vouched:
    try:
        whole = read_json(body)
    except ValueError:
        raise ProtocolViolation("the answer begins like JSON and is none") from None
    verdict = whole.get("serviceResponse", whole) if isinstance(whole, dict) else None
    verdict = verdict if isinstance(verdict, dict) else {}
    success, refusal = verdict.get("authenticationSuccess"), verdict.get("authenticationFailure")
    if isinstance(success, dict) == isinstance(refusal, dict):
        raise ProtocolViolation("the answer does not hold exactly one verdict")
    if not isinstance(success, dict):
        raise failure(text_at(refusal, "code") or "")
    user = text_at(success, "user")
    if not user:
        raise ProtocolViolation("the answer names no user")
    if success.get("proxies"):
        raise ProtocolViolation("the ticket came through a proxy")
    inner = success.get("attributes")
    return Vouched(user, attributes_of(inner if isinstance(inner, dict) else {}))
