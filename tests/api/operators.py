"""Operators at a till of the campus: registered by staff, signed on with sealed PINs."""

from typing import Any

from core.kit.clock import unix_seconds
from core.school.operators import OperatorRight
from terminals.message import RequestKey, seal_pin
from tests.api.campus import Campus
from tests.api.devices import SCHOOL, Till
from tests.api.sample import OPERATOR

NUMBER, PIN, WRONG = "1001", "741963", "963741"
SIGN_ON = """shift { id operatorNo displayName rights startedAt endedAt }
    triesLeft responseCode textZh textEn"""
OPERATORS = ("operator", "operator_shift", "operator_refund")


async def register(
    campus: Campus, number: str = NUMBER, *rights: OperatorRight, merchant: int = 1, pin: str = PIN
) -> None:
    """An operator of a merchant, by default with every right."""
    await campus.wired.services.operators.registry.put(
        SCHOOL, merchant, number, f"示例{number}", rights or tuple(OperatorRight), pin, OPERATOR
    )


def sign_on_input(till: Till, number: str = NUMBER, pin: str = PIN, **bound: int) -> dict[str, Any]:
    """The input of a sign-on; `bound` are facts of the key that the block names instead."""
    key = till.next_key(0)
    facts = {"terminal_no": till.number, "batch_no": 0, "seq_no": key["seqNo"], **bound}
    public = till.campus.wired.services.terminal_keys.pin_public_key
    block = seal_pin(pin, RequestKey(**facts), unix_seconds(till.campus.clock.now()), public)
    return {"key": key, "operatorNo": number, "pinBlock": block}


async def sign_on(till: Till, number: str = NUMBER, pin: str = PIN, **bound: int) -> Any:
    """What came of it."""
    payload = await till.ask("operatorSignOn", sign_on_input(till, number, pin, **bound), SIGN_ON)
    assert payload["userErrors"] == []
    return payload
