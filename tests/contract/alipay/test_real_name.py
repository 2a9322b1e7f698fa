"""The real name behind a wallet: released, or compared without being told."""

from typing import Any

import pytest

from adapters.alipay.door import open_door
from adapters.alipay.real_name import AlipayRealName
from core.ports.channels import RealName, RealNameWallet
from core.ports.providers import ProviderRefused, ProviderUnavailable, RefusalReason
from tests.contract.alipay.odd_gateway import answering
from tests.contract.alipay.stand import Stand, values

# What is said here does not hang on how answers are signed.
pytestmark = pytest.mark.parametrize("stand", ["key"], indirect=True)

_TOKEN, _SHARE = "alipay.system.oauth.token", "alipay.user.info.share"
TOKEN_FACTS = {"open_id": "open-id", "access_token": "token"}


def _wallet(stand: Stand) -> RealNameWallet:
    wallet = stand.open().door.real_name
    assert wallet is not None
    return wallet


def _registered(person: dict[str, Any], **changes: Any) -> RealName:
    known = {
        "name": person["name"],
        "id_type": "ID_CARD",
        "id_number": person["id_number"],
        "phone": person["phone"],
    }
    return RealName(**(known | changes))


async def test_a_holder_releases_name_number_and_telephone(stand: Stand) -> None:
    person = await stand.person()
    subject, claims = await _wallet(stand).released(await stand.code(person, "auth_user"))
    assert subject == await stand.open_id(person)
    assert values(claims) == {
        "NAME": person["name"], "ID_NUMBER": person["id_number"], "PHONE": person["phone"],
    }  # fmt: skip
    assert {claim.verified_by for claim in claims} == {stand.issuer}


async def test_what_the_holder_keeps_back_is_no_claim(stand: Stand) -> None:
    code = await stand.code(await stand.person(), "auth_user", releases=["user_name"])
    _, claims = await _wallet(stand).released(code)
    assert values(claims) == {"NAME": "示例甲"}


async def test_a_wallet_without_a_real_name_releases_nothing(stand: Stand) -> None:
    person = await stand.person(id_number="")
    subject, claims = await _wallet(stand).released(await stand.code(person, "auth_user"))
    assert (subject, claims) == (await stand.open_id(person), ())


async def test_a_person_who_did_not_agree_is_asked_again(stand: Stand) -> None:
    code = await stand.code(await stand.person(), "auth_base")
    with pytest.raises(ProviderRefused, match=r"isv\.invalid-auth-relations") as refusal:
        await _wallet(stand).released(code)
    assert refusal.value.reason is RefusalReason.NOT_AUTHORISED


async def test_an_expired_token_signs_in_again(stand: Stand) -> None:
    code = await stand.code(await stand.person(), "auth_user")
    await stand.fail("token_dead", "alipay.user.info.share")
    with pytest.raises(ProviderRefused) as refusal:
        await _wallet(stand).released(code)
    assert refusal.value.reason is RefusalReason.SESSION_EXPIRED


@pytest.mark.parametrize(
    ("facts", "released"),
    [
        ({"is_certified": "F"}, set()),
        ({"is_certified": None}, set()),
        ({"user_type": "1"}, set()),
        ({"user_name": "示*"}, {"ID_NUMBER", "PHONE"}),
        ({"user_name": ""}, {"ID_NUMBER", "PHONE"}),
        ({"cert_type": "9"}, {"NAME", "PHONE"}),
        ({"cert_type": None}, {"NAME", "PHONE"}),
        ({"cert_no": "9901**********0011"}, {"NAME", "PHONE"}),
        ({"mobile": "199****0001"}, {"NAME", "ID_NUMBER"}),
        ({"mobile": "+852 5555 5555"}, {"NAME", "ID_NUMBER"}),
        ({"cert_type": "13"}, {"NAME", "ID_NUMBER", "PHONE"}),
    ],
)
async def test_only_certified_whole_facts_of_a_person_are_claims(
    stand: Stand, facts: dict[str, str | None], released: set[str]
) -> None:
    whole = {
        "code": "10000", "is_certified": "T", "user_type": "2", "user_name": "示例乙",
        "cert_type": "0", "cert_no": "99010119000101001x", "mobile": "19900000001",
    }  # fmt: skip
    answers: dict[str, dict[str, Any]] = {_TOKEN: TOKEN_FACTS, _SHARE: whole | facts}
    async with answering(stand, answers) as (client, _):
        subject, claims = await AlipayRealName(client, stand.issuer).released("code")
    assert (subject, set(values(claims))) == ("open-id", released)
    assert values(claims).get("ID_NUMBER", "99010119000101001X") == "99010119000101001X"


async def test_facts_of_somebody_else_are_no_answer(stand: Stand) -> None:
    answers = {_TOKEN: TOKEN_FACTS, _SHARE: {"code": "10000", "open_id": "another"}}
    async with answering(stand, answers) as (client, _):
        with pytest.raises(ProviderUnavailable):
            await AlipayRealName(client, stand.issuer).released("code")


async def test_a_comparison_without_a_reference_is_no_answer(stand: Stand) -> None:
    answers = {"alipay.user.certdoc.certverify.preconsult": {"code": "10000"}}
    async with answering(stand, answers) as (client, _):
        with pytest.raises(ProviderUnavailable):
            await AlipayRealName(client, stand.issuer).compare_begin(
                RealName("示例丙", "PASSPORT", "E00000001", None)
            )


async def test_the_wallet_compares_and_says_yes(stand: Stand) -> None:
    person, wallet = await stand.person(), _wallet(stand)
    reference = await wallet.compare_begin(_registered(person))
    subject, same = await wallet.compare(reference, await stand.code(person, "id_verify"))
    assert (subject, same) == (await stand.open_id(person), True)


@pytest.mark.parametrize(
    "changes", [{"name": "示例丁"}, {"id_number": "990101190001010003"}, {"phone": "19912345678"}]
)
async def test_the_wallet_compares_and_says_no(stand: Stand, changes: dict[str, str]) -> None:
    person, wallet = await stand.person(), _wallet(stand)
    reference = await wallet.compare_begin(_registered(person, **changes))
    _, same = await wallet.compare(reference, await stand.code(person, "id_verify"))
    assert same is False


async def test_a_telephone_we_do_not_know_is_not_compared(stand: Stand) -> None:
    person, wallet = await stand.person(), _wallet(stand)
    reference = await wallet.compare_begin(_registered(person, phone=None))
    assert await wallet.compare(reference, await stand.code(person, "id_verify")) == (
        await stand.open_id(person), True,
    )  # fmt: skip


async def test_nothing_is_compared_before_the_holder_agrees(stand: Stand) -> None:
    person, wallet = await stand.person(), _wallet(stand)
    reference = await wallet.compare_begin(_registered(person))
    with pytest.raises(ProviderRefused) as refusal:
        await wallet.compare(reference, await stand.code(person, "auth_base"))
    assert refusal.value.reason is RefusalReason.NOT_AUTHORISED


@pytest.mark.parametrize(
    ("id_type", "id_number", "cert_type"),
    [
        ("ID_CARD", "990101190001010003", "IDENTITY_CARD"),
        ("PASSPORT", "E00000001", "PASSPORT"),
        ("RESIDENCE_PERMIT", "810000190001010005", "RESIDENCE_PERMIT_HK_MC"),
        ("RESIDENCE_PERMIT", "820000190001010005", "RESIDENCE_PERMIT_HK_MC"),
        ("RESIDENCE_PERMIT", "830000190001010005", "RESIDENCE_PERMIT_TAIWAN"),
    ],
)
async def test_a_document_goes_under_alipays_word(
    stand: Stand, id_type: str, id_number: str, cert_type: str
) -> None:
    person = RealName("示例丙", id_type, id_number, None)
    await _wallet(stand).compare_begin(person)
    sent = (await stand.sent("alipay.user.certdoc.certverify.preconsult"))[-1]
    assert f'"cert_type":"{cert_type}"' in sent["biz_content"]


@pytest.mark.parametrize(
    ("id_type", "id_number"),
    [("OTHER", "X1"), (None, None), ("ID_CARD", None), ("RESIDENCE_PERMIT", "990101")],
)
async def test_a_document_the_wallet_does_not_compare_sends_nothing(
    stand: Stand, id_type: str | None, id_number: str | None
) -> None:
    api = "alipay.user.certdoc.certverify.preconsult"
    before = len(await stand.sent(api))
    with pytest.raises(ProviderRefused):
        await _wallet(stand).compare_begin(RealName("示例丙", id_type, id_number, "19900000001"))
    assert len(await stand.sent(api)) == before


async def test_without_the_capability_there_is_no_real_name(stand: Stand) -> None:
    alipay = open_door(stand.settings(), frozenset(), stand.clock, stand.memory.once)
    stand.opened.append(alipay)
    assert alipay.door.real_name is None
    assert alipay.agreements is None
