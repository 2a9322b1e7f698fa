"""Single requests of a terminal whose key the school knows."""

import json
import os

from bff.conformance.play import Play
from bff.conformance.steps import Question
from clients.device_key import public_key
from clients.endpoint import document_id
from terminals.keys import signer
from terminals.message import KeyId, RequestKey
from terminals.signature import Request, sign_request
from tests.unit.conformance.reference import NOW

WORDS = {Question.DONE: "DONE", Question.DOOR: "OPENED", Question.WATER: "RAN"}
JSON = {"content-type": "application/json"}
SEED = bytes([0x44]) * 32


def ask(play: Play, variables: object, name: str = "PurchaseVoid", **changed: object) -> Request:
    """A request as a terminal with an odd mind would sign it, by a key that the school knows."""
    play.server.operations.keys.enrol(public_key(SEED))
    body = json.dumps({"documentId": document_id(name), "variables": variables, **changed})
    headers = sign_request(
        body.encode(),
        path="/graphql",
        key_id=KeyId(7, 42, 1),
        key=RequestKey(42, 1, 1),
        created_at=NOW,
        nonce=os.urandom(16),
        sign=signer(SEED),
    )
    named = {**headers, **JSON, "x-operation": name}
    return Request("POST", "/graphql", named, body.encode())


def lead(play: Play, until: str | None = None) -> None:
    """Says of each step, up to this one, that all went well."""
    while play.prompt is not None and play.prompt.step.id != until:
        step = play.prompt.step
        assert play.tell(step.id, WORDS.get(step.question, "PAID"))
