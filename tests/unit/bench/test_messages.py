"""What the generator sends is what a terminal sends: signed, shown once, verifiable."""

import json
from itertools import islice

import pytest
from nacl.signing import SigningKey

from bench.messages import ASKED, Place, codes, signed_requests
from bench.world import SCHOOL_ID, Holder, drawn, tills
from terminals import signature, verification
from terminals.codes import Use
from terminals.keys import KeyRing, KeyUse, PublicKey, signer
from terminals.message import KeyId, RequestKey
from terminals.signature import Nonces, Request, SignedHeaders, TerminalKey
from terminals.verification import VerificationContext, Verified

START = 1_800_000_000
NOW = START + 600
SEED = drawn("test issuer", 1)
HOLDERS = [Holder(1), Holder(2)]


def shown(now: int = NOW, asks: str = "purchase") -> list[str]:
    return list(codes(HOLDERS, 1, signer(SEED), START, now, ASKED[asks].intents))


def parse(raw: bytes) -> Request:
    head, _, body = raw.partition(b"\r\n\r\n")
    verb, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Request(verb.split()[0], verb.split()[1], headers, body)


@pytest.mark.parametrize(("asks", "use"), [("purchase", Use.PAY), ("entry", Use.ENTRY)])
def test_no_code_is_shown_twice_and_each_verifies_now(asks: str, use: Use) -> None:
    texts = shown(asks=asks)
    assert len(set(texts)) == len(texts) == 35 * 2 * 2
    public = KeyUse.PASS, _public(SEED), START - 1, START + 90_000, START + 99_000
    ring = KeyRing([PublicKey(SCHOOL_ID, 1, *public)])
    context = VerificationContext(now=NOW, use=use, issuers=(SCHOOL_ID,), keys=ring)
    assert all(isinstance(verification.verify(text, context), Verified) for text in texts)


def test_a_round_a_second_later_shows_other_codes_first() -> None:
    assert not set(shown()[:4]) & set(shown(NOW + 1))


def test_every_request_bears_its_tills_signature_and_a_key_of_its_own() -> None:
    place = Place("/graphql", "sha256:00")
    counters = tills(hot=False)[:3]
    made = signed_requests(place, iter(shown()), counters, 7, NOW, 5)
    nonces, by_number = Nonces(), {till.number: till for till in counters}

    def find(key_id: KeyId) -> TerminalKey:
        return TerminalKey(by_number[key_id.terminal_no].public_key)

    keys = []
    for raw in made:
        signed = signature.verify(parse(raw), find, nonces, NOW)
        assert isinstance(signed, SignedHeaders)
        keys.append(signed.key)
    assert keys == [RequestKey(n, 7, s) for n, s in ((1, 1), (2, 1), (3, 1), (1, 2), (2, 2))]


def test_a_graphql_request_names_its_trusted_document() -> None:
    place = Place("/graphql", "sha256:00")
    (raw,) = signed_requests(place, iter(shown()), tills(hot=True), 1, NOW, 1)
    content = json.loads(parse(raw).body)
    assert content["documentId"] == "sha256:00"
    assert content["variables"]["input"]["presented"] == shown()[0]


def test_an_entry_names_its_door() -> None:
    place, given = Place("/bare", None), ASKED["entry"].given
    (raw,) = signed_requests(place, iter(shown()), tills(hot=False), 1, NOW, 1, given)
    content = json.loads(parse(raw).body)
    assert (content["doorNo"], content["direction"]) == (1, "IN")


def test_the_hot_tills_all_sell_for_merchant_1() -> None:
    assert {till.merchant for till in tills(hot=True)} == {1}
    assert len({till.merchant for till in islice(tills(hot=False), 50)}) == 50


def _public(seed: bytes) -> bytes:
    return bytes(SigningKey(seed).verify_key)
