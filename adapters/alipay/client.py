"""One exchange with Alipay's gateway: signed out, verified in, and read by the table of codes."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from adapters.alipay.codes import THROTTLED_SECONDS, Reaction, meaning_of
from adapters.alipay.forms import Forms
from adapters.alipay.keys import Ring
from adapters.alipay.settings import AlipaySettings
from adapters.alipay.wire import Answer, AnswerMalformed, Facts, cut
from adapters.http import AnswerMissing, HttpClient
from core.kit.clock import Clock
from core.ports.providers import (
    Done,
    Outcome,
    Pending,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
    RefusalReason,
    Refused,
    Unknown,
)

MONEY_SECONDS = 10.0
POLL_SECONDS = 3
PENDING_SECONDS = 60
_MONEY = frozenset(
    f"alipay.trade.{verb}" for verb in ("create", "pay", "cancel", "close", "refund")
)
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
Fact = TypeVar("Fact")

# Whoever watches this system reads it; it says which API and which code, never a field.
_alarm = logging.getLogger("adapters.alarm")


class AlipayClient:
    """Posts signed forms to one app's gateway through a client for its host.

    `money_seconds` is how long an answer about money may take.
    """

    def __init__(
        self,
        settings: AlipaySettings,
        ring: Ring,
        http: HttpClient,
        clock: Clock,
        *,
        money_seconds: float = MONEY_SECONDS,
    ) -> None:
        self._forms = Forms(settings, clock)
        self._path = urlsplit(settings.gateway).path
        self._ring = ring
        self._http = http
        self._clock = clock
        self._money_seconds = money_seconds

    def signed_text(self, method: str, content: Mapping[str, object]) -> str:
        """A signed order or agreement for the wallet app: nothing is sent from here."""
        return self._forms.signed(method, content)

    async def ask(
        self,
        method: str,
        content: Mapping[str, object],
        top: Mapping[str, str] | None = None,
    ) -> Facts:
        """A call that moves no money: the verified fields. `top` goes beside the content.

        Raises: ProviderRefused, ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        answer = await self._exchange(method, content, top)
        meaning = self._meaning(method, answer)
        if meaning is Reaction.TAKE:
            return answer.facts
        if isinstance(meaning, RefusalReason):
            raise ProviderRefused(answer.sub_code, meaning)
        if meaning is Reaction.UNLISTED:
            raise ProviderRefused(answer.sub_code)
        raise ProviderUnavailable(answer.sub_code)

    async def attempt(
        self, method: str, content: Mapping[str, object], read: Callable[[Facts], Fact]
    ) -> Outcome[Fact]:
        """A call about money. `read` makes the fact of a good answer; it raises a ValueError,
        KeyError or TypeError where the answer is not about what was asked.

        Raises: ProviderUnavailable (nothing was sent), ProviderThrottled, ProviderMisconfigured.
        """
        try:
            answer = await self._exchange(method, content, None)
        except AnswerMissing as missing:
            return Unknown(str(missing))
        meaning = self._meaning(method, answer)
        if meaning is Reaction.TAKE:
            try:
                return Done(read(answer.facts))
            except (ValueError, KeyError, TypeError):
                _alarm.error("%s: the answer is about something else", method)
                return Unknown("another answer")
        if meaning is Reaction.WAIT:
            until = self._clock.now() + timedelta(seconds=PENDING_SECONDS)
            return Pending(POLL_SECONDS, until)
        if isinstance(meaning, RefusalReason) and answer.signature is not None:
            return Refused(meaning, answer.sub_code)
        # An unsigned refusal is the wire's word only: asking again costs little, a wrong void much.
        return Unknown("unsigned" if answer.signature is None else answer.sub_code)

    async def _exchange(
        self, method: str, content: Mapping[str, object], top: Mapping[str, str] | None
    ) -> Answer:
        reply = await self._http.request(
            "POST",
            self._path,
            query={"charset": "utf-8"},
            body=self._forms.signed(method, content, top).encode(),
            headers=_HEADERS,
            read_seconds=self._money_seconds if method in _MONEY else None,
        )
        if reply.status != 200:
            raise AnswerMissing(f"HTTP {reply.status}")
        try:
            answer = cut(reply.body, method)
        except AnswerMalformed:
            raise AnswerMissing("no answer of the gateway") from None
        self._verify(method, answer)
        return answer

    def _verify(self, method: str, answer: Answer) -> None:
        """Refusals may come unsigned (the gateway cannot sign for an app it does not know);
        what is signed is signed well, and a success is always signed."""
        if answer.signature is None:
            fault = "unsigned" if meaning_of(answer.code, "") is Reaction.TAKE else None
        elif self._ring.verifies(answer.content, answer.signature, answer.serial):
            fault = None
        else:
            fault = "wrong signature"
        if fault is not None:
            _alarm.error("%s: %s", method, fault)
            raise AnswerMissing(fault)

    def _meaning(self, method: str, answer: Answer) -> Reaction | RefusalReason:
        meaning = meaning_of(answer.code, answer.sub_code)
        if meaning is Reaction.SLOW_DOWN:
            raise ProviderThrottled(answer.sub_code, THROTTLED_SECONDS)
        if meaning is Reaction.REPAIR:
            _alarm.error("%s: %s %s", method, answer.code, answer.sub_code)
            raise ProviderMisconfigured(f"alipay: {method}: {answer.sub_code}")
        if meaning is Reaction.UNLISTED:
            _alarm.error("%s: no row for %s %s", method, answer.code, answer.sub_code)
        return meaning
