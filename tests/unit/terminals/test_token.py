"""T0: drawing, order of refusals, replay keys."""

from hashlib import sha256
from uuid import UUID

import pytest

from terminals import token
from terminals.codes import CodeRefusal, Use
from terminals.token import CodeDevice
from tests.unit.terminals import samples

DEVICE = CodeDevice(UUID(int=7), is_revoked=False, uses=frozenset({Use.PAY}))
REVOKED = CodeDevice(UUID(int=7), is_revoked=True, uses=frozenset())


def test_a_token_is_91_and_18_digits_each_another() -> None:
    ids = samples.counted_ids()
    first, second = token.draw(ids), token.draw(ids)
    assert (first, second) == ("91000000000000000001", "91000000000000000002")
    assert token.refusal(first, DEVICE, Use.PAY) is None


@pytest.mark.parametrize(
    ("text", "device", "use", "expected"),
    [
        ("90000000000000000001", None, Use.PAY, CodeRefusal.FORMAT),
        ("9100000000000000001", DEVICE, Use.PAY, CodeRefusal.FORMAT),
        ("91000000000000000001\n", DEVICE, Use.PAY, CodeRefusal.FORMAT),
        ("91" + 18 * "١", DEVICE, Use.PAY, CodeRefusal.FORMAT),
        ("91000000000000000001", None, Use.PAY, CodeRefusal.CODE_EXPIRED),
        ("91000000000000000001", REVOKED, Use.PAY, CodeRefusal.REVOKED),
        ("91000000000000000001", DEVICE, Use.ENTRY, CodeRefusal.USE_NOT_ALLOWED),
    ],
)
def test_the_first_failing_check_answers(
    text: str, device: CodeDevice | None, use: Use, expected: CodeRefusal
) -> None:
    assert token.refusal(text, device, use) is expected


def test_the_replay_key_is_half_the_hash_and_the_use() -> None:
    text = "91000000000000000001"
    digest = sha256(text.encode()).digest()
    assert token.digest(text) == digest
    assert token.replay_key(text, Use.PAY) == b"\x00" + digest[:16] + b"P"
    assert token.replay_key(text, Use.ENTRY) == b"\x00" + digest[:16] + b"E"
