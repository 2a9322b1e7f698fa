"""A wallet's real name: `realNameMatch`, `realNameCompareBegin`, `realNameCompare`."""

from dataclasses import replace
from typing import Any

import pytest

from core.identity.records import IdType
from core.ports.channels import ClaimKind
from tests.api.campus import Campus
from tests.api.doors import LINK, codes, door, mini
from tests.api.sample import ALICE

ID_NUMBER = "110101190001010006"


@pytest.fixture
async def known(campus: Campus) -> Campus:
    """The register has the first person's ID number."""
    await campus.enrol(replace(ALICE, id_type=IdType.ID_CARD, id_number=ID_NUMBER))
    return campus


def release(campus: Campus, subject: str = "open-1", name: str = ALICE.name) -> str:
    alipay = door(campus, "ALIPAY_MINI")
    claims = (alipay.claim(ClaimKind.NAME, name), alipay.claim(ClaimKind.ID_NUMBER, ID_NUMBER))
    alipay.released_facts["auth"] = (subject, claims)
    return "auth"


async def test_matched_person_confirms_and_is_bound(known: Campus) -> None:
    token = await mini(known)
    payload = await known.do("realNameMatch", {"authCode": release(known)}, LINK, token)
    link = payload["link"]
    assert (link["step"], link["matched"], link["tokens"]) == (
        "CONFIRM",
        {"maskedName": "示*", "maskedNumber": "*001", "maskedIdNumber": "*" * 17 + "6"},
        None,
    )
    done = await known.do("bindingConfirm", {}, LINK, token)
    assert done["link"]["cardholder"] == {"number": "S001"}
    assert ID_NUMBER not in str(payload)


async def test_wallet_of_nobody_here_is_told_and_the_form_follows(known: Campus) -> None:
    token = await mini(known)
    refused = await known.do(
        "realNameMatch", {"authCode": release(known, name="家长")}, LINK, token
    )
    assert (refused["link"], codes(refused)) == (None, ["REAL_NAME_NOT_FOUND"])
    assert await known.rows("SELECT 1 FROM pending_link") == []


@pytest.mark.parametrize("number", ["S001", "S404"])
async def test_register_is_compared_without_telling_who_exists(known: Campus, number: str) -> None:
    token = await mini(known)
    begun = await known.do("realNameCompareBegin", {"number": number}, "reference", token)
    assert begun == {"reference": "verify-1", "userErrors": []}
    door(known, "ALIPAY_MINI").agrees["auth"] = ("open-1", number == "S001")
    payload: Any = await known.do("realNameCompare", {"authCode": "auth"}, LINK, token)
    if number == "S001":
        assert payload["link"]["step"] == "CONFIRM"
    else:
        assert (payload["link"], codes(payload)) == (None, ["IDENTITY_NOT_CONFIRMED"])


async def test_pin_and_code_together_are_no_input(known: Campus) -> None:
    query = (
        "mutation($input: BindingConfirmInput!) { bindingConfirm(input: $input) { link { step } } }"
    )
    answer = await known.query(query, await mini(known), input={"pin": "1", "code": "2"})
    assert answer["errors"][0]["extensions"]["reason"] == "CODE_OR_PIN"
