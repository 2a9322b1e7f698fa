"""The deny list to the byte, and which changes a terminal applies to the one it holds."""

import pytest

from core.school.records import DeniedKind
from terminals import deny
from terminals.deny import Change, DenyInvalid, DenyList, Entry, Op, added

SERIAL = bytes.fromhex("a1b2c3d40001")
OTHER = bytes.fromhex("a1b2c3d40000")
UID = bytes.fromhex("04a1b2c3")
LINES = [(DeniedKind.SERIAL, SERIAL, 1_800_000_000), (DeniedKind.UID, UID, 1_800_000_001)]
CONTENT = bytes.fromhex(
    "00000009 000201 01 a1b2c3d4000100000000 6b49d20002 01 04a1b2c3000000000000 6b49d201"
)


def test_a_change_is_written_and_read_to_the_byte() -> None:
    change = Change(9, added(LINES))
    assert deny.write(change) == CONTENT
    assert deny.read(CONTENT) == change
    assert deny.read(bytes(6)) == Change(0, [])
    assert deny.ENTRY_BYTES == 16


def test_a_serial_may_end_in_zeros() -> None:
    change = Change(0, added([(DeniedKind.SERIAL, OTHER, 1)]))
    assert deny.read(deny.write(change)) == change


@pytest.mark.parametrize("content", [
    b"", CONTENT[:5], CONTENT[:-1], CONTENT + b"\0",
    CONTENT.replace(b"\x02\x01\x04", b"\x03\x01\x04"),
    CONTENT.replace(b"\x01\x01\xa1", b"\x01\x02\xa1"),
])  # fmt: skip
def test_other_bytes_are_no_deny_list(content: bytes) -> None:
    with pytest.raises(DenyInvalid):
        deny.read(content)


def test_more_entries_than_the_count_can_say_are_no_document() -> None:
    with pytest.raises(ValueError, match="too many"):
        deny.write(Change(0, added([LINES[0]] * 65_536)))


def test_a_list_follows_its_changes_and_forgets_what_ended() -> None:
    whole = DenyList().following(3, Change(0, added(LINES)), now=1_799_999_999)
    assert whole.version == 3
    assert whole.serials() == {SERIAL}
    more = whole.following(4, Change(3, added([(DeniedKind.SERIAL, OTHER, 1_800_000_009)])), 0)
    assert more.serials() == {SERIAL, OTHER}
    later = more.following(5, Change(4, []), now=1_800_000_001)
    assert later.until == {(DeniedKind.UID, UID): 1_800_000_001,
                           (DeniedKind.SERIAL, OTHER): 1_800_000_009}  # fmt: skip
    taken_back = [Entry(DeniedKind.UID, Op.REMOVE, UID, 0)]
    assert later.following(6, Change(5, taken_back), 0).serials() == {OTHER}
    assert set(later.following(6, Change(5, taken_back), 0).until) == {(DeniedKind.SERIAL, OTHER)}
    assert later.following(9, Change(0, []), 0).until == {}


def test_changes_to_another_list_are_refused() -> None:
    held = DenyList(3, {})
    for base_version in (2, 4):
        with pytest.raises(DenyInvalid):
            held.following(5, Change(base_version, []), 0)


def test_a_chip_is_found_whatever_zeros_end_its_number() -> None:
    ends = bytes.fromhex("04a1b200")
    listed = DenyList().following(1, deny.read(deny.write(Change(0, added(
        [(DeniedKind.UID, ends, 9), (DeniedKind.SERIAL, SERIAL, 9)]
    )))), 0)  # fmt: skip
    assert listed.has_card(ends)
    assert not listed.has_card(UID)
    assert not listed.has_card(SERIAL)
