"""Sign-in of the channels: a code of the platform proves who somebody is there, and only that."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta

from core.db.unit import Database, Unit
from core.identity.linking import CLAIM_LIFE
from core.identity.records import (
    ChallengeInvalid,
    ChannelNotOffered,
    Device,
    NotAuthorised,
    ReturnNotListed,
    SessionRecord,
    SessionTokens,
    SignInNotConfirmed,
    StartAgain,
)
from core.identity.service.asking import ask
from core.identity.service.attempt_store import AttemptStore
from core.identity.service.messages import SUBJECT_PLACE
from core.identity.service.sessions import Sessions
from core.identity.store import bindings
from core.identity.store import subjects as store
from core.identity.subjects import challenge_of, claim_index, subject_index
from core.kit.clock import Clock, business_day
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ports.channels import ChannelSubject, Door, Doors, IdentityClaim
from core.school.policy import PolicyOf
from core.school.policy_words import Channel

STATE_SECONDS = 600
LABEL_LENGTH_MAXIMUM = 80
TAGS_LOOKED_BACK = timedelta(days=90)
TAGS_MAXIMUM = 100
INSTALLATION = "native"
"""The issuer of an installed app that has proven nothing yet."""
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,32}")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class ChannelSignIn:
    """Sign-in through the doors of a school."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        sealer: Sealer,
        read_policy: PolicyOf,
        sessions: Sessions,
        doors: Doors,
        attempts: AttemptStore,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._sealer = sealer
        self._read_policy = read_policy
        self._sessions = sessions
        self._doors = doors
        self._attempts = attempts

    async def begin(
        self, school_id: int, channel: Channel, challenge: str, return_to: str, *, private: bool
    ) -> str:
        """The address of the channel's own page, which comes back to `return_to` with a code.

        `challenge` is S256 of a secret that stays in the browser; `private` asks the person to
        show telephone and e-mail (WeCom).
        Raises: ChannelNotOffered, ReturnNotListed, ChallengeInvalid, Overloaded.
        """
        door = await self._door(school_id, channel)
        if door.page is None:
            raise ChannelNotOffered("channel")
        if return_to not in await self._doors.return_addresses(school_id, channel):
            raise ReturnNotListed("returnTo")
        check_challenge(challenge)
        state = draw_state(self._ids)
        facts = {"channel": channel, "challenge": challenge, "private": private}
        await self._attempts.put(school_id, "page", state, facts, STATE_SECONDS)
        return door.page.authorise_url(state, return_to, private=private)

    async def sign_in(
        self,
        school_id: int,
        channel: Channel,
        code: str,
        device: Device,
        *,
        state: str | None = None,
        verifier: str | None = None,
    ) -> SessionTokens:
        """A session of whoever the channel names, with its cardholder if that is bound.

        With `state` and `verifier` the code came from the channel's page, in the very browser that
        began; without them from the mini-program's own log-in.
        Raises: ChannelNotOffered, StartAgain, SignInNotConfirmed, NotMember, ChannelUnavailable,
        Overloaded.
        """
        door = await self._door(school_id, channel)
        by_code, private = door.sign_in, False
        if state is not None:
            private = await self._take_state(school_id, channel, state, verifier or "")
            by_code = door.page_sign_in
        if by_code is None:
            raise ChannelNotOffered("channel")
        subject = await ask(door.issuer, by_code.sign_in(code))
        claims = [*subject.claims, *await self._private_claims(door, subject, private)]
        return await self._open(school_id, channel, subject, claims, device)

    async def install(self, school_id: int, device: Device) -> SessionTokens:
        """A session of an app that has just been installed and has proven nothing.

        It may begin a campus sign-on and bind by what its school accepts.
        """
        subject = ChannelSubject(INSTALLATION, str(self._ids.new()))
        return await self._open(school_id, Channel.NATIVE, subject, (), device)

    async def claim_phone(self, session: SessionRecord, proof: Mapping[str, str]) -> str:
        """Notes the number that the channel has verified for this sign-in; its last 4 digits.

        Raises: ChannelNotOffered, SignInNotConfirmed, NotAuthorised, ChannelUnavailable.
        """
        door = await self._door(session.school_id, Channel(session.channel))
        if door.phones is None:
            raise ChannelNotOffered("channel")
        subject = await self.subject_text(session)
        claim = await ask(door.issuer, door.phones.phone(subject, proof))

        async def work(unit: Unit) -> None:
            await self.note_claims(unit, session, [claim])

        await self._database.unit(session.school_id, work)
        return claim.value[-4:]

    async def subject_text(self, session: SessionRecord) -> str:
        """What the channel calls whoever signed in.

        Raises: SignInNotConfirmed, for a session of no channel.
        """
        found = await self._database.unit(
            session.school_id,
            lambda unit: store.find(unit, session.issuer, session.subject_index),
        )
        if found is None:
            raise SignInNotConfirmed
        row_id, sealed = found
        return self._sealer.open(session.school_id, SUBJECT_PLACE, row_id, sealed)

    async def note_claims(
        self, unit: Unit, session: SessionRecord, claims: Iterable[IdentityClaim]
    ) -> None:
        """Keeps the indexes of what was verified, in the caller's unit."""
        indexed = [
            (claim.kind.value, index, claim.verified_by)
            for claim in claims
            if (index := claim_index(self._sealer, unit.school_id, claim)) is not None
        ]
        await store.put_claims(unit, session.family_id, indexed, self._clock.now())

    async def entry_tags(self, school_id: int) -> list[tuple[str, str, int]]:
        """(Channel, tag, sign-ins) of the last 90 days, the most first, at most 100."""
        since = (self._clock.now() - TAGS_LOOKED_BACK).date()
        return await self._database.unit(
            school_id, lambda unit: store.tags_since(unit, since, TAGS_MAXIMUM)
        )

    async def expire(self, school_id: int) -> None:
        """Forgets claims that no longer count; the worker calls it now and then."""
        before = self._clock.now() - max(CLAIM_LIFE, timedelta(days=1))
        await self._database.unit(school_id, lambda unit: store.expire_claims(unit, before))

    async def _door(self, school_id: int, channel: Channel) -> Door:
        door = await self._doors.find_door(school_id, channel)
        if door is None:
            raise ChannelNotOffered("channel")
        return door

    async def _take_state(
        self, school_id: int, channel: Channel, state: str, verifier: str
    ) -> bool:
        begun = await self._attempts.take(school_id, "page", state)
        if begun is None or begun["channel"] != channel:
            raise StartAgain("state")
        if begun["challenge"] != challenge_of(verifier):
            raise StartAgain("verifier")
        return bool(begun["private"])

    async def _private_claims(
        self, door: Door, subject: ChannelSubject, asked: bool
    ) -> tuple[IdentityClaim, ...]:
        """What a member released; who refuses to show it is signed in all the same."""
        if not asked or door.private is None or subject.ticket is None:
            return ()
        try:
            return await ask(door.issuer, door.private.claims(subject.ticket))
        except (NotAuthorised, SignInNotConfirmed):
            return ()

    async def _open(
        self,
        school_id: int,
        channel: Channel,
        subject: ChannelSubject,
        claims: Iterable[IdentityClaim],
        device: Device,
    ) -> SessionTokens:
        index = subject_index(self._sealer, school_id, subject.issuer, subject.subject)
        zone = (await self._read_policy(school_id)).day.zone

        async def work(unit: Unit) -> SessionTokens:
            now, row_id = self._clock.now(), self._ids.new()
            sealed = self._sealer.seal(school_id, SUBJECT_PLACE, row_id, subject.subject)
            await store.put(unit, row_id, subject.issuer, index, sealed, now)
            bound = await bindings.hold_of_subject(unit, subject.issuer, index)
            binding_id, cardholder_id = bound or (None, None)
            session = SessionRecord(
                school_id=school_id,
                id=row_id,
                family_id=self._ids.new(),
                issuer=subject.issuer,
                subject_index=index,
                channel=channel.value,
                device_label=device.label[:LABEL_LENGTH_MAXIMUM],
                binding_id=binding_id,
                cardholder_id=cardholder_id,
                staff_id=None,
                step_up_at=None,
                created_at=now,
                last_seen_at=now,
                expires_at=now,
            )
            await self.note_claims(unit, session, claims)
            if device.entry_tag is not None and _TAG.fullmatch(device.entry_tag):
                day = business_day(now, zone)
                await store.count_tag(unit, day, channel.value, device.entry_tag)
            return await self._sessions.open(unit, session)

        return await self._database.unit(school_id, work)


def check_challenge(challenge: str) -> None:
    """Lets the S256 of a secret pass.

    Raises: ChallengeInvalid.
    """
    if not _CHALLENGE.fullmatch(challenge):
        raise ChallengeInvalid("challenge")


def draw_state(ids: Ids) -> str:
    """24 letters and digits, 142 bits: WeCom allows no other characters in a state."""
    value, text = int.from_bytes(ids.bytes(18)), ""
    for _ in range(24):
        value, digit = divmod(value, 62)
        text += _BASE62[digit]
    return text
