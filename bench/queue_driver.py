"""Drives the payments' micro-batch alone: the database's part of a purchase, no HTTP, no codes."""

import asyncio
import os
import time
from datetime import timedelta
from itertools import count
from typing import Any

from bench.contenders import DRIVERS
from bench.driving import Tally, Work, drive
from bench.messages import share
from bench.world import (
    PURSES,
    SCHOOL_ID,
    Till,
    drawn,
    merchant_account,
    tills,
)
from bff.clock import SystemClock
from core.authorisation.records import PurchaseRequest
from core.authorisation.service import batching
from core.db.lanes import Lanes
from core.kit.clock import business_day
from core.kit.ids import Ids

AMOUNT_MINOR = 100
LANES = 2
_SIGNED = "x" * 154


class _Purchases:
    """Purchases of distinct keys, codes and, side by side, distinct payers."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._clock = SystemClock()
        self._ids = Ids(self._clock, os.urandom)
        self._batch = order["run"] * 10 + order["index"] + 1
        self._numbers = count(1)
        holders = share(order["index"], DRIVERS)
        self._payers = [(h.id, h.card_id, h.serial, h.device_id) for h in holders]

    def next(self, till: Till) -> PurchaseRequest:
        """The next purchase at a till."""
        number = next(self._numbers)
        cardholder_id, card_id, serial, device_id = self._payers[number % len(self._payers)]
        now = self._clock.now()
        replay_key = b"\x02" + drawn("replay", self._batch << 32 | number)[:13]
        return PurchaseRequest(
            terminal_no=till.number, batch_no=self._batch, seq_no=number, content_hash=bytes(32),
            cardholder_id=cardholder_id, card_id=card_id, serial=serial, device_id=device_id,
            instrument="PRESENTATION", scene="MEAL", replay_key=replay_key, continuation_id=None,
            new_continuation_id=self._ids.new(), continuation_until=now + timedelta(seconds=90),
            amount_minor=AMOUNT_MINOR, manual=False, expires_at=None, pin_proven=False,
            single_minor=3_000, daily_minor=5_000,
            merchant_account_id=merchant_account(till.merchant),
            transfer_ids=(self._ids.new(), self._ids.new()),
            retrieval_reference=self._ids.retrieval_reference(), answer_kid=2, answered_at=now,
            business_on=business_day(now, "Asia/Shanghai"), signed_answer=_SIGNED,
        )  # fmt: skip


async def _prepare(order: dict[str, Any]) -> Work:
    lanes = Lanes(order["dsn"], LANES)
    payments = batching(lanes)
    line = SCHOOL_ID, PURSES
    purchases = _Purchases(order)
    tally = Tally()
    counters = tills(hot=order["hot"])

    async def client(till: Till, until: float) -> None:
        while time.perf_counter() < until:
            request = purchases.next(till)
            answer = await payments.ask(line, request.cardholder_id, request)
            tally.requests += 1
            if answer.outcome != "APPROVED":
                tally.failures.add(f"{answer.outcome} {answer.response_code} {answer.reason}")

    async def work(until: float) -> Tally:
        await asyncio.gather(*(client(till, until) for till in counters[: order["clients"]]))
        await lanes.close()
        return tally

    for _ in range(LANES):  # connected and prepared before the timed part
        await lanes.fetch("SELECT 1")
    return work


if __name__ == "__main__":
    drive(_prepare)
