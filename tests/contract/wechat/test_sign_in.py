"""Who signs in: by `wx.login` in the mini-program, by the page of the official account."""

import json
from collections.abc import Mapping

import pytest

from adapters.http import HttpAnswer, HttpClient
from adapters.wechat.door import Wechat
from core.ports.channels import ClaimKind, IdentityClaim
from core.ports.providers import ProviderRefused, RefusalReason
from tests.contract.doors import by_app, by_page
from tests.contract.sandbox import Sandbox
from tests.contract.tencent import BACK, Watch, act, brought, sent_back
from tests.contract.wechat.spying import spied

LOGIN = "wechat/login_code"


async def _code(watch: Watch, app_id: str, person: str = "jia", path: str = LOGIN) -> str:
    return str((await act(watch.sandbox, path, person=person, app_id=app_id))["code"])


async def _page_code(official: Wechat, sandbox: Sandbox, person: str = "jia") -> str:
    assert official.door.page is not None
    url = official.door.page.authorise_url("aZ09", BACK, private=False)
    back = brought(await sent_back(sandbox, url, person))
    assert back["state"] == "aZ09"
    assert back["channel"] == "1"
    return back["code"]


async def test_code_to_session_needs_no_token(
    mini: Wechat, watch: Watch, keys: dict[str, str]
) -> None:
    await by_app(mini.door).sign_in(await _code(watch, keys["mini_app_id"]))
    (exchange,) = await watch.exchanges("wechat")
    assert exchange["api"] == "sns/jscode2session"
    assert exchange["sent"].strip() == "?appid&secret&js_code&grant_type"


async def test_a_person_is_the_same_subject_at_each_sign_in_and_another_in_another_app(
    mini: Wechat, official: Wechat, watch: Watch, keys: dict[str, str]
) -> None:
    codes = [await _code(watch, keys["mini_app_id"], person) for person in ("jia", "jia", "yi")]
    first, again, other = [await by_app(mini.door).sign_in(code) for code in codes]
    on_page = await by_page(official.door).sign_in(await _page_code(official, watch.sandbox))
    assert first == again
    assert first.issuer == mini.door.issuer == f"wechat:{keys['mini_app_id']}"
    assert on_page.issuer == official.door.issuer == f"wechat:{keys['official_app_id']}"
    assert len({first.subject, other.subject, on_page.subject}) == 3
    assert len(first.subject) == 28
    assert (first.claims, first.ticket) == ((), None)


async def test_unionid_appearing_later_keeps_subject(
    mini: Wechat, watch: Watch, keys: dict[str, str]
) -> None:
    app = keys["mini_app_id"]
    alone = await by_app(mini.door).sign_in(await _code(watch, app))
    await act(watch.sandbox, "wechat/platform", app_id=app, joined=True)
    joined = await by_app(mini.door).sign_in(await _code(watch, app))
    await act(watch.sandbox, "wechat/platform", app_id=app, joined=False)
    (claim,) = joined.claims
    assert (alone.issuer, alone.subject) == (joined.issuer, joined.subject)
    assert claim == IdentityClaim(ClaimKind.UNION_ID, claim.value, joined.issuer)
    assert len(claim.value) == 28
    assert claim.value != joined.subject


async def test_a_code_is_good_once_and_for_five_minutes(
    mini: Wechat, watch: Watch, keys: dict[str, str]
) -> None:
    used = await _code(watch, keys["mini_app_id"])
    await by_app(mini.door).sign_in(used)
    old = await _code(watch, keys["mini_app_id"])
    await watch.sandbox.move_clock(301)
    for code in (used, old, "nonsense"):
        with pytest.raises(ProviderRefused) as refusal:
            await by_app(mini.door).sign_in(code)
        assert refusal.value.reason is RefusalReason.CODE_EXPIRED


async def test_a_code_of_another_app_or_kind_is_refused(
    mini: Wechat, official: Wechat, watch: Watch, keys: dict[str, str]
) -> None:
    app = keys["mini_app_id"]
    codes = [
        await _code(watch, keys["official_app_id"]),
        await _code(watch, app, path="wechat/phone_code"),
        await _page_code(official, watch.sandbox),
    ]
    for code in codes:
        with pytest.raises(ProviderRefused) as refusal:
            await by_app(mini.door).sign_in(code)
        assert refusal.value.reason is RefusalReason.CODE_EXPIRED


async def test_a_person_at_risk_is_refused(
    mini: Wechat, watch: Watch, keys: dict[str, str]
) -> None:
    await watch.sandbox.fail("wechat", "refuse", api="sns/jscode2session")
    with pytest.raises(ProviderRefused) as refusal:
        await by_app(mini.door).sign_in(await _code(watch, keys["mini_app_id"]))
    assert refusal.value.reason is RefusalReason.RISK
    assert str(refusal.value) == "/sns/jscode2session: 40226"


async def test_session_key_never_in_an_answer(
    mini: Wechat,
    watch: Watch,
    keys: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    answers = spied(monkeypatch)
    subject = await by_app(mini.door).sign_in(await _code(watch, keys["mini_app_id"]))
    session_key = json.loads(answers[0].body)["session_key"]
    kept = f"{subject!r} {subject.subject} {subject.claims} {subject.ticket} {caplog.text}"
    assert len(session_key) == 24
    assert session_key not in kept


async def test_the_page_is_silent_and_its_address_as_wechat_wants_it(
    official: Wechat, sandbox: Sandbox, keys: dict[str, str]
) -> None:
    assert official.door.page is not None
    for private in (False, True):
        assert official.door.page.authorise_url("aZ09", BACK, private=private) == (
            f"{sandbox.url}/connect/oauth2/authorize?appid={keys['official_app_id']}"
            "&redirect_uri=https%3A%2F%2Fcard.school.example%2Fback%3Fchannel%3D1"
            "&response_type=code&scope=snsapi_base&state=aZ09#wechat_redirect"
        )


async def test_who_refuses_on_the_page_brings_no_code(official: Wechat, watch: Watch) -> None:
    assert official.door.page is not None
    url = official.door.page.authorise_url("aZ09", BACK, private=False)
    back = brought(await sent_back(watch.sandbox, url, "jia", decision="refuse"))
    assert back == {"channel": "1", "state": "aZ09"}


async def test_a_page_code_is_good_once(official: Wechat, watch: Watch) -> None:
    code = await _page_code(official, watch.sandbox)
    await by_page(official.door).sign_in(code)
    with pytest.raises(ProviderRefused) as refusal:
        await by_page(official.door).sign_in(code)
    assert refusal.value.reason is RefusalReason.CODE_EXPIRED


async def test_a_snapshot_of_the_page_signs_nobody_in(
    official: Wechat, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = HttpClient.request

    async def made_up(self: HttpClient, method: str, path: str, **given: object) -> HttpAnswer:
        answer = await whole(self, method, path, **given)  # type: ignore[arg-type]  # as given
        facts: Mapping[str, object] = {**json.loads(answer.body), "is_snapshotuser": 1}
        return HttpAnswer(answer.status, answer.headers, json.dumps(facts).encode())

    code = await _page_code(official, watch.sandbox)
    monkeypatch.setattr(HttpClient, "request", made_up)
    with pytest.raises(ProviderRefused) as refusal:
        await by_page(official.door).sign_in(code)
    assert refusal.value.reason is RefusalReason.NOT_AUTHORISED
