"""Base45 as RFC 9285 has it, and nothing besides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminals import base45


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
    ],
)
def test_examples_of_the_rfc(raw: bytes, text: str) -> None:
    assert base45.encode(raw) == text
    assert base45.decode(text) == raw


@given(st.binary(max_size=200))
def test_what_was_encoded_decodes(raw: bytes) -> None:
    assert base45.decode(base45.encode(raw)) == raw


@pytest.mark.parametrize(
    "text",
    [
        "bb8",
        "BB8\n",
        "\nBB",
        "BB8BB\u00e9",
        "BB8\u4e00\u4e00",
        "GGX",  # 65536
        ":::",
        "BB80",  # one character is left over
        "U5X",
        "V5",  # 256
        "::",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(base45.Base45Invalid):
        base45.decode(text)


def test_the_largest_values_are_accepted() -> None:
    assert base45.decode("FGW") == b"\xff\xff"
    assert base45.decode("U5") == b"\xff"
