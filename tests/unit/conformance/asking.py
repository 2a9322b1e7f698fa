"""Single requests of a terminal whose key the school knows."""

import json
import os

from bff.conformance.play import Play
from clients.device_key import public_key
from clients.endpoint import document_id
from terminals.keys import signer
from terminals.message import KeyId, RequestKey
from terminals.signature import Request, sign_request
from tests.unit.conformance.reference import NOW

JSON = {"content-type": "application/json"}
SEED = bytes([0x44]) * 32


def ask(play: Play, variables: object, name: str = "PurchaseVoid", **changed: object) -> Request:
    """A request as a terminal with an odd mind would sign it, by a key that the school knows."""
    play.server.operations.terminal_key = public_key(SEED)
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
