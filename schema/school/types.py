"""Schools as anybody may see them before signing in."""

from typing import Self

import strawberry

from core.school.policy import Policy
from core.school.policy_words import AuthMethod, Channel, Feature, FormField
from core.school.records import Campus as CampusRecord
from core.school.records import School as SchoolRecord
from schema.context import RequestInfo
from schema.directives import Bounded
from schema.money import Money
from schema.node import Node, node_id
from schema.school import words as _words  # noqa: F401 - describes the enums below
from schema.services import services


def by_language(info: RequestInfo, zh: str, en: str) -> str:
    """The text in the viewer's language."""
    return zh if info.context.language == "zh" else en


@strawberry.type(description="A campus of a school.")
class Campus:
    """A campus."""

    code: str = strawberry.field(description="Its code, unique in the school.")
    name_zh: str = strawberry.field(description="Its name in Chinese.")
    name_en: str = strawberry.field(description="Its name in English.")

    @strawberry.field(description="Its name in the viewer's language.")
    def name(self, info: RequestInfo) -> str:
        """The name."""
        return by_language(info, self.name_zh, self.name_en)

    @classmethod
    def of(cls, campus: CampusRecord) -> Self:
        """The client's view."""
        return cls(code=campus.code, name_zh=campus.name_zh, name_en=campus.name_en)


@strawberry.type(description="A school.")
class School(Node):
    """A school with the part of its policy that the pages before a sign-in follow."""

    school_id: strawberry.Private[int]
    code: str = strawberry.field(description="Its code, as `school(code)` takes it.")
    name_zh: str = strawberry.field(description="Its name in Chinese.")
    name_en: str = strawberry.field(description="Its name in English.")
    default_language: str = strawberry.field(
        description="What it speaks to whoever names no language: `zh` or `en`."
    )

    @strawberry.field(description="Its name in the viewer's language.")
    def name(self, info: RequestInfo) -> str:
        """The name."""
        return by_language(info, self.name_zh, self.name_en)

    @strawberry.field(description="Its campuses, at most 20.", directives=[Bounded(maximum=20)])
    async def campuses(self, info: RequestInfo) -> list[Campus]:
        """The campuses, by code."""
        return [Campus.of(each) for each in await services(info).schools.campuses(self.school_id)]

    @strawberry.field(
        description="The ways to prove a card, in the order to show them, at most 10.",
        directives=[Bounded(maximum=10)],
    )
    async def auth_methods(self, info: RequestInfo) -> list[AuthMethod]:
        """The policy's methods."""
        return list((await self._policy(info)).auth.methods)

    @strawberry.field(
        description="The fields of the form that binds a card, at most 10.",
        directives=[Bounded(maximum=10)],
    )
    async def form_fields(self, info: RequestInfo) -> list[FormField]:
        """The policy's fields."""
        return list((await self._policy(info)).auth.form_fields)

    @strawberry.field(
        description="Amounts to offer for a top-up, at most 10.", directives=[Bounded(maximum=10)]
    )
    async def top_up_presets(self, info: RequestInfo) -> list[Money]:
        """The policy's presets."""
        presets = (await self._policy(info)).top_up.presets_minor
        return [Money.of(minor) for minor in presets[:10]]

    @strawberry.field(
        description="What the school offers in this app, at most 25.",
        directives=[Bounded(maximum=25)],
    )
    async def features(self, info: RequestInfo) -> list[Feature]:
        """The policy's features."""
        rules = (await self._policy(info)).channel
        return [feature for feature in Feature if rules.offers(feature, Channel.NATIVE)]

    async def _policy(self, info: RequestInfo) -> Policy:
        return await services(info).schools.policy(self.school_id)

    @classmethod
    def of(cls, school: SchoolRecord) -> Self:
        """The client's view."""
        return cls(
            id=node_id("School", school.id, school.id),
            school_id=school.id,
            code=school.code,
            name_zh=school.name_zh,
            name_en=school.name_en,
            default_language=school.default_language,
        )
