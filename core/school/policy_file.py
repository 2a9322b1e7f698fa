"""Reads policies and school files, and refuses bad ones with every problem at once."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from core.school.policy import Policy
from core.school.policy_lint import contradictions
from core.school.policy_words import AuthMethod
from core.school.records import PolicyInvalid
from core.school.till_facts import DisplayFacts, MealPeriodFacts, PriceFacts, faults
from core.school.toml_lines import Path, key_lines, read_toml
from core.school.typed_table import Key, TableReader, annotations, rows

_CAMPUS_PATTERN = r"[A-Z][A-Z0-9_]{0,15}"
_CODE = r"[a-z][a-z0-9-]{0,31}"
_ADDRESS = r"(https://[!-~]{4,}|http://127\.0\.0\.1[!-~]*|/[!-~]+)"
CONNECTIONS = ("capability", "channel", "sso")
"""The tables of a school's file that adapters read (sso.md 5, channels.md 13)."""


class Language(StrEnum):
    """A language that every text exists in."""

    ZH = "ZH"
    EN = "EN"


@dataclass(frozen=True, slots=True)
class CampusFacts:
    """One campus as its school file states it."""

    code: Annotated[str, Key("校区代码", "Code of the campus", pattern=_CAMPUS_PATTERN)]
    name_zh: Annotated[str, Key("校区名称", "Name in Chinese")]
    name_en: Annotated[str, Key("校区英文名称", "Name in English")]


@dataclass(frozen=True, slots=True)
class SchoolFacts:
    """The school as its file states it; `id` is also the issuer of its codes (codes.md 1)."""

    id: Annotated[int, Key("学校编号，即发码方", "Number of the school, the issuer", 1, 65_535)]
    code: Annotated[str, Key("学校代码", "Code of the school", pattern=_CODE)]
    name_zh: Annotated[str, Key("学校名称", "Name in Chinese")]
    name_en: Annotated[str, Key("学校英文名称", "Name in English")]
    default_language: Annotated[Language, Key("默认语言", "Language of first choice")]
    campuses: Annotated[tuple[CampusFacts, ...], Key("校区", "Campuses")]
    crest_url: Annotated[
        str, Key("校徽图片地址", "Address of the crest", pattern=_ADDRESS, length=300)
    ] = ""


@dataclass(frozen=True, slots=True)
class ConsentFacts:
    """A document that people agree to before a card is bound (M-026)."""

    document: Annotated[str, Key("协议代码", "Code of the document", pattern=_CODE)]
    version: Annotated[int, Key("版本", "Version", 1, 9_999)]
    title_zh: Annotated[str, Key("标题", "Title in Chinese")]
    title_en: Annotated[str, Key("英文标题", "Title in English")]
    url: Annotated[str, Key("全文地址", "Where its text is", pattern=_ADDRESS, length=300)]
    sha256: Annotated[
        str, Key("全文的 SHA-256", "SHA-256 of its text", pattern="[0-9a-f]{64}", length=64)
    ]
    methods: Annotated[
        tuple[AuthMethod, ...],
        Key("适用的认证方式，空为全部", "For these ways to sign in; none: all", may_be_empty=True),
    ] = ()

    def applies_to(self, method: AuthMethod | None) -> bool:
        """Whether it is asked for in this way to prove a card; None is any way."""
        return method is None or not self.methods or method in self.methods


DocumentsOf = Callable[[int], Awaitable[tuple[ConsentFacts, ...]]]
"""The documents in force of a school, by its id."""


class ServicePointKind(StrEnum):
    """What is done at a place."""

    CARD_CENTRE = "CARD_CENTRE"
    WINDOW = "WINDOW"
    KIOSK = "KIOSK"
    HELP_DESK = "HELP_DESK"


@dataclass(frozen=True, slots=True)
class ServicePointFacts:
    """A place where people are helped (M-018)."""

    campus: Annotated[str, Key("校区代码", "Code of the campus", pattern=_CAMPUS_PATTERN)]
    kind: Annotated[ServicePointKind, Key("种类", "What is done there")]
    name_zh: Annotated[str, Key("名称", "Name in Chinese")]
    name_en: Annotated[str, Key("英文名称", "Name in English")]
    place_zh: Annotated[str, Key("位置", "Where it is, in Chinese")]
    place_en: Annotated[str, Key("英文位置", "Where it is, in English")]
    hours: Annotated[str, Key("开放时间", "When it is open")] = ""
    phone: Annotated[str, Key("电话", "Telephone", pattern=r"[0-9+() -]{3,30}")] = ""


@dataclass(frozen=True, slots=True)
class SchoolFile:
    """What one file of `config/schools` says.

    `connections` are the tables that say how the school's channels and sign-on are reached; they
    are kept as they stand and read by the adapters.
    """

    school: SchoolFacts
    policy: Policy
    consents: tuple[ConsentFacts, ...] = ()
    service_points: tuple[ServicePointFacts, ...] = ()
    connections: Mapping[str, object] = field(default_factory=dict)
    meal_periods: tuple[MealPeriodFacts, ...] = ()
    prices: tuple[PriceFacts, ...] = ()
    display: DisplayFacts | None = None


_LISTS: Mapping[str, type] = {
    "consent": ConsentFacts,
    "service_point": ServicePointFacts,
    "meal_period": MealPeriodFacts,
    "price": PriceFacts,
}


def parse_policy(text: str) -> Policy:
    """The policy in a TOML text whose top-level tables are the groups of the policy table.

    Raises: PolicyInvalid.
    """
    document = read_toml(text)
    reader = TableReader(key_lines(text), _known_keys(""))
    policy = _read_policy(reader, document, ())
    if reader.problems:
        raise PolicyInvalid(reader.problems)
    return policy


def parse_school_file(text: str) -> SchoolFile:
    """The school and policy in a TOML text with the tables `[school]` and `[policy]`.

    Raises: PolicyInvalid.
    """
    document = read_toml(text)
    tables = ["school", "policy", "display", *_LISTS, *CONNECTIONS]
    reader = TableReader(key_lines(text), [*tables, *_known_facts(), *_known_keys("policy.")])
    for name in document.keys() - set(tables):
        reader.refuse_unknown((name,))
    school = reader.read(SchoolFacts, document.get("school", {}), ("school",))
    policy = _read_policy(reader, document.get("policy", {}), ("policy",))
    consents = reader.read_list(ConsentFacts, document.get("consent", []), ("consent",))
    points = reader.read_list(
        ServicePointFacts, document.get("service_point", []), ("service_point",)
    )
    meals = reader.read_list(MealPeriodFacts, document.get("meal_period", []), ("meal_period",))
    prices = reader.read_list(PriceFacts, document.get("price", []), ("price",))
    display = (
        reader.read(DisplayFacts, document["display"], ("display",))
        if "display" in document
        else None
    )
    if school is not None:
        _check_campuses(reader, school, policy, points)
    _check_consents(reader, consents)
    if not reader.problems:  # the places in a list are those of the file only if all could be read
        for fault in faults(meals, prices):
            reader.refuse((fault.table, str(fault.place), fault.key), fault.zh, fault.en)
    if reader.problems or school is None:
        raise PolicyInvalid(reader.problems)
    connections = {name: document[name] for name in CONNECTIONS if name in document}
    return SchoolFile(school, policy, consents, points, connections, meals, prices, display)


def _known_facts() -> list[str]:
    facts = [f"school.{name}" for name in annotations(SchoolFacts)]
    campus = [f"school.campuses.0.{name}" for name in annotations(CampusFacts)]
    listed = [f"{table}.0.{n}" for table, record in _LISTS.items() for n in annotations(record)]
    display = [f"display.{name}" for name in annotations(DisplayFacts)]
    return [*facts, *campus, *listed, *display]


def _known_keys(prefix: str) -> list[str]:
    names = [row.name for row in rows(Policy())]
    groups = {name.rpartition(".")[0] for name in names}
    return [prefix + name for name in sorted(groups | set(names))]


def _read_policy(reader: TableReader, table: object, path: Path) -> Policy:
    policy = reader.read(Policy, table, path, Policy()) or Policy()
    prefix = "".join(f"{name}." for name in path)
    broken = {problem.key.removeprefix(prefix) for problem in reader.problems}
    given = {name.removeprefix(prefix) for name in reader.given}
    for rule in contradictions(policy, given):
        if not broken.intersection(rule.keys):
            place = next((key for key in rule.keys if key in given), rule.keys[0])
            reader.refuse((*path, *place.split(".")), rule.zh, rule.en)
    return policy


def _check_campuses(
    reader: TableReader,
    school: SchoolFacts,
    policy: Policy,
    points: tuple[ServicePointFacts, ...],
) -> None:
    codes = [campus.code for campus in school.campuses]
    for place, code in enumerate(codes):
        if code in codes[:place]:
            path = ("school", "campuses", str(place), "code")
            reader.refuse(path, "校区代码重复", "A campus code occurs twice")
    for feature, campuses in policy.campus.features.items():
        for code in sorted(campuses - set(codes)):
            path = ("policy", "campus", "features", feature)
            reader.refuse(path, f"没有校区 {code}", f"There is no campus {code}")
    for place, point in enumerate(points):
        if point.campus not in codes:
            there = ("service_point", str(place), "campus")
            reader.refuse(there, f"没有校区 {point.campus}", f"There is no campus {point.campus}")


def _check_consents(reader: TableReader, consents: tuple[ConsentFacts, ...]) -> None:
    named = [consent.document for consent in consents]
    for place, document in enumerate(named):
        if document in named[:place]:
            path = ("consent", str(place), "document")
            reader.refuse(path, "协议代码重复", "A document occurs twice")
