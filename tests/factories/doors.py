"""Channels and a campus sign-on that answer what a test tells them, and a store in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.kit.errors import Overloaded
from core.ports.campus_sign_on import (
    CampusIdentity,
    CampusSignOn,
    LinkMode,
    LogoutNotice,
    SignOnBegun,
    SignOnFailed,
    SignOnFlow,
    SignOnReturn,
)
from core.ports.channels import (
    ChannelMessage,
    ChannelSubject,
    ClaimKind,
    Door,
    IdentityClaim,
    RealName,
)
from core.ports.notices import NoticeReader
from core.ports.providers import ProviderRefused, RefusalReason

RETURN_TO = "https://app.example/after"


@dataclass
class MemoryStore:
    """Values until they are taken; `down` is a Redis that does not answer."""

    values: dict[tuple[int, str], bytes] = field(default_factory=dict)
    seconds: dict[str, int] = field(default_factory=dict)
    down: bool = False

    async def put(self, school_id: int, key: str, value: bytes, seconds: int) -> None:
        """Keeps it."""
        self._answer()
        self.values[school_id, key] = value
        self.seconds[key.partition(":")[0]] = seconds

    async def take(self, school_id: int, key: str) -> bytes | None:
        """Once."""
        self._answer()
        return self.values.pop((school_id, key), None)

    async def once(self, school_id: int, key: str, seconds: int) -> bool:
        """Whether it is new."""
        self._answer()
        known = (school_id, key) in self.values
        self.values[school_id, key] = b"1"
        return not known

    def _answer(self) -> None:
        if self.down:
            raise Overloaded


@dataclass
class PretendedChannel:
    """One channel: codes and what they stand for, what was asked, what was sent."""

    issuer: str
    subjects: dict[str, ChannelSubject] = field(default_factory=dict)
    released_facts: dict[str, tuple[str, tuple[IdentityClaim, ...]]] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)
    agrees: dict[str, tuple[str, bool]] = field(default_factory=dict)
    tickets: dict[str, tuple[IdentityClaim, ...]] = field(default_factory=dict)
    compared: list[RealName] = field(default_factory=list)
    sent: list[ChannelMessage] = field(default_factory=list)
    fault: Exception | None = None

    def claim(self, kind: ClaimKind, value: str) -> IdentityClaim:
        """A claim of this channel."""
        return IdentityClaim(kind, value, self.issuer)

    def code(self, subject: str, *claims: IdentityClaim, ticket: str | None = None) -> str:
        """A code that stands for a subject."""
        code = f"code-{len(self.subjects)}-{subject}"
        self.subjects[code] = ChannelSubject(self.issuer, subject, claims, ticket)
        return code

    async def sign_in(self, code: str) -> ChannelSubject:
        """Whose code it is, once."""
        self._answer()
        if code not in self.subjects:
            raise ProviderRefused("code", RefusalReason.CODE_EXPIRED)
        return self.subjects.pop(code)

    def authorise_url(self, state: str, return_to: str, *, private: bool) -> str:
        """Where a browser would go."""
        return f"https://channel.example/authorise?state={state}&back={return_to}&p={private:d}"

    async def phone(self, subject: str, proof: Mapping[str, str]) -> IdentityClaim:
        """The number of a code."""
        self._answer()
        shown = proof.get("code") or proof.get("response")
        if shown not in self.phones:
            raise ProviderRefused("code", RefusalReason.NOT_AUTHORISED)
        return self.claim(ClaimKind.PHONE, self.phones[shown])

    async def claims(self, ticket: str) -> tuple[IdentityClaim, ...]:
        """What a member released."""
        self._answer()
        if ticket not in self.tickets:
            raise ProviderRefused("ticket", RefusalReason.NOT_AUTHORISED)
        return self.tickets[ticket]

    async def released(self, auth_code: str) -> tuple[str, tuple[IdentityClaim, ...]]:
        """What a wallet told."""
        self._answer()
        return self.released_facts[auth_code]

    async def compare_begin(self, person: RealName) -> str:
        """Remembers what it is to compare."""
        self._answer()
        self.compared.append(person)
        return f"verify-{len(self.compared)}"

    async def compare(self, reference: str, auth_code: str) -> tuple[str, bool]:
        """The wallet's word."""
        self._answer()
        return self.agrees[auth_code]

    async def send(self, message: ChannelMessage) -> None:
        """Keeps it."""
        self._answer()
        self.sent.append(message)

    def _answer(self) -> None:
        if self.fault is not None:
            raise self.fault


@dataclass
class PretendedDoors:
    """A mini-program with a wallet, one without, an official account, and WeCom."""

    alipay: PretendedChannel = field(default_factory=lambda: PretendedChannel("alipay:app-1"))
    wechat: PretendedChannel = field(default_factory=lambda: PretendedChannel("wechat:app-2"))
    official: PretendedChannel = field(default_factory=lambda: PretendedChannel("wechat:app-3"))
    wecom: PretendedChannel = field(default_factory=lambda: PretendedChannel("wecom:corp-4"))

    async def find_door(self, school_id: int, channel: str) -> Door | None:
        """The door of a channel."""
        return self._doors().get(channel)

    async def find_door_of(self, school_id: int, issuer: str) -> Door | None:
        """The door of an issuer."""
        return next((each for each in self._doors().values() if each.issuer == issuer), None)

    async def return_addresses(self, school_id: int, channel: str) -> frozenset[str]:
        """One page, in each channel."""
        return frozenset({RETURN_TO})

    def _doors(self) -> dict[str, Door]:
        mini, page, corp = self.alipay, self.official, self.wecom
        return {
            "ALIPAY_MINI": Door(
                mini.issuer, mini, phones=mini, real_name=mini, messenger=mini
            ),
            "WECHAT_MINI": Door(
                self.wechat.issuer, self.wechat, phones=self.wechat, messenger=self.wechat
            ),
            "WECHAT_OFFICIAL": Door(page.issuer, page=page, page_sign_in=page, messenger=page),
            "WECOM": Door(
                corp.issuer, corp, page=corp, page_sign_in=corp, private=corp, messenger=corp
            ),
        }  # fmt: skip


@dataclass
class PretendedSignOn:
    """A school's server that vouches for whom a test says."""

    id: str = "cas"
    flow: SignOnFlow = SignOnFlow.REDIRECT
    channels: frozenset[str] = frozenset({"NATIVE", "ALIPAY_MINI", "WECHAT_MINI"})
    label_zh: str = "统一身份认证"
    label_en: str = "Campus sign-on"
    link: LinkMode = LinkMode.PERSON_NO
    people: dict[str, CampusIdentity] = field(default_factory=dict)
    notices: dict[bytes, LogoutNotice] = field(default_factory=dict)
    fault: SignOnFailed | None = None

    async def begin(self, state: str) -> SignOnBegun:
        """Its page."""
        return SignOnBegun(f"https://sso.example/login?state={state}", {"nonce": "n-" + state})

    async def finish(self, returned: SignOnReturn) -> CampusIdentity:
        """Whose ticket came back, and only with the stash of its own beginning."""
        if returned.stash != {"nonce": "n-" + returned.state}:
            raise SignOnFailed("PROTOCOL_VIOLATION", "the stash is another attempt's")
        return await self.exchange(returned.query.get("ticket", ""))

    async def explain(
        self, returned: SignOnReturn
    ) -> tuple[Mapping[str, Sequence[str]], CampusIdentity]:
        """The same, with what was released."""
        return {"uid": ("u",)}, await self.finish(returned)

    async def verify(self, username: str, password: str) -> CampusIdentity:
        """Whose name and password these are."""
        return await self.exchange(f"{username}:{password}")

    async def exchange(self, code: str) -> CampusIdentity:
        """Whose code it is, once."""
        if self.fault is not None:
            raise self.fault
        if code not in self.people:
            raise SignOnFailed("DENIED", "no such ticket")
        return self.people.pop(code)

    async def logout_url(self, session_ref: str, back: str) -> str | None:
        """None."""
        return None

    async def logout_notice(self, raw: bytes) -> LogoutNotice | None:
        """What a posted logout says."""
        return self.notices.get(raw)


@dataclass
class PretendedSignOns:
    """The providers of every school; older generations answer as the newest."""

    providers: list[PretendedSignOn] = field(default_factory=lambda: [PretendedSignOn()])
    generation: int = 1
    forgotten: set[int] = field(default_factory=set)

    async def list_all(self, school_id: int) -> Sequence[CampusSignOn]:
        """All."""
        return self.providers

    async def find(
        self, school_id: int, provider_id: str, generation: int | None = None
    ) -> tuple[int, CampusSignOn] | None:
        """One."""
        if generation in self.forgotten:
            return None
        found = next((each for each in self.providers if each.id == provider_id), None)
        return None if found is None else (self.generation, found)


class PretendedReaders:
    """No school's provider posts anything."""

    async def notice_readers(self, school_id: int, provider: str) -> Sequence[NoticeReader]:
        """None."""
        return ()


@dataclass
class PretendedOutside:
    """Everything outside: implements `bff.wiring.Outside`."""

    doors: PretendedDoors = field(default_factory=PretendedDoors)
    sign_ons: PretendedSignOns = field(default_factory=PretendedSignOns)
    notices: PretendedReaders = field(default_factory=PretendedReaders)

    async def close(self) -> None:
        """Nothing is open."""
