"""A person who signs in at the school, step by step, and the rows that may not change."""

from dataclasses import dataclass

from core.identity.linking import LinkResult
from core.identity.records import Device, SessionRecord
from core.identity.service.campus_sign_in import Opened, Returned
from core.identity.subjects import challenge_of
from core.ports.campus_sign_on import CampusIdentity
from core.school.policy import Auth, Policy
from core.school.policy_words import AuthMethod, Channel
from tests.factories.doors import RETURN_TO
from tests.factories.identity import SCHOOL, Identity

ISSUER = "https://sso.example"
VERIFIER = "v" * 43
CALLBACK = "https://card.example/sso/1/cas/callback"


def offer_sign_on(identity: Identity) -> None:
    """The school offers its sign-on, and the form."""
    methods = (AuthMethod.SSO, AuthMethod.FORM)
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=methods))


async def mini(
    identity: Identity, subject: str = "open-1", channel: Channel = Channel.ALIPAY_MINI
) -> SessionRecord:
    """A session of a mini-program."""
    door = identity.doors.alipay if channel is Channel.ALIPAY_MINI else identity.doors.wechat
    tokens = await identity.channel_sign_in.sign_in(
        SCHOOL, channel, door.code(subject), Device("phone")
    )
    return tokens.session


@dataclass
class Person:
    """Whom the school's server knows, and the browser they hold."""

    identity: Identity
    said: CampusIdentity
    ticket: str = "ST-1"

    async def open(self, session: SessionRecord, verifier: str = VERIFIER) -> Opened:
        """Begins in a session and opens the start address in the browser."""
        challenge = challenge_of(verifier)
        start = await self.identity.campus_links.begin(session, "cas", challenge, RETURN_TO)
        return await self.identity.campus.open(SCHOOL, "cas", start)

    async def come_back(self, opened: Opened, cookie: str | None = None) -> Returned:
        """Signs in at the school and comes back with a fresh ticket."""
        self.identity.sign_ons.providers[0].people[self.ticket] = self.said
        returned = await self.identity.campus.finish(
            SCHOOL, "cas", opened.state, cookie or opened.cookie, CALLBACK,
            {"ticket": self.ticket}, {},
        )  # fmt: skip
        assert isinstance(returned, Returned)
        return returned

    async def sign_on(self, session: SessionRecord) -> LinkResult:
        """The whole way."""
        returned = await self.come_back(await self.open(session))
        return await self.identity.campus_links.complete(session, returned.code, VERIFIER)


def person(
    identity: Identity,
    subject: str = "u-1",
    person_no: str | None = None,
    name: str | None = None,
    session_ref: str | None = None,
) -> Person:
    """Somebody with what the school releases of them."""
    said = CampusIdentity(ISSUER, subject, person_no=person_no, name=name, session_ref=session_ref)
    return Person(identity, said)
