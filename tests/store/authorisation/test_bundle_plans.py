"""The functions of bundles read by index, on a cold database and after many records."""

from collections.abc import Sequence
from itertools import pairwise

from tests.factories.offline import ACCEPTED, Phone, Stall, rich, verdicts
from tests.servers.fixtures import DatabaseDsn
from tests.store.db.test_catalogue import analyse, ask

HOT = ["terminal", "code_pass", "cardholder_limit", "offline_item", "offline_link", "card",
       "deny_entry", "document_acknowledgement", "terminal_answer", "authorisation", "code_use",
       "cap_slot", "account", "transfer", "leg"]  # fmt: skip
SCANS = "SELECT sum(seq_scan)::int FROM pg_stat_user_tables WHERE relname = ANY($1)"
READ = "SELECT sum(idx_tup_read)::int FROM pg_stat_user_indexes"
FLUSH = "SELECT pg_stat_force_next_flush()"
"""On the one connection that units go by, one after the other."""
ROUNDS = 10
"""Past the fifth call a plan is cached."""


class Open:
    """Batches that nobody closes: what their own statements read is not counted."""

    async def adjust(self, *_: int) -> None:
        """Nothing came after a close."""


async def phones_of(stall: Stall) -> list[Phone]:
    """Passes of people who have money; of an upload only its records are counted."""
    stall.uploads = stall.uploads_with(batches=Open())
    return [await stall.phone(await rich(stall)) for _ in range(3)]


async def sell(stall: Stall, phones: Sequence[Phone], batch_no: int) -> None:
    """A sale to each of them, in one bundle of a batch of its own."""
    stall.canteen.clock.advance(seconds=30)
    lane = stall.lane(batch_no=batch_no)
    for phone in phones:
        lane.write(stall.show(phone), 10)
    assert verdicts(await stall.upload(*lane.written)) == [ACCEPTED] * len(phones)


async def test_bundles_on_a_cold_database_scan_no_table(
    stall: Stall, database_dsn: DatabaseDsn
) -> None:
    phones = [await phones_of(stall) for _ in range(ROUNDS)]
    await analyse(database_dsn)
    await sell(stall, phones[0], 1)
    await stall.canteen.rows(FLUSH)
    before = await ask(database_dsn.owner, SCANS, HOT)
    for place, some in enumerate(phones):
        await sell(stall, some, 2 + place)
    await stall.canteen.rows(FLUSH)
    assert await ask(database_dsn.owner, SCANS, HOT) == before


async def test_a_bundle_reads_no_more_rows_after_many(
    stall: Stall, database_dsn: DatabaseDsn
) -> None:
    phones = [await phones_of(stall) for _ in range(ROUNDS)]
    await analyse(database_dsn)
    counts = []
    for place, some in enumerate(phones):
        # Batches count down: of earlier ones the newest answer is read, once for a bundle.
        await sell(stall, some, ROUNDS - place)
        await stall.canteen.rows(FLUSH)
        ((count,),) = await ask(database_dsn.owner, READ)
        assert isinstance(count, int)
        counts.append(count)
    grown = [later - earlier for earlier, later in pairwise(counts)]
    assert min(grown) > 0
    assert grown[-1] <= grown[2] + 2 * len(phones[0]), grown
