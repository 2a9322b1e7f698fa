"""The core's passes come out to the byte of codes.md."""

from dataclasses import replace
from hashlib import sha256
from uuid import UUID

import pytest
from nacl.signing import SigningKey

from core.ports.codes import PassFacts, PassKind
from terminals import cc1
from terminals.code_maker import CodeMaker, IssuerKeys, NoPassKey, PassKey
from terminals.keys import signer
from terminals.message import device_message
from tests.factories.chance import HandClock, make_ids

FOREVER = 1 << 32
OLD, NEW = (
    PassKey(1, 1_700_000_000, FOREVER, signer(b"\x11" * 32)),
    PassKey(2, 1_790_000_000, FOREVER, signer(b"\x12" * 32)),
)
VECTOR_1 = PassFacts(
    kind=PassKind.VIRTUAL_CARD,
    cap_tag=0xA1B2C3D4,
    pass_no=1,
    not_before=1_800_000_000,
    ends_at=1_800_086_400,
    cap_class=1,
    holder_class=0,
    may_pay=True,
    may_enter=True,
    site_mask=3,
    device_key=bytes(SigningKey(b"\x33" * 32).verify_key),
)
VECTOR_1_SHA256 = "0d90caa4f24d290527d8995dadd924ee9545b4fdd4d9dab5c83b10748c0c9e1a"


def maker(*keys: PassKey) -> CodeMaker:
    """A maker of one school with these PASS keys."""
    issuer_keys = IssuerKeys(keys, {1: b"\x88" * 32})
    return CodeMaker(lambda _: issuer_keys, make_ids(HandClock()))


def test_the_pass_of_vector_1() -> None:
    content = maker(OLD).make_pass(0, VECTOR_1)

    text = cc1.show(content, 3600, cc1.Intent.ANY, signer(b"\x33" * 32))
    assert sha256(text.encode()).hexdigest() == VECTOR_1_SHA256


@pytest.mark.parametrize(("not_before", "kid"), [(1_789_999_200, 1), (1_790_000_000, 2)])
def test_the_newest_key_that_signs_at_the_start_signs(not_before: int, kid: int) -> None:
    content = maker(NEW, OLD).make_pass(
        7,
        PassFacts(
            kind=PassKind.VIRTUAL_CARD,
            cap_tag=1,
            pass_no=1,
            not_before=not_before,
            ends_at=not_before + 43_200,
            cap_class=0,
            holder_class=2,
            may_pay=True,
            may_enter=False,
            site_mask=0,
            device_key=VECTOR_1.device_key,
        ),
    )

    assert (content[1:3], content[3], content[14]) == (b"\0\x07", kid, 48)
    assert content[16] == cc1.Flags.PAY | 2 << 3


def test_no_pass_is_signed_by_a_key_that_has_run_out() -> None:
    until = VECTOR_1.not_before
    assert maker(replace(OLD, sign_until=until)).make_pass(7, VECTOR_1)
    with pytest.raises(NoPassKey):
        maker(replace(OLD, sign_until=until - 1)).make_pass(7, VECTOR_1)


def test_of_keys_that_begin_together_the_later_one_signs() -> None:
    replacing = replace(NEW, kid=9)
    assert maker(replacing, NEW).make_pass(7, VECTOR_1)[3] == 9


def test_the_totp_key_of_the_worked_example() -> None:
    device = UUID("00112233-4455-6677-8899-aabbccddeeff")

    assert maker(OLD).totp_key(0, device, 1).hex() == (
        "45b72bce454ce46d32b4ed226cf09a99a8b5b27e67ca46102b3fb10e6bc7cbec"
    )


@pytest.mark.parametrize(
    ("age", "proven"), [(-121, False), (-120, True), (120, True), (121, False)]
)
def test_a_device_proof_is_good_for_two_minutes(age: int, proven: bool) -> None:
    key = SigningKey(b"\x33" * 32)
    public_key = bytes(key.verify_key)
    proof = key.sign(device_message(public_key, 1_800_000_000)).signature

    answer = maker(OLD).proves_device(public_key, 1_800_000_000, proof, 1_800_000_000 + age)

    assert answer is proven


def test_a_token_is_91_and_18_digits() -> None:
    text = maker(OLD).draw_token()

    assert (len(text), text[:2], text.isascii(), text.isdigit()) == (20, "91", True, True)
