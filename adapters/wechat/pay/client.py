"""One merchant's calls of API v3: signed, sent, and believed only if the answer is signed."""

import json
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlencode

from adapters.http import READ_SECONDS, AnswerMissing, HttpAnswer, HttpClient
from adapters.wechat.pay import certificates
from adapters.wechat.pay.codes import verdict
from adapters.wechat.pay.keys import KeyRing, Keys
from adapters.wechat.pay.settings import MerchantSettings
from adapters.wechat.pay.signing import Signer
from adapters.wechat.pay.wire import AnswerOdd, Facts
from core.kit.clock import Clock, unix_seconds
from core.ports.providers import Outcome, Unknown

MONEY_SECONDS = 10.0
Fact = TypeVar("Fact")
Read = Callable[[Facts], Outcome[Fact]]


class V3:
    """Signs, sends, verifies; `entropy` makes the nonces."""

    def __init__(
        self,
        http: HttpClient,
        settings: MerchantSettings,
        clock: Clock,
        entropy: Callable[[int], bytes],
    ) -> None:
        self.mchid = settings.mchid
        self.app_ids = settings.app_ids
        self.clock = clock
        self.api_v3_key = settings.api_v3_key.get_secret_value().encode()
        key = settings.private_key.get_secret_value()
        self.signer = Signer(settings.mchid, settings.serial_no, key)
        self.ring = KeyRing(settings.public_keys, self._certificates, clock)
        self._http = http
        self._entropy = entropy

    def nonce(self) -> str:
        """32 characters that were never used before."""
        return self._entropy(16).hex()

    async def ask(
        self,
        method: str,
        path: str,
        read: Read[Fact],
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        moves: bool = False,
    ) -> Outcome[Fact]:
        """What became of a call; `read` reads the facts of a signed good answer.

        `path` is percent-encoded. `moves`: the call may move money, and has ten seconds.
        Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
        """
        sent = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        target = f"{path}?{urlencode(query)}" if query else path
        seconds = MONEY_SECONDS if moves else READ_SECONDS
        try:
            answer = await self.exchange(method, target, sent, seconds)
        except AnswerMissing as missing:
            return Unknown(str(missing))
        return self._outcome(answer, await self._is_signed(answer), read, moves=moves)

    async def exchange(
        self, method: str, target: str, body: bytes, seconds: float, maximum: int = 1 << 20
    ) -> HttpAnswer:
        """One signed exchange, its answer unverified; the signed bytes are the sent bytes.

        Raises: NothingSent, AnswerMissing.
        """
        stamp = unix_seconds(self.clock.now())
        headers = {
            "Authorization": self.signer.authorisation(method, target, body, stamp, self.nonce()),
            "Accept": "application/json",
        }
        if body:
            headers["Content-Type"] = "application/json"
        if self.ring.preferred is not None:
            headers["Wechatpay-Serial"] = self.ring.preferred
        return await self._http.request(
            method, target, body=body or None, headers=headers, read_seconds=seconds,
            maximum=maximum,
        )  # fmt: skip

    async def _is_signed(self, answer: HttpAnswer) -> bool:
        return await self.ring.proves(answer.headers, answer.body)

    def _outcome(
        self, answer: HttpAnswer, signed: bool, read: Read[Fact], *, moves: bool
    ) -> Outcome[Fact]:
        try:
            facts = json.loads(answer.body) if answer.body else {}
            code = str(facts.get("code", ""))
        except (ValueError, AttributeError):
            return Unknown(f"HTTP {answer.status}")
        if code or not 200 <= answer.status < 300:
            what = code or _plain_code(answer.status)
            if answer.status >= 500:
                return Unknown(what)
            return verdict(what, signed=signed, moves=moves, now=self.clock.now())
        if not signed:
            return Unknown("an unsigned answer")
        try:
            return read(facts)
        except AnswerOdd as odd:
            return Unknown(str(odd))

    async def _certificates(self) -> Keys:
        answer = await self.exchange("GET", certificates.PATH, b"", READ_SECONDS)
        serial = answer.headers.get("wechatpay-serial", "")
        known = self.ring.known(serial)
        keys = {} if known is None else {serial: known}
        return certificates.keys_in(answer, self.api_v3_key, keys, self.clock)


def _plain_code(status: int) -> str:
    """What a status says that came without a code."""
    return {401: "SIGN_ERROR", 429: "FREQUENCY_LIMITED"}.get(status, f"HTTP {status}")
