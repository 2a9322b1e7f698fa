"""The function that decides entries reads by index, on a cold database and after many entries."""

from tests.factories.gates import Gates
from tests.servers.fixtures import DatabaseDsn
from tests.store.db.test_catalogue import analyse, ask, flush_statistics

HOT = ["cardholder", "card", "code_pass", "code_device", "passage", "zone_presence", "entry_event",
       "entry_answer", "entry_right", "terminal_answer", "offline_item"]  # fmt: skip
SCANS = "SELECT sum(seq_scan)::int FROM pg_stat_user_tables WHERE relname = ANY($1)"
READ = "SELECT sum(idx_tup_read)::int FROM pg_stat_user_indexes"


async def test_entries_on_a_cold_database_scan_no_table(
    gates: Gates, database_dsn: DatabaseDsn
) -> None:
    people = [await gates.canteen.holder() for _ in range(3)]
    await analyse(database_dsn)
    await gates.ask(gates.asks(gates.tapper(people[0])))
    await flush_statistics(gates.canteen)
    before = await ask(database_dsn.owner, SCANS, HOT)
    for _ in range(10):  # past the fifth call the plan is cached
        for each in people:
            await gates.ask(gates.asks(gates.passer(each)))
    await flush_statistics(gates.canteen)
    assert await ask(database_dsn.owner, SCANS, HOT) == before


async def test_an_entry_reads_no_more_rows_after_many(
    gates: Gates, database_dsn: DatabaseDsn
) -> None:
    people = [await gates.canteen.holder() for _ in range(5)]
    await analyse(database_dsn)

    async def reads_of_a_round() -> int:
        counts = []
        for people_ in ([], people):
            for each in people_:
                await gates.ask(gates.asks(gates.passer(each)))
            await flush_statistics(gates.canteen)
            ((count,),) = await ask(database_dsn.owner, READ)
            assert isinstance(count, int)
            counts.append(count)
        return counts[1] - counts[0]

    rounds = [await reads_of_a_round() for _ in range(10)]
    assert rounds[-1] <= rounds[3] + len(people)
