"""The RIGHTS document to the byte, and the list a gate holds by it."""

from hashlib import sha256

import pytest

from core.entry.records import CardRight, Groups
from terminals.rights import Change, Rights, RightsInvalid, card_name, read, write

SALT = bytes([0x55]) * 16
UID = bytes.fromhex("04A1B2C3")
ALICE, BOB, CAROL = (card_name(SALT, bytes([number]) * 4) for number in (1, 2, 3))


def change(*lines: CardRight, base: int = 0, salt: bytes = SALT) -> Change:
    return Change(base, salt, lines)


WHOLE = change(CardRight(ALICE, 0, 0), CardRight(BOB, 7, 0b101), CardRight(BOB, 9, 1))
HELD = Rights().following(4, WHOLE)


def test_document_has_these_bytes() -> None:
    name = sha256(SALT + UID).digest()[:8]
    content = write(
        change(CardRight(name, 7, 0b101), CardRight(ALICE, 7, None), CardRight(BOB, 0, 0), base=3)
    )
    assert content == (
        bytes.fromhex("00000003") + SALT + bytes.fromhex("0003")
        + bytes.fromhex("00010001") + BOB + bytes.fromhex("0000")
        + bytes.fromhex("07000001") + ALICE + bytes.fromhex("0000")
        + bytes.fromhex("07010001") + name + bytes.fromhex("0005")
    )  # fmt: skip
    assert sorted(read(content).lines, key=str) == sorted(
        [CardRight(name, 7, 0b101), CardRight(ALICE, 7, None), CardRight(BOB, 0, 0)], key=str
    )
    assert (read(content).base_version, read(content).salt) == (3, SALT)


def test_twenty_thousand_cards_take_two_hundred_thousand_bytes() -> None:
    lines = [CardRight(number.to_bytes(8), 7, 1) for number in range(20_000)]
    assert len(write(change(*lines))) == 22 + 4 + 200_000


def test_a_card_opens_what_its_line_says_and_an_unknown_one_nothing() -> None:
    assert HELD.of(bytes([1]) * 4) == (Groups(0, 0),)
    assert HELD.of(bytes([2]) * 4) == (Groups(7, 0b101), Groups(9, 1))
    assert HELD.of(bytes([3]) * 4) is None


def test_changes_follow_the_version_they_name() -> None:
    later = HELD.following(
        5,
        change(CardRight(BOB, 9, None), CardRight(ALICE, 0, None), CardRight(CAROL, 7, 2), base=4),
    )
    assert later.version == 5
    assert later.of(bytes([1]) * 4) is None
    assert later.of(bytes([2]) * 4) == (Groups(7, 0b101),)
    assert later.of(bytes([3]) * 4) == (Groups(7, 2),)
    assert later == Rights().following(5, read(write(later.whole())))
    assert HELD.of(bytes([1]) * 4) == (Groups(0, 0),)  # the held list itself stays as it was


def test_a_whole_list_forgets_what_was_held() -> None:
    later = HELD.following(6, change(CardRight(CAROL, 7, 2), salt=bytes(16)))
    assert (later.masks, later.salt) == ({CAROL: {7: 2}}, bytes(16))


@pytest.mark.parametrize("other", [change(base=3), change(base=5), change(base=4, salt=bytes(16))])
def test_changes_to_another_list_are_refused(other: Change) -> None:
    with pytest.raises(RightsInvalid):
        HELD.following(6, other)


def test_every_cut_and_every_longer_document_is_refused() -> None:
    content = write(WHOLE)
    for length in range(len(content)):
        with pytest.raises(RightsInvalid):
            read(content[:length])
    for wrong in (content + b"\0", content[:23] + b"\x02" + content[24:]):
        with pytest.raises(RightsInvalid):
            read(wrong)
