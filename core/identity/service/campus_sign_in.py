"""The hand-off of a campus sign-on: from a channel's session to the school's page and back.

Every secret is made here, kept as a hash, and good once (sso.md 10). What lies between two steps
may be lost at any moment: then the person starts again, and nothing is revived.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.identity.records import (
    MethodNotOffered,
    ReturnNotListed,
    SessionRecord,
    SignOnRefused,
    SignOnUnknown,
    StartAgain,
    TriesSpent,
)
from core.identity.service.attempt_store import AttemptStore
from core.identity.service.attempts import Attempts
from core.identity.service.channel_sign_in import check_challenge, draw_state
from core.identity.subjects import challenge_of
from core.kit.ids import Ids
from core.ports.campus_sign_on import (
    CampusIdentity,
    CampusSignOn,
    CampusSignOns,
    SignOnBegun,
    SignOnFailed,
    SignOnFlow,
    SignOnReturn,
)
from core.ports.channels import Doors
from core.school.policy import PolicyOf
from core.school.policy_words import AuthMethod

START_SECONDS = 120
STATE_SECONDS = 600
CODE_SECONDS = 60
FORM_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Opened:
    """An attempt in the browser: where it goes, and the cookie that marks this browser.

    `begun` is None for a school without a page: then our own form asks, and its answer leads to
    `return_to`, None for a test log-in.
    """

    state: str
    cookie: str
    begun: SignOnBegun | None
    label_zh: str
    label_en: str
    return_to: str | None


@dataclass(frozen=True, slots=True)
class Returned:
    """The way back to the client: `code` goes through the front channel that signed in."""

    channel: str
    return_to: str
    code: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What a test log-in of school IT would have come to; there is no session and no row.

    `released` is everything the school said, before the map.
    """

    released: Mapping[str, Sequence[str]]
    identity: CampusIdentity

    def mapped(self) -> dict[str, Any]:
        """What the map keeps, by name."""
        return asdict(self.identity)


@dataclass(frozen=True, slots=True)
class Denied:
    """The school did not take a password; `again` is the next try of the same attempt."""

    again: Opened


class CampusSignIn:
    """Attempts to sign in at the school, up to the code that proves one."""

    def __init__(
        self,
        ids: Ids,
        read_policy: PolicyOf,
        sign_ons: CampusSignOns,
        doors: Doors,
        attempts: AttemptStore,
        counters: Attempts,
    ) -> None:
        self._ids = ids
        self._read_policy = read_policy
        self._sign_ons = sign_ons
        self._doors = doors
        self._attempts = attempts
        self._counters = counters

    async def list_offered(self, school_id: int, channel: str) -> list[CampusSignOn]:
        """The providers that a channel shows, in the school's order."""
        if AuthMethod.SSO not in (await self._read_policy(school_id)).auth.methods:
            return []
        listed = await self._sign_ons.list_all(school_id)
        return [each for each in listed if channel in each.channels]

    async def begin(
        self, session: SessionRecord, provider_id: str, challenge: str, return_to: str
    ) -> str:
        """A start id, to be opened in the browser within 2 minutes.

        `challenge` is S256 of a secret that stays with the client.
        Raises: MethodNotOffered, SignOnUnknown, ReturnNotListed, ChallengeInvalid, Overloaded.
        """
        generation, provider = await self.offered(session, provider_id)
        if provider.flow is SignOnFlow.CODE:
            raise SignOnUnknown("provider")
        listed = await self._doors.return_addresses(session.school_id, session.channel)
        if return_to not in listed:
            raise ReturnNotListed("returnTo")
        check_challenge(challenge)
        return await self._put_start(
            session.school_id,
            {
                "provider": provider_id,
                "generation": generation,
                "challenge": challenge,
                "return_to": return_to,
                "channel": session.channel,
                "family": str(session.family_id),
            },
        )

    async def begin_test(self, school_id: int, provider_id: str) -> str:
        """A start id of school IT's own test, which makes no session and no row.

        Raises: SignOnUnknown, Overloaded.
        """
        found = await self._sign_ons.find(school_id, provider_id)
        if found is None:
            raise SignOnUnknown("provider")
        facts = {"provider": provider_id, "generation": found[0], "test": True}
        return await self._put_start(school_id, facts)

    async def open(self, school_id: int, provider_id: str, start_id: str) -> Opened:
        """The browser comes: the start id is gone by this, and a state and a cookie are made.

        Raises: StartAgain, SignOnFailed, Overloaded.
        """
        attempt = await self._attempts.take(school_id, "start", start_id)
        provider = await self._provider(school_id, provider_id, attempt)
        assert attempt is not None  # the provider was read from it
        return await self._reopen(school_id, attempt, provider)

    async def hold_form(self, school_id: int, form: Mapping[str, str]) -> str:
        """Keeps a posted callback for a minute: a cross-site POST carries no cookie (SAML).

        Raises: Overloaded.
        """
        key = self._secret()
        await self._attempts.put(school_id, "form", key, dict(form), FORM_SECONDS)
        return key

    async def take_form(self, school_id: int, key: str) -> dict[str, str]:
        """The posted callback, once.

        Raises: StartAgain, Overloaded.
        """
        form = await self._attempts.take(school_id, "form", key)
        if form is None:
            raise StartAgain
        return form

    async def finish(
        self,
        school_id: int,
        provider_id: str,
        state: str,
        cookie: str,
        url: str,
        query: Mapping[str, str],
        form: Mapping[str, str],
    ) -> Returned | Tried:
        """The browser is back from the school's page; whatever follows, the attempt is gone.

        Raises: StartAgain, SignOnFailed, Overloaded.
        """
        attempt, provider = await self._take_state(school_id, provider_id, state, cookie)
        returned = SignOnReturn(url, query, form, attempt["stash"], state)
        if attempt.get("test"):
            return Tried(*await provider.explain(returned))
        return await self._answer(school_id, attempt, await provider.finish(returned))

    async def verify(
        self,
        school_id: int,
        provider_id: str,
        state: str,
        cookie: str,
        login: tuple[str, str],
        network: str,
    ) -> Returned | Tried | Denied:
        """Our own form was sent: name and password go to the school's directory and nowhere else.

        Each try is counted before it is made, for the name, the caller and the network.
        Raises: StartAgain, TriesSpent, SignOnFailed, Overloaded.
        """
        attempt, provider = await self._take_state(school_id, provider_id, state, cookie)
        if provider.flow is not SignOnFlow.PASSWORD:
            raise StartAgain
        caller = hashlib.sha256(f"password|{attempt.get('family', cookie)}".encode()).digest()
        name = f"{provider_id}|{login[0][:64]}"
        if not await self._counters.count_bind(school_id, caller, name, network, ""):
            raise TriesSpent
        try:
            identity = await provider.verify(*login)
        except SignOnFailed as failed:
            if failed.code != "DENIED":
                raise
            return Denied(await self._reopen(school_id, attempt, provider))
        await self._counters.forgive(school_id, caller, name, network)
        if attempt.get("test"):
            return Tried({}, identity)
        return await self._answer(school_id, attempt, identity)

    async def take(
        self, session: SessionRecord, code: str, verifier: str
    ) -> tuple[str, CampusIdentity]:
        """Provider and person behind a code, which is gone by this, also after a wrong try.

        Raises: SignOnRefused, Overloaded.
        """
        proven = await self._attempts.take(session.school_id, "code", code)
        if proven is None or proven["family"] != str(session.family_id):
            raise SignOnRefused("code")
        if not hmac.compare_digest(str(proven["challenge"]), challenge_of(verifier)):
            raise SignOnRefused("verifier")
        return proven["provider"], CampusIdentity(**proven["identity"])

    async def offered(self, session: SessionRecord, provider_id: str) -> tuple[int, CampusSignOn]:
        """A provider that the session's channel shows, and its generation.

        Raises: MethodNotOffered, SignOnUnknown.
        """
        if AuthMethod.SSO not in (await self._read_policy(session.school_id)).auth.methods:
            raise MethodNotOffered
        found = await self._sign_ons.find(session.school_id, provider_id)
        if found is None or session.channel not in found[1].channels:
            raise SignOnUnknown("provider")
        return found

    async def _reopen(
        self, school_id: int, attempt: Mapping[str, Any], provider: CampusSignOn
    ) -> Opened:
        """An attempt under a new state and cookie."""
        state, cookie = draw_state(self._ids), self._secret()
        begun = await provider.begin(state) if provider.flow is SignOnFlow.REDIRECT else None
        stash = dict(begun.stash) if begun is not None else {}
        kept = {**attempt, "cookie": _hash(cookie), "stash": stash}
        await self._attempts.put(school_id, "state", state, kept, STATE_SECONDS)
        labels = provider.label_zh, provider.label_en
        return Opened(state, cookie, begun, *labels, attempt.get("return_to"))

    async def _put_start(self, school_id: int, facts: Mapping[str, Any]) -> str:
        start_id = self._secret()
        await self._attempts.put(school_id, "start", start_id, facts, START_SECONDS)
        return start_id

    async def _take_state(
        self, school_id: int, provider_id: str, state: str, cookie: str
    ) -> tuple[dict[str, Any], CampusSignOn]:
        attempt = await self._attempts.take(school_id, "state", state)
        provider = await self._provider(school_id, provider_id, attempt)
        assert attempt is not None  # the provider was read from it
        if not hmac.compare_digest(str(attempt["cookie"]), _hash(cookie)):
            raise StartAgain
        return attempt, provider

    async def _provider(
        self, school_id: int, provider_id: str, attempt: Mapping[str, Any] | None
    ) -> CampusSignOn:
        """The provider of an attempt, as it was set when the attempt began.

        Raises: StartAgain.
        """
        if attempt is None or attempt["provider"] != provider_id:
            raise StartAgain
        found = await self._sign_ons.find(school_id, provider_id, attempt["generation"])
        if found is None:
            raise StartAgain
        return found[1]

    async def _answer(
        self, school_id: int, attempt: Mapping[str, Any], identity: CampusIdentity
    ) -> Returned:
        code = self._secret()
        proven = {
            "provider": attempt["provider"],
            "challenge": attempt["challenge"],
            "family": attempt["family"],
            "identity": asdict(identity),
        }
        await self._attempts.put(school_id, "code", code, proven, CODE_SECONDS)
        return Returned(attempt["channel"], attempt["return_to"], code)

    def _secret(self) -> str:
        """256 random bits as text."""
        return urlsafe_b64encode(self._ids.bytes(32)).decode().rstrip("=")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
