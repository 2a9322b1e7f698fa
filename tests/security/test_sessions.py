"""What a session that ended, or a cache that forgot or remembers too much, cannot bring back."""

from typing import Any

from tests.api.campus import Campus
from tests.api.devices import mutation
from tests.api.sample import PIN

KIND = "{ viewer { kind } }"


def reason(answer: Any) -> Any:
    assert answer["data"] is None
    return answer["errors"][0]["extensions"]["code"]


async def test_revoked_session_cannot_pay(campus: Campus) -> None:
    phone = await campus.phone()
    await campus.do("sessionRevoke", {}, "revokedCount", phone.token)
    before = await campus.dump("card", "code_pass", "code_device", "pin", "attempt_counter")
    for name, given in (
        ("codeTokenDraw", {"deviceId": phone.device_id, "kind": "VIRTUAL_CARD"}),
        ("codePassIssue", {"deviceId": phone.device_id, "kinds": ["VIRTUAL_CARD"]}),
        ("pinChange", {"oldPin": PIN, "newPin": "314159"}),
    ):
        answer = await campus.query(mutation(name, ""), phone.token, input=given)
        assert reason(answer) == "UNAUTHENTICATED"
    assert await campus.dump(*before) == before


async def test_redis_rollback_revives_no_session(campus: Campus) -> None:
    token, redis = await campus.bind(), campus.wired.redis
    assert (await campus.query(KIND, token))["data"]["viewer"]["kind"] == "CARDHOLDER"
    old_copy = {key: await redis.dump(key) for key in await redis.keys()}
    await campus.do("sessionRevoke", {}, "revokedCount", token)
    await redis.flushall()
    for key, value in old_copy.items():
        assert value is not None
        await redis.restore(key, 0, value)
    assert reason(await campus.query(KIND, token)) == "UNAUTHENTICATED"


async def test_redis_flush_gives_no_new_tries(campus: Campus) -> None:
    token = await campus.with_pin()
    found = []
    for _ in range(6):
        await campus.wired.redis.flushall()
        tried = await campus.do("sessionStepUp", {"pin": "000001"}, "steppedUpUntil", token)
        found += [error["code"] for error in tried["userErrors"]]
    assert found == ["PIN_WRONG"] * 4 + ["PIN_LOCKED"] * 2
