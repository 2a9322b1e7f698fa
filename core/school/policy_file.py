"""Reads policies and school files, and refuses bad ones with every problem at once."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from core.school.policy import Policy
from core.school.policy_lint import contradictions
from core.school.records import PolicyInvalid
from core.school.toml_lines import Path, key_lines, read_toml
from core.school.typed_table import Key, TableReader, annotations, rows

_CAMPUS_PATTERN = r"[A-Z][A-Z0-9_]{0,15}"


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
    code: Annotated[str, Key("学校代码", "Code of the school", pattern=r"[a-z][a-z0-9-]{0,31}")]
    name_zh: Annotated[str, Key("学校名称", "Name in Chinese")]
    name_en: Annotated[str, Key("学校英文名称", "Name in English")]
    default_language: Annotated[Language, Key("默认语言", "Language of first choice")]
    campuses: Annotated[tuple[CampusFacts, ...], Key("校区", "Campuses")]


@dataclass(frozen=True, slots=True)
class SchoolFile:
    """What one file of `config/schools` says."""

    school: SchoolFacts
    policy: Policy


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
    facts_known = [f"school.{name}" for name in annotations(SchoolFacts)]
    campus_known = [f"school.campuses.0.{name}" for name in annotations(CampusFacts)]
    known = ["school", "policy", *facts_known, *campus_known, *_known_keys("policy.")]
    reader = TableReader(key_lines(text), known)
    for name in document.keys() - {"school", "policy"}:
        reader.refuse_unknown((name,))
    school = reader.read(SchoolFacts, document.get("school", {}), ("school",))
    policy = _read_policy(reader, document.get("policy", {}), ("policy",))
    if school is not None:
        _check_campuses(reader, school, policy)
    if reader.problems or school is None:
        raise PolicyInvalid(reader.problems)
    return SchoolFile(school, policy)


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


def _check_campuses(reader: TableReader, school: SchoolFacts, policy: Policy) -> None:
    codes = [campus.code for campus in school.campuses]
    for place, code in enumerate(codes):
        if code in codes[:place]:
            path = ("school", "campuses", str(place), "code")
            reader.refuse(path, "校区代码重复", "A campus code occurs twice")
    for feature, campuses in policy.campus.features.items():
        for code in sorted(campuses - set(codes)):
            path = ("policy", "campus", "features", feature)
            reader.refuse(path, f"没有校区 {code}", f"There is no campus {code}")
