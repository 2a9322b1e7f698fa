"""Gathers what journals, rows, logs and the outside say of a run, and has it judged."""

from bff.proof import PROOF
from bff.wiring import wire
from core.db.invariants import Proof, prove
from core.kit.sealed import Sealer
from tests.faults.bank.door_judge import judge_doors
from tests.faults.bank.door_rows import gather_doors
from tests.faults.bank.journal import read
from tests.faults.bank.judge import Verdict, judge
from tests.faults.bank.limits_judge import judge_limits
from tests.faults.bank.logs import judge_logs, private
from tests.faults.bank.premises import CLIENTS, Bank
from tests.faults.bank.rows import gather, gather_terminals
from tests.faults.bank.terminal_judge import judge_terminals
from tests.faults.bank.town import SCHOOLS, WallClock, ground
from tests.faults.bank.windows import judge_payments


async def judge_all(bank: Bank) -> tuple[Verdict, Proof]:
    """Every invariant of a drained run."""
    lines = [line for n in range(CLIENTS) for line in read(bank.home / f"client-{n}.jsonl")]
    windows = [line for lane in ("faults", "weather") for line in read(bank.windows(lane))]
    verdict = judge(await gather(bank.app, SCHOOLS, lines))
    judge_terminals(verdict, lines, await gather_terminals(bank.app, SCHOOLS))
    stand = ground(bank.app, bank.valkey.url, bank.keys_file)
    sealer = Sealer(stand.keys.data, stand.keys.blind_index, stand.entropy)
    rows = await gather_doors(bank.app, SCHOOLS, bank.town.folk, sealer)
    judge_doors(verdict, bank.town.folk, lines, rows, windows)
    judge_limits(verdict, bank.town.folk, lines, rows, list(read(bank.witness)))
    judge_payments(verdict, windows, lines)
    judge_logs(verdict, bank.logs, private(bank.town.folk, bank.outside.secrets, lines))
    for failure in bank.outside.failures():
        verdict.breaks("D6", {"the strict sandbox": failure})
    made = wire(stand)
    async with made.opened():
        proof = await prove(made.database, PROOF, WallClock().now())
        for school in SCHOOLS:
            report = await made.audit.verify(school)
            verdict.counts["audit"] += report.sound
            if report.first_broken_id is not None:
                verdict.breaks("I22", {"school": school, "audit": report.first_broken_id})
    return verdict, proof
