"""Terminals, and what they are answered."""

from datetime import datetime
from typing import Self

import strawberry

from core.authorisation.records import Answer
from core.card.answers import CardAnswer
from core.entry.records import EntryAnswer
from core.school.records import DocumentKind, EnrolledTerminal, TerminalState
from core.school.records import SignedDocument as DocumentRecord
from schema.context import RequestInfo
from schema.directives import Bounded
from schema.money import Money
from schema.scalars import Base64Bytes
from schema.school.types import by_language
from schema.services import services
from schema.terminal.words import (
    HOLDER_CLASSES,
    HolderClass,
    Outcome,
)
from terminals.directives import Directive
from terminals.keys import KeyUse, PublicKey
from terminals.response import Action, find_response
from terminals.scenes import HolderView as ViewRecord

DIRECTIVES_MAXIMUM = 6
KEYS_MAXIMUM = 50
ROOTS_MAXIMUM = 4


@strawberry.type(description="A published key of the school.")
class IssuerKey:
    """One line of the key document; times are Unix seconds."""

    issuer: int = strawberry.field(description="The school.")
    kid: int = strawberry.field(description="The key's id, unique at the school.")
    use: KeyUse = strawberry.field(description="What it signs.")
    public_key: Base64Bytes = strawberry.field(description="Ed25519, 32 bytes.")
    sign_from: int = strawberry.field(description="It signs from then on, Unix seconds.")
    sign_until: int = strawberry.field(description="It signs until then, Unix seconds.")
    drop_after: int = strawberry.field(description="Forget it then, Unix seconds.")
    site_no: int = strawberry.field(description="The site of an EDGE key, else 0.")

    @classmethod
    def of(cls, key: PublicKey) -> Self:
        """The client's view."""
        return cls(
            issuer=key.issuer,
            kid=key.kid,
            use=key.use,
            public_key=Base64Bytes(key.public_key),
            sign_from=key.sign_from,
            sign_until=key.sign_until,
            drop_after=key.drop_after,
            site_no=key.site_no,
        )


@strawberry.type(description="A key that signs key documents; kept from every server.")
class RootKey:
    """What a terminal pins when it enrols."""

    kid: int = strawberry.field(description="The root's id, 1 to 255.")
    public_key: Base64Bytes = strawberry.field(description="Ed25519, 32 bytes.")


@strawberry.type(
    description="A document for terminals. Its key signed `ccd1`, kind u8 (KEYS is 1), issuer u16,"
    " version u32, kid u8 and SHA-256(content)."
)
class SignedDocument:
    """Believed only under a key the terminal has, and only if its version rises."""

    kind: DocumentKind = strawberry.field(description="What it holds.")
    issuer: int = strawberry.field(description="The school.")
    version: int = strawberry.field(description="It rises with each document of a kind.")
    kid: int = strawberry.field(description="Which key signed: of KEYS, the root's id.")
    content: Base64Bytes = strawberry.field(
        description="The bytes as signed. KEYS: JSON `{keys: [...]}` of `IssuerKey` fields,"
        " public keys in lower-case hex."
    )
    signature: Base64Bytes = strawberry.field(description="Ed25519, 64 bytes.")

    @classmethod
    def of(cls, document: DocumentRecord) -> Self:
        """The client's view."""
        return cls(
            kind=document.kind,
            issuer=document.issuer,
            version=document.version,
            kid=document.kid,
            content=Base64Bytes(document.content),
            signature=Base64Bytes(document.signature),
        )


@strawberry.type(description="What a new terminal needs to know.")
class Enrolment:
    """A registered key that waits for the school to compare its fingerprint."""

    issuer: int = strawberry.field(description="The school, first part of `keyid`.")
    terminal_no: int = strawberry.field(description="The terminal's number at the school.")
    key_no: int = strawberry.field(description="The number of the key just registered.")
    state: TerminalState = strawberry.field(description="PENDING.")
    fingerprint: str = strawberry.field(
        description="8 hex digits, shown on both sides and compared."
    )
    keys: list[IssuerKey] = strawberry.field(
        description="The school's published keys, at most 50.",
        directives=[Bounded(maximum=KEYS_MAXIMUM)],
    )
    roots: list[RootKey] = strawberry.field(
        description="The keys to believe key documents under, at most 4; pinned for good.",
        directives=[Bounded(maximum=ROOTS_MAXIMUM)],
    )
    pin_public_key: Base64Bytes = strawberry.field(
        description="X25519, 32 bytes: PINs are sealed to it."
    )

    @classmethod
    def of(cls, info: RequestInfo, issuer: int, enrolled: EnrolledTerminal) -> Self:
        """The client's view."""
        newest, known = enrolled.keys[-1], services(info).terminal_keys
        return cls(
            issuer=issuer,
            terminal_no=enrolled.terminal.number,
            key_no=newest.number,
            state=enrolled.terminal.state,
            fingerprint=newest.fingerprint,
            keys=[IssuerKey.of(key) for key in known.published(issuer)[:KEYS_MAXIMUM]],
            roots=[RootKey(kid=k, public_key=Base64Bytes(r)) for k, r in known.roots.items()],
            pin_public_key=Base64Bytes(known.pin_public_key),
        )


@strawberry.type(description="The answer to a heartbeat.")
class Heartbeat:
    """The time, signed, and what to do."""

    signed_time: Base64Bytes = strawberry.field(
        description="The ANSWER key's signature over `cct1`, issuer, terminal number, the request's"
        " nonce and `time`; 64 bytes."
    )
    time: int = strawberry.field(description="The time in Unix seconds.")
    nonce: Base64Bytes = strawberry.field(description="The 16 bytes of the request's nonce.")
    directives: list[Directive] = strawberry.field(
        description="What to do, at most 6.", directives=[Bounded(maximum=DIRECTIVES_MAXIMUM)]
    )
    keys_version: int | None = strawberry.field(
        description="The newest version of the key document, 0 while there is none; null to a"
        " terminal whose clock is lost."
    )
    parameters_version: int | None = strawberry.field(
        description="The newest version of the parameters, 0 while there are none; null as above."
    )
    deny_version: int | None = strawberry.field(
        description="The newest version of the deny list, 0 while it is empty; null as above. Who"
        " holds it holds a list of this moment."
    )
    rights_version: int | None = strawberry.field(
        description="The newest version of the rights of cards at doors, 0 while there are none;"
        " null as above."
    )


@strawberry.type(description="The holder as the terminal's scene may see them.")
class HolderView:
    """Fields that the scene does not show are null."""

    masked_name: str | None = strawberry.field(description="The first character and `*`.")
    name: str | None = strawberry.field(description="The full name.")
    number: str | None = strawberry.field(description="The number, masked at kiosks.")
    holder_class: HolderClass | None = strawberry.field(description="What doors ask for.")

    @classmethod
    def of(cls, seen: ViewRecord) -> Self:
        """The client's view."""
        number = seen.holder_class
        return cls(
            masked_name=seen.masked_name,
            name=seen.name,
            number=seen.number,
            holder_class=None if number is None else HOLDER_CLASSES[number],
        )


@strawberry.type(description="A stored answer to one key; a repeat gets the same.")
class Answered:
    """What every stored answer tells a terminal."""

    answer: strawberry.Private[Answer | EntryAnswer | CardAnswer]

    @strawberry.field(description="ISO 8583 field 39, two characters.")
    def response_code(self) -> str:
        """The code."""
        return self.answer.response_code

    @strawberry.field(description="The response code's name.")
    def response_name(self) -> str:
        """The name."""
        return find_response(self.answer.response_code).name

    @strawberry.field(description="For the display, in the viewer's language.")
    def text(self, info: RequestInfo) -> str:
        """The text."""
        return by_language(info, self._text("zh"), self._text("en"))

    @strawberry.field(description="For the display, in Chinese.")
    def text_zh(self) -> str:
        """The text in Chinese."""
        return self._text("zh")

    @strawberry.field(description="For the display, in English.")
    def text_en(self) -> str:
        """The text in English."""
        return self._text("en")

    @strawberry.field(description="What the terminal does next.")
    def action(self) -> Action:
        """The action."""
        return find_response(self.answer.response_code).action

    @strawberry.field(description="The exact reason, for logs and service staff.")
    def reason(self) -> str | None:
        """The reason."""
        return self.answer.reason

    @strawberry.field(description="When it was decided.")
    def answered_at(self) -> datetime:
        """The instant."""
        return self.answer.answered_at

    @strawberry.field(
        description="`CCR:` text signed by the ANSWER key; if it does not verify, the outcome is"
        " unknown."
    )
    def signed_answer(self) -> str:
        """The receipt."""
        assert self.answer.signed_answer
        return self.answer.signed_answer

    def _text(self, language: str) -> str:
        response = find_response(self.answer.response_code)
        return response.zh if language == "zh" else response.en


@strawberry.type(description="The stored answer to one key; a repeat gets the same.")
class Authorisation(Answered):
    """A decision about money; a decline is one of them."""

    answer: strawberry.Private[Answer]
    holder: HolderView | None = strawberry.field(
        default=None, description="The holder, where the scene shows them."
    )
    balance: Money | None = strawberry.field(
        default=None, description="The available balance afterwards, where the scene shows it."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="The end of a hold that was just made."
    )
    continuation_expires_at: datetime | None = strawberry.field(
        default=None, description="The end of `continuation`: 90 s after the answer."
    )

    @strawberry.field(description="What became of it.")
    def outcome(self) -> Outcome:
        """The outcome."""
        return Outcome(self.answer.outcome)

    @strawberry.field(description="The amount asked for.")
    def amount(self) -> Money:
        """The amount."""
        return Money.of(self.answer.amount_minor)

    @strawberry.field(description="Our reference, 12 characters, printed on slips.")
    def retrieval_reference(self) -> str:
        """The reference."""
        return self.answer.retrieval_reference

    @strawberry.field(description="Whether the key was answered before.")
    def replayed(self) -> bool:
        """Whether it is a repeat."""
        return self.answer.verdict == "REPEATED"

    @strawberry.field(description="Stands for the scan when the PIN is sent, under a new key.")
    def continuation(self) -> strawberry.ID | None:
        """The continuation."""
        waiting = self.answer.continuation_id
        return None if waiting is None else strawberry.ID(str(waiting))

    @strawberry.field(description="How often the PIN may still be tried, after a wrong one.")
    def tries_left(self) -> int | None:
        """The tries."""
        return self.answer.tries_left

    @strawberry.field(description="When `balance` was read.")
    def balance_as_of(self) -> datetime | None:
        """The instant."""
        return None if self.balance is None else self.answer.answered_at

    def _text(self, language: str) -> str:
        return super()._text(language).format(tries=self.answer.tries_left)
