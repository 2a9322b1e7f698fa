"""New roots: whoever pins others takes them only from both custodians (codes.md 9)."""

from dataclasses import replace

import pytest
from nacl.signing import SigningKey

from terminals import documents
from terminals.documents import DocumentKind, SignedDocument, read_roots, verify_keys
from terminals.keys import signer
from terminals.roots import RootKey, Roots, endorse, roots_of
from tests.unit.terminals import samples

SEEDS = {kid: bytes([0x60 + kid]) * 32 for kid in range(1, 5)}
ALL = {kid: samples.public(seed) for kid, seed in SEEDS.items()}
KEYS = [samples.PASS_KEY, samples.ANSWER_KEY]
BEFORE, AFTER = {1: ALL[1], 2: ALL[2]}, {2: ALL[2], 3: ALL[3]}
REFUSED = "ROOTS"


def endorsed(
    kid: int = 1, keys: dict[int, bytes] = AFTER, since: int = 7, issuer: int = 0
) -> Roots:
    return endorse(roots_of(since, keys), issuer, kid, signer(SEEDS[kid]))


def document(roots: Roots | None, signed_by: int = 2, version: int = 7) -> SignedDocument:
    content = documents.write_keys(KEYS, roots)
    blank = SignedDocument(DocumentKind.KEYS, 0, version, 0, content, b"")
    return documents.sign(blank, signed_by, signer(SEEDS[signed_by]))


def taken(roots: Roots | None, signed_by: int = 2, **held: int) -> object:
    """What a terminal says that pins the roots of before."""
    answer = verify_keys(document(roots, signed_by), 0, 6, BEFORE, held.get("since", 0))
    return "TAKEN" if answer == KEYS else answer


def test_both_custodians_bring_in_a_new_root() -> None:
    assert taken(endorsed()) == "TAKEN"
    listed = read_roots(document(endorsed()))
    assert listed is not None
    assert (listed.by_kid, listed.since, listed.kid) == (AFTER, 7, 1)
    assert taken(endorsed(2), signed_by=1) == "TAKEN"


def test_a_document_without_roots_is_what_it_was() -> None:
    content = documents.write_keys(KEYS)
    assert b"roots" not in content
    assert read_roots(document(None)) is None
    assert taken(None) == "TAKEN"


def test_endorsement_is_over_issuer_version_kid_and_the_roots_in_order() -> None:
    roots = Roots(0x01020304, (RootKey(3, ALL[3]), RootKey(2, ALL[2])), 1)
    message = bytes.fromhex("63636e31 03e7 01020304 01 02") + ALL[2] + b"\x03" + ALL[3]
    expected = SigningKey(SEEDS[1]).sign(message).signature
    assert endorse(roots, 999, 1, signer(SEEDS[1])).signature == expected


@pytest.mark.parametrize(("roots", "signed_by"), [
    (roots_of(7, AFTER), 2),  # nobody endorsed it
    (endorsed(2), 2),  # one custodian twice
    (endorsed(3), 2),  # the new one for itself
    (replace(endorsed(), kid=2), 2),
    (replace(endorsed(), signature=endorsed(2).signature), 2),
    (replace(endorsed(), since=8), 2),
    (endorsed(issuer=1), 2),
    (replace(endorsed(), keys=roots_of(7, {2: ALL[2], 4: ALL[4]}).keys), 2),
    (endorsed(keys={2: ALL[3], 3: ALL[4]}), 2),  # a kid means one key for ever
    (endorsed(keys={}), 2),
    (endorsed(keys={2: ALL[2], 3: bytes(32)}), 2),
    (replace(endorsed(), keys=(*endorsed().keys, RootKey(3, ALL[3]))), 2),
])  # fmt: skip
def test_whatever_one_of_them_did_not_agree_to_is_refused(roots: Roots, signed_by: int) -> None:
    assert taken(roots, signed_by) == REFUSED


def test_new_root_signs_nothing_for_who_has_not_heard_of_it() -> None:
    assert taken(endorsed(), signed_by=3) == "KEY_UNKNOWN"


def test_who_has_the_roots_needs_no_proof_of_them() -> None:
    for signed_by in AFTER:
        found = verify_keys(document(endorsed(), signed_by, 9), 0, 8, AFTER, 7)
        assert found == KEYS
    assert verify_keys(document(endorsed(), 1, 9), 0, 8, AFTER, 7) == "KEY_UNKNOWN"


def test_old_endorsement_brings_no_old_root_back() -> None:
    assert taken(endorsed(since=5), since=4) == "TAKEN"
    assert taken(endorsed(since=5), since=5) == REFUSED


def test_single_root_takes_a_second_one_that_proves_itself() -> None:
    one, two = {1: ALL[1]}, {1: ALL[1], 2: ALL[2]}
    for endorser, is_good in ((2, True), (1, False), (3, False)):
        made = document(endorsed(endorser, two), signed_by=1)
        found = verify_keys(made, 0, 6, one)
        assert found == (KEYS if is_good else REFUSED)
