"""From what a school releases to what we keep: everything that is not mapped is dropped."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from adapters.sso.api import Assertion, Attributes, Denied, Incomplete
from adapters.sso.json_values import attributes_of, read_json
from core.ports.campus_sign_on import CampusIdentity

TEXT_MAXIMUM = 256
SUBJECT = "$subject"
KINDS = ("STUDENT", "STAFF", "TEMPORARY", "ALUMNI", "OTHER")
PersonKind = Literal["STUDENT", "STAFF", "TEMPORARY", "ALUMNI", "OTHER"]


def _names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _pattern(text: object) -> object:
    try:
        return re.compile(text) if isinstance(text, str) else text
    except (re.error, RecursionError, OverflowError):
        raise ValueError("not a regular expression") from None


Names = Annotated[tuple[str, ...], BeforeValidator(_names), Field(min_length=1, max_length=8)]
Match = Annotated[re.Pattern[str], BeforeValidator(_pattern)]


class Rule(BaseModel):
    """Where one value comes from: the first of `from` that gives one, or all of them joined."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    names: Names = Field(alias="from")
    json_path: str | None = Field(default=None, alias="json")
    match: Match | None = None
    values: Mapping[str, str] | None = None
    case: Literal["upper", "lower"] | None = None
    default: str | None = None
    join: str | None = None

    def value(self, read: Callable[[str], tuple[str, ...]]) -> str | None:
        """The value by what `read` gives for each name, None where there is none."""
        parts = self.parts(read)
        given = [part for part in parts if part]
        if self.join is not None:
            return self.join.join(given) if len(given) == len(parts) else self.default
        return given[0] if given else self.default

    def parts(self, read: Callable[[str], tuple[str, ...]]) -> list[str | None]:
        """What each name gives: its first value that passes every step."""
        return [next(filter(None, map(self._made, read(name))), None) for name in self.names]

    def _made(self, raw: str) -> str | None:
        text: str | None = raw[:TEXT_MAXIMUM]
        for step in (self._inside, self._matched, self._looked_up):
            text = step(text) if text else None
        if text and self.case:
            text = text.upper() if self.case == "upper" else text.lower()
        return text

    def _inside(self, text: str) -> str | None:
        if self.json_path is None:
            return text
        try:
            found = read_json(text)
        except ValueError:
            return None
        inside = attributes_of(found) if isinstance(found, dict) else {}
        return next(iter(inside.get(self.json_path, ())), None)

    def _matched(self, text: str) -> str | None:
        if self.match is None:
            return text
        found = self.match.search(text)
        if found is None:
            return None
        return found["v"] if "v" in self.match.groupindex else found[min(1, self.match.groups)]

    def _looked_up(self, text: str) -> str | None:
        return text if self.values is None else self.values.get(text, self.values.get("*"))


def _rule(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


AnyRule = Annotated[Rule, BeforeValidator(_rule)]


def _subject(value: object) -> object:
    return {"from": value, "join": ":"} if isinstance(value, list) else _rule(value)


def _joined_by_colon(rule: Rule) -> Rule:
    if rule.join not in {None, ":"}:
        raise ValueError("a joined subject is joined by ':'")
    if rule.default is not None:
        raise ValueError("a subject has no default: it would be shared")
    return rule


class KindRule(Rule):
    """The rule of the kind of person, whose results are ours."""

    values: Mapping[str, PersonKind] | None = None
    default: PersonKind | None = None


class AttributeMap(BaseModel):
    """`[sso.map]`: a rule for each fact we keep, and what a person must have to come in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Annotated[Rule, BeforeValidator(_subject), AfterValidator(_joined_by_colon)]
    person_no: AnyRule | None = None
    name: AnyRule | None = None
    kind: Annotated[KindRule, BeforeValidator(_rule)] | None = None
    phone: AnyRule | None = None
    email: AnyRule | None = None
    dept: AnyRule | None = None
    require: Mapping[str, tuple[str, ...]] = {}

    def rules(self) -> dict[str, Rule]:
        """The rules by their targets."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: rule for name, rule in named.items() if isinstance(rule, Rule)}


@dataclass(frozen=True, slots=True)
class Released:
    """What one sign-on released, by name, with or without the prefix `cas:`."""

    subject: str
    attributes: Attributes

    @classmethod
    def by(cls, assertion: Assertion) -> "Released":
        """That of an assertion."""
        plain = {name.removeprefix("cas:"): v for name, v in assertion.attributes.items()}
        return cls(assertion.subject, plain)

    def __call__(self, name: str) -> tuple[str, ...]:
        """The values of an attribute, or of `$subject`."""
        if name == SUBJECT:
            return (self.subject,)
        return self.attributes.get(name.removeprefix("cas:"), ())


def identity_of(
    assertion: Assertion, rules: AttributeMap, mandatory: frozenset[str]
) -> CampusIdentity:
    """What we keep of an assertion; the targets in `mandatory` must come out, and the subject.

    Raises: Denied (a required value is missing), Incomplete.
    """
    read = Released.by(assertion)
    for name, allowed in rules.require.items():
        if not set(read(name)) & set(allowed):
            raise Denied(f"{name} has none of the values that [sso.map] requires")
    subject = _subject_of(rules.subject, read)
    found: dict[str, Any] = {
        target: rule.value(read) for target, rule in rules.rules().items() if target != "subject"
    }
    missing = [name for name in sorted(mandatory) if not found.get(name)]
    if subject is None or missing:
        lost = ", ".join(missing if subject is not None else ["subject", *missing])
        names = ", ".join(sorted(read.attributes)) or "no attribute"
        raise Incomplete(f"no value for {lost}; the school released {names}")
    kind = found.get("kind")
    return CampusIdentity(
        issuer=assertion.issuer,
        subject=subject,
        person_no=found.get("person_no"),
        name=found.get("name"),
        kind=kind if kind in KINDS else None,
        phone=found.get("phone"),
        email=found.get("email"),
        department=found.get("dept"),
        auth_time=assertion.auth_time,
        session_ref=assertion.session_ref,
    )


def _subject_of(rule: Rule, read: Released) -> str | None:
    """Never cut, and its parts escaped before they are joined: two people stay two."""
    if any(len(value) > TEXT_MAXIMUM for name in rule.names for value in read(name)):
        return None
    if rule.join is None:
        return rule.value(read)
    parts = rule.parts(read)
    if not all(parts):
        return None
    escaped = [(part or "").replace("\\", "\\\\").replace(":", "\\:") for part in parts]
    return ":".join(escaped)
