"""The five guides, each by its own sample school's file: a person comes in as the guide says.

Source: the features M-020 to M-031 and the guides they were taken from.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from bff.sample_people import sample_people
from core.identity.records import CardholderKind, RosterRow
from core.ports.channels import ClaimKind
from core.ports.messages import MessageTemplate
from tests.api.campus import Campus
from tests.api.doors import channel_tokens, codes, door
from tests.api.sample import OPERATOR

SCHOOLS = {
    path.stem: path.read_text("utf-8")
    for path in (Path(__file__).parents[2] / "config" / "schools").glob("*.toml")
}
NUMBERS = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}
CODES = {
    "a": "green-bamboo", "b": "cloud-hill", "c": "stone-bridge", "d": "river-lamp",
    "e": "harbour-light",
}  # fmt: skip
HOLDER = "cardholder { number } tokens { accessToken }"
LINK = "link { step cardholder { number } matched { maskedName maskedIdNumber } }"
TERMS = [{"document": "real-name-terms", "version": 1}]


def somebody(kind: CardholderKind, phone: str) -> RosterRow:
    """A sample person whose first PIN has digits only, with a telephone that gets messages."""
    found = next(
        person
        for person in sample_people(400)
        if person.kind is kind and (person.id_number or "")[-6:].isdigit()
    )
    return replace(found, phone=phone)


PERSON = somebody(CardholderKind.STUDENT, "13800000001")
OUTSIDER = somebody(CardholderKind.EXTERNAL, "13800000002")


@pytest.fixture
async def guides(campus: Campus) -> Campus:
    """The five sample schools, with the same people in each."""
    for letter, text in sorted(SCHOOLS.items()):
        await campus.wired.services.schools.add(text, OPERATOR)
        await campus.enrol(PERSON, OUTSIDER, school=NUMBERS[letter])
    return campus


async def come(campus: Campus, letter: str, channel: str, subject: str = "open-1") -> str:
    """The token of somebody who opens the school's app in a channel."""
    payload = await channel_tokens(campus, subject, channel, schoolCode=CODES[letter])
    assert (payload["viewerKind"], payload["userErrors"]) == ("UNBOUND", [])
    token: str = payload["tokens"]["accessToken"]
    return token


async def sent_code(campus: Campus, letter: str, to: str | None) -> str:
    """The newest one-time code that the school sent to somebody."""
    await campus.deliver(NUMBERS[letter])
    (*_, newest) = [
        message.facts["code"]
        for message in campus.inbox.messages
        if message.to == to and message.template is MessageTemplate.ONE_TIME_CODE
    ]
    return newest


def pin_of(person: RosterRow) -> str:
    """The first PIN where a school makes it of the ID number."""
    return str(person.id_number)[-6:]


def wallet(campus: Campus, name: str, id_number: str | None, subject: str = "open-1") -> str:
    """A code for a wallet's certified real name."""
    alipay = door(campus, "ALIPAY_MINI")
    facts = {ClaimKind.NAME: name, ClaimKind.ID_NUMBER: id_number}
    claims = tuple(alipay.claim(kind, fact) for kind, fact in facts.items() if fact)
    alipay.released_facts["auth"] = (subject, claims)
    return "auth"


async def bound(campus: Campus, letter: str) -> int:
    """How many bindings a school has."""
    return len(await campus.rows("SELECT 1 FROM binding", school=NUMBERS[letter]))


async def test_each_school_shows_its_own_ways_before_any_login(guides: Campus) -> None:
    shown = {}
    for letter, code in CODES.items():
        query = f'{{ school(code: "{code}") {{ authMethods formFields }} }}'
        shown[letter] = (await guides.query(query))["data"]["school"]
    assert {letter: each["authMethods"] for letter, each in shown.items()} == {
        "a": ["REAL_NAME", "FORM"],
        "b": ["FORM"],
        "c": ["REAL_NAME"],
        "d": ["WECOM_EMAIL", "WECOM_PHONE", "FORM"],
        "e": ["SSO", "EXTERNAL_FORM"],
    }
    assert shown["d"]["formFields"] == ["NAME", "NUMBER_OR_CARD", "QUERY_PIN"]


async def test_guide_a_matches_the_real_name_after_the_consent(guides: Campus) -> None:
    token = await come(guides, "a", "ALIPAY_MINI")
    code = wallet(guides, PERSON.name, PERSON.id_number)
    silent = await guides.do("realNameMatch", {"authCode": code}, LINK, token)
    assert (silent["link"], codes(silent)) == (None, ["CONSENT_MISSING"])
    given = {"authCode": code, "consents": TERMS}
    matched = (await guides.do("realNameMatch", given, LINK, token))["link"]
    assert (matched["step"], matched["cardholder"]) == ("CONFIRM", None)
    assert matched["matched"] == {
        "maskedName": f"{PERSON.name[0]}*",
        "maskedIdNumber": "*" * 17 + str(PERSON.id_number)[-1],
    }
    assert await bound(guides, "a") == 0
    done = (await guides.do("bindingConfirm", {}, LINK, token))["link"]
    assert (done["step"], done["cardholder"]) == ("NONE", {"number": PERSON.number})
    consents = await guides.rows("SELECT document, version, given_at FROM consent", school=1)
    assert [tuple(row.values()) for row in consents] == [("real-name-terms", 1, guides.clock.now())]


async def test_guide_a_falls_back_to_number_and_pin(guides: Campus) -> None:
    token = await come(guides, "a", "ALIPAY_MINI")
    code = wallet(guides, PERSON.name, None)
    given = {"authCode": code, "consents": TERMS}
    refused = await guides.do("realNameMatch", given, LINK, token)
    assert (refused["link"], codes(refused)) == (None, ["REAL_NAME_NOT_FOUND"])
    form = {"name": PERSON.name, "number": PERSON.number, "pin": pin_of(PERSON)}
    guessed = await guides.do("bindingCreate", form, HOLDER, token)
    assert (guessed["cardholder"], codes(guessed)) == (None, ["IDENTITY_NOT_CONFIRMED"])
    assert await bound(guides, "a") == 0
    door(guides, "ALIPAY_MINI").phones["p"] = PERSON.phone or ""
    await guides.do("phoneClaim", {"code": "p"}, "phoneEnd", token)
    proven = await guides.do("bindingCreate", form, HOLDER, token)
    assert (proven["cardholder"], codes(proven)) == ({"number": PERSON.number}, [])


async def test_guide_a_tells_where_somebody_helps(guides: Campus) -> None:
    query = (
        '{ school(code: "green-bamboo") { crestUrl servicePoints { kind campusCode location } } }'
    )
    assert (await guides.query(query))["data"]["school"] == {
        "crestUrl": "https://www.school.example/green-bamboo.svg",
        "servicePoints": [
            {"kind": "CARD_CENTRE", "campusCode": "MAIN", "location": "Sample Hall, room 101"},
            {"kind": "KIOSK", "campusCode": "MAIN", "location": "Entrance of Sample Canteen 1"},
        ],
    }


async def test_guide_b_signs_up_by_a_phone_number(guides: Campus) -> None:
    address = {"schoolCode": CODES["b"], "addressKind": "PHONE", "address": PERSON.phone}
    await guides.do("signInBegin", address, "resendAfterSeconds")
    code = await sent_code(guides, "b", PERSON.phone)
    payload = await guides.do(
        "signInComplete",
        {**address, "code": code, "deviceLabel": "sample phone"},
        "viewerKind tokens { accessToken }",
    )
    assert payload["viewerKind"] == "UNBOUND"
    token = payload["tokens"]["accessToken"]
    form = {"name": PERSON.name, "number": PERSON.number, "pin": pin_of(PERSON)}
    proven = await guides.do("bindingCreate", form, HOLDER, token)
    assert (proven["cardholder"], codes(proven)) == ({"number": PERSON.number}, [])


async def test_guide_c_takes_the_holders_own_wallet_only(guides: Campus) -> None:
    parent = await come(guides, "c", "ALIPAY_MINI", "open-parent")
    code = wallet(guides, "示例家长", "999999197001010010", "open-parent")
    refused = await guides.do("realNameMatch", {"authCode": code}, LINK, parent)
    assert (refused["link"], codes(refused)) == (None, ["REAL_NAME_NOT_FOUND"])
    form = {"name": PERSON.name, "number": PERSON.number}
    closed = await guides.do("bindingCreate", form, HOLDER, parent)
    assert (closed["cardholder"], codes(closed)) == (None, ["METHOD_NOT_OFFERED"])
    assert await bound(guides, "c") == 0
    own = await come(guides, "c", "ALIPAY_MINI", "open-own")
    code = wallet(guides, PERSON.name, PERSON.id_number, "open-own")
    await guides.do("realNameMatch", {"authCode": code}, LINK, own)
    done = (await guides.do("bindingConfirm", {}, LINK, own))["link"]
    assert done["cardholder"] == {"number": PERSON.number}


@pytest.mark.parametrize("kind", ["EMAIL", "PHONE"])
async def test_guide_d_verifies_a_member_by_mail_or_phone(guides: Campus, kind: str) -> None:
    token = await come(guides, "d", "WECOM", "userid-1")
    given = {"number": PERSON.number, "addressKind": kind}
    await guides.do("memberProofBegin", given, "resendAfterSeconds", token)
    to = PERSON.email if kind == "EMAIL" else PERSON.phone
    given["code"] = await sent_code(guides, "d", to)
    done = (await guides.do("memberProofComplete", given, LINK, token))["link"]
    assert (done["step"], done["cardholder"]) == ("NONE", {"number": PERSON.number})


async def test_guide_d_registers_by_card_number_and_query_pin(guides: Campus) -> None:
    token = await come(guides, "d", "WECHAT_MINI")
    door(guides, "WECHAT_MINI").phones["p"] = PERSON.phone or ""
    await guides.do("phoneClaim", {"code": "p"}, "phoneEnd", token)
    wrong = {"name": PERSON.name, "number": PERSON.card_uid, "pin": "654321"}
    refused = await guides.do("bindingCreate", wrong, HOLDER, token)
    assert (refused["cardholder"], codes(refused)) == (None, ["IDENTITY_NOT_CONFIRMED"])
    form = {"name": PERSON.name, "number": PERSON.card_uid, "pin": "123456"}
    proven = await guides.do("bindingCreate", form, HOLDER, token)
    assert (proven["cardholder"], codes(proven)) == ({"number": PERSON.number}, [])


async def test_guide_e_takes_outsiders_by_the_form_and_members_by_the_sign_on(
    guides: Campus,
) -> None:
    token = await come(guides, "e", "WECHAT_MINI")
    wechat = door(guides, "WECHAT_MINI")
    wechat.phones |= {"student": PERSON.phone or "", "outsider": OUTSIDER.phone or ""}
    await guides.do("phoneClaim", {"code": "student"}, "phoneEnd", token)
    member = {"name": PERSON.name, "number": PERSON.number, "pin": pin_of(PERSON)}
    refused = await guides.do("bindingCreate", member, HOLDER, token)
    assert (refused["cardholder"], codes(refused)) == (None, ["IDENTITY_NOT_CONFIRMED"])
    assert await bound(guides, "e") == 0
    await guides.do("phoneClaim", {"code": "outsider"}, "phoneEnd", token)
    outsider = {"name": OUTSIDER.name, "number": OUTSIDER.number, "pin": pin_of(OUTSIDER)}
    proven = await guides.do("bindingCreate", outsider, HOLDER, token)
    assert (proven["cardholder"], codes(proven)) == ({"number": OUTSIDER.number}, [])
