"""Schools as anybody may see them before signing in."""

from typing import Annotated, Self

import strawberry

from core.ports.campus_sign_on import CampusSignOn, SignOnFlow
from core.school.features import grid, offered
from core.school.policy import Policy
from core.school.policy_file import ConsentFacts, SchoolFile, ServicePointFacts, ServicePointKind
from core.school.policy_words import AuthMethod, Channel, Feature, FormField
from core.school.records import Campus as CampusRecord
from core.school.records import School as SchoolRecord
from schema.context import RequestInfo
from schema.directives import Bounded
from schema.money import Money
from schema.node import Node, node_id
from schema.school import words as _words  # noqa: F401 - describes the enums below
from schema.services import services

InChannel = Annotated[Channel, strawberry.argument(description="The channel that shows it.")]
AtCampus = Annotated[
    str | None, strawberry.argument(description="The code of a campus; null: any of them.")
]
ByMethod = Annotated[
    AuthMethod | None, strawberry.argument(description="A way to prove a card; null: any of them.")
]


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


@strawberry.type(description="A place where people are helped.")
class ServicePoint:
    """An office, window or kiosk."""

    place: strawberry.Private[ServicePointFacts]
    kind: ServicePointKind = strawberry.field(description="What is done there.")
    campus_code: str = strawberry.field(description="The code of its campus.")
    hours: str | None = strawberry.field(description="When it is open, as the school writes it.")
    phone: str | None = strawberry.field(description="Its telephone number.")

    @strawberry.field(description="Its name in the viewer's language.")
    def name(self, info: RequestInfo) -> str:
        """The name."""
        return by_language(info, self.place.name_zh, self.place.name_en)

    @strawberry.field(description="Where it is, in the viewer's language.")
    def location(self, info: RequestInfo) -> str:
        """The place."""
        return by_language(info, self.place.place_zh, self.place.place_en)

    @classmethod
    def of(cls, place: ServicePointFacts) -> Self:
        """The client's view."""
        return cls(
            place=place,
            kind=place.kind,
            campus_code=place.campus,
            hours=place.hours or None,
            phone=place.phone or None,
        )


@strawberry.type(description="A document that people agree to, in one version.")
class ConsentDocument:
    """An agreement."""

    facts: strawberry.Private[ConsentFacts]
    document: str = strawberry.field(description="Its code, as `consents` of an input takes it.")
    version: int = strawberry.field(description="The version in force.")
    url: str = strawberry.field(description="Where its text is.")
    sha256: str = strawberry.field(description="SHA-256 of its text, 64 hexadecimal digits.")

    @strawberry.field(description="Its title in the viewer's language.")
    def title(self, info: RequestInfo) -> str:
        """The title."""
        return by_language(info, self.facts.title_zh, self.facts.title_en)

    @classmethod
    def of(cls, facts: ConsentFacts) -> Self:
        """The client's view."""
        return cls(
            facts=facts,
            document=facts.document,
            version=facts.version,
            url=facts.url,
            sha256=facts.sha256,
        )


@strawberry.type(description="A way to sign in at the school itself.")
class CampusSignOnOffer:
    """One provider of a school."""

    sign_on: strawberry.Private[CampusSignOn]
    id: strawberry.ID = strawberry.field(description="What `provider` of an input takes.")
    flow: SignOnFlow = strawberry.field(description="How it goes.")

    @strawberry.field(description="What its button says, in the viewer's language.")
    def label(self, info: RequestInfo) -> str:
        """The label."""
        return by_language(info, self.sign_on.label_zh, self.sign_on.label_en)

    @classmethod
    def of(cls, sign_on: CampusSignOn) -> Self:
        """The client's view."""
        return cls(sign_on=sign_on, id=strawberry.ID(sign_on.id), flow=sign_on.flow)


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
        description="What the school offers in a channel, at most 25.",
        directives=[Bounded(maximum=25)],
    )
    async def features(
        self, info: RequestInfo, channel: InChannel = Channel.NATIVE, campus: AtCampus = None
    ) -> list[Feature]:
        """The policy's features."""
        return offered(await self._policy(info), channel, campus)

    @strawberry.field(
        description="The tiles of the app's grid, in the school's order, at most 25.",
        directives=[Bounded(maximum=25)],
    )
    async def grid(
        self, info: RequestInfo, channel: InChannel = Channel.NATIVE, campus: AtCampus = None
    ) -> list[Feature]:
        """The policy's grid, without what is not offered."""
        return grid(await self._policy(info), channel, campus)

    @strawberry.field(description="Where the picture of its crest is; null where it has none.")
    async def crest_url(self, info: RequestInfo) -> str | None:
        """The address in the school's file."""
        return (await self._file(info)).school.crest_url or None

    @strawberry.field(
        description="Where people are helped, at most 50.", directives=[Bounded(maximum=50)]
    )
    async def service_points(
        self, info: RequestInfo, campus: AtCampus = None
    ) -> list[ServicePoint]:
        """The places in the school's file."""
        listed = (await self._file(info)).service_points
        return [ServicePoint.of(p) for p in listed if campus in {None, p.campus}][:50]

    @strawberry.field(
        description="What is agreed to before a card is bound, at most 10.",
        directives=[Bounded(maximum=10)],
    )
    async def consents(self, info: RequestInfo, method: ByMethod = None) -> list[ConsentDocument]:
        """The documents in the school's file."""
        listed = (await self._file(info)).consents
        return [ConsentDocument.of(each) for each in listed if each.applies_to(method)][:10]

    @strawberry.field(
        description="The campus sign-ons that a channel shows, in the school's order, at most 10.",
        directives=[Bounded(maximum=10)],
    )
    async def campus_sign_ons(
        self, info: RequestInfo, channel: InChannel = Channel.NATIVE
    ) -> list[CampusSignOnOffer]:
        """The providers in the school's file."""
        listed = await services(info).campus.list_offered(self.school_id, channel)
        return [CampusSignOnOffer.of(each) for each in listed[:10]]

    async def _file(self, info: RequestInfo) -> SchoolFile:
        return (await services(info).schools.in_force(self.school_id)).file

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
