"""What a campus meets: terminals that sign, and phones that show codes."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nacl.signing import SigningKey

from core.kit.clock import unix_seconds
from terminals import cc1, ccq
from terminals.ccq import Challenge, Purpose
from terminals.keys import signer
from terminals.message import KeyId, RequestKey
from terminals.signature import sign_request

if TYPE_CHECKING:
    from tests.api.campus import Campus

SCHOOL, OTHER_SCHOOL = 7, 8


@dataclass
class Till:
    """A terminal that signs its requests, and the number of its next one."""

    campus: "Campus"
    number: int
    key: SigningKey
    seq: int = 0
    control_seq: int = 0

    def next_key(self, batch: int = 1) -> dict[str, int]:
        """A fresh key of a batch; batch 0 counts on its own."""
        if batch == 0:
            self.control_seq += 1
            return {"batchNo": 0, "seqNo": self.control_seq}
        self.seq += 1
        return {"batchNo": batch, "seqNo": self.seq}

    def headers(self, body: bytes, own: dict[str, int], **changed: Any) -> dict[str, str]:
        """The signature of a body."""
        facts = {
            "path": "/graphql",
            "key_id": KeyId(SCHOOL, self.number, 1),
            "key": RequestKey(self.number, own["batchNo"], own["seqNo"]),
            "created_at": unix_seconds(self.campus.clock.now()),
            "nonce": self.campus.entropy(16),
            "sign": signer(bytes(self.key)),
        }
        return sign_request(body, **(facts | changed))

    async def post(
        self, query: str, variables: dict[str, Any], own: dict[str, int], **changed: Any
    ) -> Any:
        """The whole answer to a signed request."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        return await self.campus.post(body, self.headers(body, own, **changed))

    async def ask(self, name: str, given: dict[str, Any], selection: str) -> Any:
        """The payload of a mutation signed under the key in its input."""
        query = mutation(name, selection)
        answer = await self.post(query, {"input": given}, given["key"])
        assert "errors" not in answer, answer
        return answer["data"][name]

    async def sell(self, presented: str | None, minor: int = 500, **given: Any) -> Any:
        """The authorisation of a purchase."""
        given = {
            "key": self.next_key(), "presented": presented, "minorAmount": minor, "scene": "MEAL",
            **given,
        }  # fmt: skip
        payload = await self.ask("purchaseAuthorise", given, AUTHORISATION)
        assert payload["userErrors"] == []
        return payload["authorisation"]

    def ask_for(self, minor: int = 500, **changed: Any) -> tuple[dict[str, int], str]:
        """A fresh key, and the CCQ text that asks for its amount; `changed` replace its facts."""
        key = self.next_key()
        facts: dict[str, Any] = {
            "purpose": Purpose.PAY,
            "issuer": SCHOOL,
            "key_no": 1,
            "key": RequestKey(self.number, key["batchNo"], key["seqNo"]),
            "created_at": unix_seconds(self.campus.clock.now()),
            "life_seconds": 120,
            "minor_amount": minor,
        }
        asked = Challenge(**(facts | changed))
        return key, ccq.make(asked, signer(bytes(self.key))).text

    async def void(self, original: dict[str, int]) -> Any:
        """The authorisation of a void."""
        given = {"key": self.next_key(), "original": original, "reason": "TIMEOUT"}
        return (await self.ask("purchaseVoid", given, AUTHORISATION))["authorisation"]

    async def status(self, original: dict[str, int]) -> Any:
        """What the server knows of a key."""
        query = (
            "query($original: TerminalKeyInput!) { terminal { purchaseStatus(original: $original) {"
            " known state authorisation { outcome responseCode signedAnswer replayed } } } }"
        )
        answer = await self.post(query, {"original": original}, self.next_key(0))
        return answer["data"]["terminal"]["purchaseStatus"]


AUTHORISATION = """authorisation { outcome responseCode responseName text textZh textEn action
    reason amount { minorAmount } answeredAt retrievalReference replayed signedAnswer continuation
    continuationExpiresAt triesLeft holder { maskedName name number holderClass }
    balance { minorAmount } balanceAsOf expiresAt }"""


def mutation(name: str, selection: str) -> str:
    """The document of one mutation."""
    kind = name[0].upper() + name[1:]
    return (
        f"mutation($input: {kind}Input!) {{ {name}(input: $input)"
        f" {{ {selection} userErrors {{ code message path retryable }} }} }}"
    )


@dataclass
class Phone:
    """A cardholder's phone with an enrolled code device."""

    campus: "Campus"
    token: str
    key: SigningKey
    device_id: str
    content: bytes
    not_before: int

    def show(self, intent: cc1.Intent = cc1.Intent.PAY) -> str:
        """The code on the screen now."""
        t = unix_seconds(self.campus.clock.now()) - self.not_before
        return cc1.show(self.content, t, intent, signer(bytes(self.key)))
