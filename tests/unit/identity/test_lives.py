"""The form of tokens and of kept codes."""

import pytest

from core.identity.lives import token_hash, token_school, token_text
from core.identity.one_time import Purpose, code_hash, is_right
from core.kit.ids import Ids
from tests.factories.chance import HandClock, counted_entropy


def test_a_token_names_its_school_and_holds_256_bits() -> None:
    token = token_text(65_535, bytes(range(32)))
    assert token == "cc_65535_" + "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert token_school(token) == 65_535
    assert len(token_hash(token)) == 32


_KEY = "A" * 43


@pytest.mark.parametrize(
    ("head", "key"),
    [
        ("cc_65536_", _KEY), ("cc_-1_", _KEY), ("cc_1_", _KEY[1:]), ("cc_1_", _KEY + "A"),
        ("CC_1_", _KEY), ("cc_1_", _KEY[1:] + "="), ("cc_1_", _KEY + "\n"), ("", ""),
    ],
)  # fmt: skip
def test_other_texts_name_no_school(head: str, key: str) -> None:
    assert token_school(head + key) is None


def test_a_kept_code_is_bound_to_pepper_row_purpose_and_session() -> None:
    ids = Ids(HandClock(), counted_entropy("lives"))
    code_id, pepper = ids.new(), bytes(32)
    kept = code_hash(pepper, code_id, Purpose.CARD_PROOF, "f", "048213")
    assert is_right(kept, code_hash(pepper, code_id, Purpose.CARD_PROOF, "f", "048213"))
    others = [
        code_hash(b"x" * 32, code_id, Purpose.CARD_PROOF, "f", "048213"),
        code_hash(pepper, ids.new(), Purpose.CARD_PROOF, "f", "048213"),
        code_hash(pepper, code_id, Purpose.SIGN_IN, "f", "048213"),
        code_hash(pepper, code_id, Purpose.CARD_PROOF, "g", "048213"),
        code_hash(pepper, code_id, Purpose.CARD_PROOF, "f", "48213"),
    ]
    assert not any(is_right(kept, other) for other in others)
