"""What a proof says of a card, rule by rule."""

from dataclasses import replace
from itertools import product
from uuid import UUID

import pytest

from core.identity.linking import (
    Wallet,
    contradicts,
    masked,
    masked_name,
    name_index_of,
    names_same_person,
    proves_address,
    vouches_for,
    wallet_of,
)
from core.identity.records import Candidate, PendingLink, SignOnSubject
from core.identity.subjects import claim_index, subject_index
from core.kit.sealed import Sealer
from core.ports.campus_sign_on import LinkMode
from core.ports.channels import ClaimKind, IdentityClaim
from tests.factories.chance import NOON, counted_entropy

NAME, OTHER_NAME, ID, OTHER_ID, PHONE = (bytes([n]) * 32 for n in range(5))
NUMBER, OTHER_NUMBER = b"n" * 32, b"o" * 32
CARD = Candidate(UUID(int=1), "S001", "STUDENT", "ACTIVE", NAME, ID, (PHONE,), None)
SIGN_ON = SignOnSubject("cas", "https://sso.example", b"s", None, None)
LINK = PendingLink(UUID(int=9), UUID(int=8), "SSO", SIGN_ON, None, None, NOON, NOON)


@pytest.mark.parametrize(("mode", "status", "name"), list(product(
    LinkMode, ("ACTIVE", "SUSPENDED", "LEFT"), (None, NAME, OTHER_NAME)
)))  # fmt: skip
def test_the_school_vouches_only_by_its_number_for_an_active_card_of_that_name(
    mode: LinkMode, status: str, name: bytes | None
) -> None:
    expected = mode is LinkMode.PERSON_NO and status == "ACTIVE" and name in {None, NAME}
    assert vouches_for(mode, replace(CARD, status=status), name) is expected
    assert vouches_for(mode, None, name) is False


@pytest.mark.parametrize(
    ("number", "name", "same"),
    [
        (None, None, False),
        (NUMBER, None, True),
        (None, NAME, True),
        (NUMBER, NAME, True),
        (OTHER_NUMBER, NAME, False),
        (NUMBER, OTHER_NAME, False),
        (OTHER_NUMBER, None, False),
        (None, OTHER_NAME, False),
    ],
)
def test_a_sign_on_names_the_person_if_all_it_released_agrees_and_it_released_something(
    number: bytes | None, name: bytes | None, same: bool
) -> None:
    said = replace(SIGN_ON, person_no_index=number, name_index=name)
    assert names_same_person(said, CARD, NUMBER) is same


@pytest.mark.parametrize(
    ("waits_for", "name", "contradicted"),
    [
        (None, None, False),
        (None, NAME, False),
        (None, OTHER_NAME, True),
        (CARD.id, NAME, False),
        (UUID(int=2), None, True),
        (UUID(int=2), NAME, True),
    ],
)
def test_a_proof_that_waits_is_taken_by_its_own_person_only(
    waits_for: UUID | None, name: bytes | None, contradicted: bool
) -> None:
    link = replace(LINK, cardholder_id=waits_for, sign_on=replace(SIGN_ON, name_index=name))
    assert contradicts(link, CARD) is contradicted
    assert contradicts(replace(link, sign_on=None), CARD) is (waits_for == UUID(int=2))


@pytest.mark.parametrize(
    ("told", "known", "wallet"),
    [
        ([], ID, Wallet.UNTOLD),
        ([("ID_NUMBER", ID)], ID, Wallet.UNTOLD),
        ([("NAME", OTHER_NAME)], ID, Wallet.OTHER),
        ([("NAME", NAME)], ID, Wallet.NAMESAKE),
        ([("NAME", NAME)], None, Wallet.SAME),
        ([("NAME", NAME), ("ID_NUMBER", ID)], ID, Wallet.SAME),
        ([("NAME", NAME), ("ID_NUMBER", OTHER_ID)], ID, Wallet.OTHER),
        ([("NAME", NAME), ("ID_NUMBER", OTHER_ID)], None, Wallet.SAME),
        ([("NAME", OTHER_NAME), ("ID_NUMBER", ID)], ID, Wallet.OTHER),
        ([("PHONE", NAME)], ID, Wallet.UNTOLD),
    ],
)
def test_whose_wallet_it_is(
    told: list[tuple[str, bytes]], known: bytes | None, wallet: Wallet
) -> None:
    assert wallet_of(told, replace(CARD, id_number_index=known)) is wallet


@pytest.mark.parametrize(
    ("claims", "subject", "proven"),
    [
        ([], b"x", False),
        ([], PHONE, True),
        ([("PHONE", PHONE)], b"x", True),
        ([("EMAIL", PHONE)], b"x", True),
        ([("NAME", PHONE)], b"x", False),
        ([("PHONE", ID)], b"x", False),
    ],
)
def test_an_address_is_proven_by_the_sign_in_or_by_what_the_channel_verified(
    claims: list[tuple[str, bytes]], subject: bytes, proven: bool
) -> None:
    assert proves_address(claims, subject, CARD) is proven


def test_what_is_shown_before_agreement_is_masked() -> None:
    assert [masked(text) for text in ("", "1", "12", "S001")] == ["", "*", "*2", "***1"]
    assert [masked(text, 3) for text in ("12", "S001")] == ["**", "*001"]
    assert [masked_name(name) for name in ("", "示", "示例甲")] == ["*", "示*", "示*"]


def test_a_fact_has_the_index_that_the_register_has_of_it_and_no_other() -> None:
    sealer = Sealer({1: bytes(range(32))}, bytes(range(32, 64)), counted_entropy("linking"))

    def index(kind: ClaimKind, value: str, school: int = 1) -> bytes | None:
        return claim_index(sealer, school, IdentityClaim(kind, value, "alipay:app"))

    assert index(ClaimKind.NAME, " 示例甲 ") == name_index_of(sealer, 1, "示例甲")
    assert name_index_of(sealer, 1, None) is None
    assert index(ClaimKind.PHONE, "13800000001") == index(ClaimKind.PHONE, "+8613800000001")
    assert index(ClaimKind.PHONE, "+852-51234567") is None
    assert index(ClaimKind.EMAIL, "a@people.example") == index(ClaimKind.EMAIL, "A@People.example")
    known = [index(kind, "13800000001") for kind in ClaimKind if kind is not ClaimKind.EMAIL]
    known += [index(ClaimKind.ID_NUMBER, "13800000001", school=2), index(ClaimKind.UNION_ID, "x")]
    assert None not in known
    assert len(set(known)) == len(known)
    assert subject_index(sealer, 1, "i", "a") != subject_index(sealer, 1, "i", "A")
