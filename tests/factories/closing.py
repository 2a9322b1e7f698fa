"""What a till says of a batch when it closes it, and the rows that a close may change."""

from dataclasses import replace
from typing import Any

from core.settlement.records import Closed, Closing, Total, TotalKind
from tests.factories.offline import Lane, Stall, rich

_TABLES = ("settlement", "settlement_adjustment", "authorisation", "transfer", "leg")


def closing(stall: Stall, lane: Lane, *totals: Total, **changes: Any) -> Closing:
    """What the till says of its batch."""
    made = Closing(
        terminal_no=lane.terminal_no,
        batch_no=lane.batch_no,
        merchant_account_id=stall.canteen.merchant_account_id,
        last_seq=lane.seq_no,
        unused=frozenset(),
        totals=totals,
        head_hash=lane.head,
        first_hash=lane.first,
    )
    return replace(made, **changes)


def purchases(count: int, minor: int) -> Total:
    return Total(TotalKind.PURCHASE, "CC1", count, minor)


async def close(stall: Stall, asked: Closing) -> Closed:
    return await stall.batches.close(7, asked)


async def rows(stall: Stall) -> list[tuple[Any, ...]]:
    found = []
    for table in _TABLES:
        sql = f"SELECT * FROM {table} WHERE school_id = 7"
        found += sorted((table, *map(str, row)) for row in await stall.canteen.rows(sql))
    return found


async def sold(stall: Stall, lane: Lane, *amounts: int) -> None:
    """Offline sales, written and not uploaded."""
    for minor in amounts:
        stall.canteen.clock.advance(seconds=1)
        lane.write(stall.show(await stall.phone(await rich(stall))), minor)
