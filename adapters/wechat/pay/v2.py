"""One merchant's calls of V2: XML, signed with a shared key, by mutual TLS."""

import hashlib
import hmac
import ssl
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from adapters.http import READ_SECONDS, AnswerMissing, HttpAnswer, HttpClient, usual_tls
from adapters.tencent.flat_xml import XmlOdd, read_xml, write_xml
from adapters.wechat.pay.client import MONEY_SECONDS
from adapters.wechat.pay.codes import verdict
from adapters.wechat.pay.wire import AnswerOdd, Facts
from core.kit.clock import Clock
from core.ports.providers import Outcome, ProviderMisconfigured, Unknown

Fact = TypeVar("Fact")
Read = Callable[[Facts], Outcome[Fact]]
_NONCELESS = frozenset({"/papay/entrustweb", "/papay/querycontract", "/papay/deletecontract"})
_XML = {"Content-Type": "text/xml; charset=utf-8"}


class SignType(StrEnum):
    """How a message is signed; one that does not say is signed with MD5."""

    MD5 = "MD5"
    HMAC_SHA256 = "HMAC-SHA256"


def signature(fields: Mapping[str, str], key: str, sign_type: SignType) -> str:
    """The upper-case hex over the fields that are not empty, in order of their names.

    wechatpy's own writes the key into the log and leaves out a zero.
    """
    pairs = [f"{name}={fields[name]}" for name in sorted(fields) if fields[name] and name != "sign"]
    text = "&".join([*pairs, f"key={key}"]).encode()
    if sign_type is SignType.HMAC_SHA256:
        return hmac.new(key.encode(), text, hashlib.sha256).hexdigest().upper()
    return hashlib.md5(text).hexdigest().upper()  # noqa: S324 - the protocol's own


def is_signed(fields: Mapping[str, str], key: str, sign_type: SignType) -> bool:
    """Whether fields bear their signature."""
    expected = signature(fields, key, sign_type)
    return hmac.compare_digest(expected.encode(), fields.get("sign", "").encode())


class V2:
    """Signs, sends, verifies; `entropy` makes the nonces."""

    def __init__(
        self,
        http: HttpClient,
        mchid: str,
        key: str,
        client_ip: str,
        clock: Clock,
        entropy: Callable[[int], bytes],
    ) -> None:
        self.mchid = mchid
        self.client_ip = client_ip
        self.clock = clock
        self._http = http
        self._key = key
        self._entropy = entropy

    def signed(self, path: str, fields: Mapping[str, str], sign_type: SignType) -> dict[str, str]:
        """The fields with the merchant, a nonce where the path takes one, and their signature."""
        whole = {**fields, "mch_id": self.mchid}
        if path not in _NONCELESS:
            whole["nonce_str"] = self._entropy(16).hex()
        if sign_type is not SignType.MD5:
            whole["sign_type"] = sign_type
        return {**whole, "sign": signature(whole, self._key, sign_type)}

    def proves(self, fields: Mapping[str, str], sign_type: SignType) -> bool:
        """Whether fields of WeChat's are signed and about this merchant."""
        return fields.get("mch_id") == self.mchid and is_signed(fields, self._key, sign_type)

    async def ask(
        self,
        path: str,
        fields: Mapping[str, str],
        read: Read[Fact],
        *,
        sign_type: SignType = SignType.HMAC_SHA256,
        moves: bool = False,
    ) -> Outcome[Fact]:
        """What became of a call; `read` reads the facts of a signed good answer.

        Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
        """
        body = write_xml(self.signed(path, fields, sign_type))
        seconds = MONEY_SECONDS if moves else READ_SECONDS
        try:
            answer = await self._http.request(
                "POST", path, body=body, headers=_XML, read_seconds=seconds
            )
        except AnswerMissing as missing:
            return Unknown(str(missing))
        return self._outcome(answer, sign_type, read, moves=moves)

    def _outcome(
        self, answer: HttpAnswer, sign_type: SignType, read: Read[Fact], *, moves: bool
    ) -> Outcome[Fact]:
        try:
            facts = read_xml(answer.body)
        except XmlOdd:
            return Unknown(f"HTTP {answer.status}")
        if facts.get("return_code") == "FAIL":
            # Said of the message as such, and never signed: a wrong signature or a missing field.
            raise ProviderMisconfigured("return_code FAIL")
        if not self.proves(facts, sign_type):
            return Unknown("an unsigned answer")
        if facts.get("result_code") != "SUCCESS":
            code = facts.get("err_code", "")
            return verdict(code, signed=True, moves=moves, now=self.clock.now())
        try:
            return read(facts)
        except AnswerOdd as odd:
            return Unknown(str(odd))


def client_tls(certificate: str, private_key: str) -> ssl.SSLContext:
    """The context that shows the merchant's certificate.

    OpenSSL reads files only: they lie in a folder of ours alone, for as long as it reads.
    Raises: ProviderMisconfigured.
    """
    context = usual_tls()
    with TemporaryDirectory() as folder:
        shown = Path(folder) / "shown.pem"
        shown.write_text(f"{certificate}\n{private_key}\n", encoding="ascii")
        try:
            context.load_cert_chain(shown)
        except (ssl.SSLError, OSError):
            raise ProviderMisconfigured("the merchant's certificate cannot be read") from None
    return context
