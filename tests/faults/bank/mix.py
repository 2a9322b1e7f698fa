"""How often which scene is played."""

from collections.abc import Awaitable, Callable

from tests.faults.bank import scenes
from tests.faults.bank.alone import batch_alone, sale_and_record
from tests.faults.bank.passing import challenge, gate_twice
from tests.faults.bank.scenes import Street

Act = Callable[[Street, int], Awaitable[None]]
MIX: tuple[tuple[int, Act], ...] = (
    (32, scenes.tap), (6, scenes.card_and_code), (22, scenes.code_twice), (9, scenes.same_twice),
    (9, scenes.hold), (6, scenes.top_up), (6, scenes.refund), (4, scenes.loss), (2, scenes.limits),
    (2, scenes.read_back), (2, scenes.trial), (4, batch_alone), (5, sale_and_record),
    (5, challenge), (8, gate_twice),
)  # fmt: skip
ACTS = tuple(act for weight, act in MIX for _ in range(weight))
