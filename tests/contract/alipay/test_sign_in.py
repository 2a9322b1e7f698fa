"""Who a code of the Alipay app belongs to."""

import pytest

from adapters.alipay.sign_in import AlipaySignIn
from core.ports.channels import ClaimKind, IdentityClaim
from core.ports.providers import ProviderMisconfigured, ProviderRefused, RefusalReason
from tests.contract.alipay.odd_gateway import answering
from tests.contract.alipay.stand import Stand
from tests.contract.doors import by_app


async def test_a_code_says_who_holds_it(stand: Stand) -> None:
    person = await stand.person()
    subject = await by_app(stand.open().door).sign_in(await stand.code(person))
    assert (subject.issuer, subject.subject) == (stand.issuer, await stand.open_id(person))
    assert (subject.claims, subject.ticket) == ((), None)


async def test_the_door_vouches_as_its_app(stand: Stand) -> None:
    assert stand.open().door.issuer == "alipay:2099000000000001"


async def test_a_union_id_that_appears_later_changes_no_subject(stand: Stand) -> None:
    person, door = await stand.person(), stand.open().door
    before = await by_app(door).sign_in(await stand.code(person))
    after = await by_app(door).sign_in(await stand.code(person, grouped=True))
    assert after.subject == before.subject
    (claim,) = after.claims
    assert claim == IdentityClaim(ClaimKind.UNION_ID, claim.value, stand.issuer)
    assert claim.value not in {"", after.subject}


async def test_a_code_is_good_once(stand: Stand) -> None:
    door, code = stand.open().door, await stand.code(await stand.person())
    await by_app(door).sign_in(code)
    with pytest.raises(ProviderRefused, match=r"isv\.code-invalid") as refusal:
        await by_app(door).sign_in(code)
    assert refusal.value.reason is RefusalReason.CODE_EXPIRED


async def test_an_old_code_is_refused(stand: Stand) -> None:
    code = await stand.code(await stand.person())
    await stand.sandbox.move_clock(181)
    with pytest.raises(ProviderRefused) as refusal:
        await by_app(stand.open().door).sign_in(code)
    assert refusal.value.reason is RefusalReason.CODE_EXPIRED


async def test_an_invented_code_is_refused(stand: Stand) -> None:
    with pytest.raises(ProviderRefused) as refusal:
        await by_app(stand.open().door).sign_in("invented")
    assert refusal.value.reason is RefusalReason.CODE_EXPIRED


async def test_an_app_that_is_told_no_open_id_is_misconfigured(stand: Stand) -> None:
    old = {"user_id": "2088000000000001", "access_token": "token"}
    async with answering(stand, {"alipay.system.oauth.token": old}) as (client, _):
        with pytest.raises(ProviderMisconfigured):
            await AlipaySignIn(client, stand.issuer).sign_in("code")


async def test_a_code_shows_in_no_log_and_no_error(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    person = await stand.person()
    code = await stand.code(person)
    subject = await by_app(stand.open().door).sign_in(code)
    with pytest.raises(ProviderRefused) as refusal:
        await by_app(stand.open().door).sign_in(code)
    shown = caplog.text + repr(refusal.value) + repr(subject)
    for secret in (code, subject.subject, stand.credentials["app_private_key"]):
        assert secret not in shown
