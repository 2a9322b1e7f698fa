"""Offline records: the vector of terminals.md 6 to the byte, the chain, and what breaks it."""

import pytest

from terminals import offline
from terminals.message import RequestKey
from terminals.offline import Item, Record, RecordKind, first_link, link, link_all, sign_link
from tests.unit.terminals import samples

BATCH = RequestKey(42, 12, 345)
RECORD = Record(
    0, BATCH, RecordKind.PURCHASE, 1_800_003_602, 1_250, 7, 9, 1,
    samples.VECTOR_3, samples.VECTOR_2,
)  # fmt: skip
H0 = bytes.fromhex("526977a594820c2efb95250cff7aa4290487a7606ec08eb7a969348d7fbe9bcb")
PACKED = bytes.fromhex(
    "00000000002a00000c000159016b49e012000004e200000007000000090117a436e1a364ccb577802a9bf0e8d0c23f"
    "721c303242b065cc38287db47345bb031ede3198a49c0662e106929a8264ebe6a7f39c37a18a8f906a79f949ccf8bb"
)
H1 = bytes.fromhex("5456f5376b208819d3e6e5d16eae837fdbfcb99c4edbd6270ab94a7e81815159")
SIGNATURE = bytes.fromhex(
    "ec3f6aa07267d93998e3399a8595d0dc228e87cdc799290ae8b0a841bc3455c1"
    "bf168c45f6c15d7f4d76a1463ddd08c0566e5feac51622afe7cce698381a2204"
)
KEYS = {1: samples.public(samples.TERMINAL_SEED)}


def run_of(count: int) -> list[Item]:
    """A chain of records, each saying nothing of what it follows."""
    items, previous = [], H0
    for seq_no in range(1, count + 1):
        record = RECORD._replace(key=RequestKey(42, 12, seq_no))
        previous = link(previous, record.packed())
        items.append(Item(record, sign_link(previous, samples.sign_terminal)))
    return items


def test_record_chain_and_signature_are_those_of_the_vector() -> None:
    assert first_link(0, 42, 12) == H0
    assert RECORD.packed() == PACKED
    assert len(PACKED) == offline.RECORD_BYTES
    assert link(H0, PACKED) == H1
    assert sign_link(H1, samples.sign_terminal) == SIGNATURE
    (linked,) = link_all(H0, [Item(RECORD, SIGNATURE)])
    assert (linked.packed, linked.previous, linked.hash) == (PACKED, H0, H1)
    assert linked.is_signed_by(KEYS)


def test_texts_are_stripped_of_one_line_end_before_they_are_hashed() -> None:
    read = RECORD._replace(presented=samples.VECTOR_3 + "\r\n", challenge=samples.VECTOR_2 + "\n")
    assert read.packed() == PACKED
    assert RECORD._replace(presented=samples.VECTOR_3 + " ").packed() != PACKED


@pytest.mark.parametrize("changed", [
    RECORD._replace(minor_amount=1_251), RECORD._replace(created_at=1), RECORD._replace(issuer=1),
    RECORD._replace(key=RequestKey(42, 12, 346)), RECORD._replace(kind=2),
    RECORD._replace(parameters_version=8), RECORD._replace(deny_version=8),
    RECORD._replace(clock_state=2), RECORD._replace(challenge=""),
    RECORD._replace(presented=samples.VECTOR_1),
])  # fmt: skip
def test_no_field_changes_without_breaking_the_signature(changed: Record) -> None:
    (linked,) = link_all(H0, [Item(changed, SIGNATURE)])
    assert not linked.is_signed_by(KEYS)


def test_a_record_is_signed_by_any_key_the_terminal_ever_had_and_no_other() -> None:
    (linked,) = link_all(H0, [Item(RECORD, SIGNATURE)])
    assert linked.is_signed_by({1: samples.public(samples.DEVICE_SEED), 2: KEYS[1]})
    assert not linked.is_signed_by({1: samples.public(samples.DEVICE_SEED)})
    assert not linked.is_signed_by({})


def test_items_follow_each_other_and_come_out_in_seq_no_order() -> None:
    items = run_of(4)
    hashes = [linked.hash for linked in link_all(H0, items)]
    said = [
        Item(i.record, i.signature, previous=p) for i, p in zip(items, [H0, *hashes], strict=False)
    ]
    for given in (items, said, list(reversed(said))):
        linked = link_all(H0, given)
        assert [each.item.record.key.seq_no for each in linked] == [1, 2, 3, 4]
        assert [each.hash for each in linked] == hashes
        assert all(each.is_signed_by(KEYS) for each in linked)


def test_deleted_record_breaks_chain() -> None:
    first, _, third, fourth = run_of(4)
    assert [each.is_signed_by(KEYS) for each in link_all(H0, [first, third, fourth])] == [
        True, False, False,
    ]  # fmt: skip
    second_hash = link_all(H0, run_of(2))[1].hash
    told = Item(third.record, third.signature, previous=second_hash)
    linked = link_all(H0, [first, told, fourth])
    assert all(each.is_signed_by(KEYS) for each in linked)
    assert linked[1].previous not in {linked[0].hash, H0}


@pytest.mark.parametrize("unfit", [
    RECORD._replace(minor_amount=-1), RECORD._replace(minor_amount=1 << 32),
    RECORD._replace(created_at=1 << 32), RECORD._replace(kind=256), RECORD._replace(clock_state=-1),
])  # fmt: skip
def test_numbers_that_do_not_fit_are_no_record(unfit: Record) -> None:
    with pytest.raises(ValueError, match="no record"):
        unfit.packed()


@pytest.mark.parametrize(("text", "number"), [
    ("VOID:345", 345), ("VOID:1", 1), ("VOID:999999", 999_999), ("VOID:0345", None),
    ("VOID:", None), ("345", None), ("VOID:1000000", None), ("VOID:٣", None),
    ("VOID:-1", None), ("VOID:0", None),
])  # fmt: skip
def test_a_void_names_its_original(text: str, number: int | None) -> None:
    assert RECORD._replace(kind=RecordKind.VOID, presented=text).original_seq_no == number


def test_only_known_kinds_clock_states_and_numbers_are_well_formed() -> None:
    assert offline.is_well_formed(RECORD)
    for changed in (
        RECORD._replace(kind=0), RECORD._replace(kind=4), RECORD._replace(clock_state=0),
        RECORD._replace(clock_state=3), RECORD._replace(key=RequestKey(42, 0, 1)),
        RECORD._replace(key=RequestKey(42, 12, 0)),
        RECORD._replace(key=RequestKey(42, 1_000_000, 1)),
    ):  # fmt: skip
        assert not offline.is_well_formed(changed)
