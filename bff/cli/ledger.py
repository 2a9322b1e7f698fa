"""Commands on the books."""

import asyncio

import typer

from bff.cli.voice import REFUSED, Voice, voice_of
from bff.clock import SystemClock
from bff.proof import PROOF
from bff.settings import load_settings
from core.db.connection import PATIENT_SECONDS
from core.db.invariants import Finding, Proof, prove
from core.db.unit import Database

ledger = typer.Typer(no_args_is_help=True, help="Ledger 账务")


@ledger.callback()
def group() -> None:
    """Ledger 账务."""


@ledger.command()
def check(context: typer.Context) -> None:
    """Prove every invariant over every school; exit code 1 if one is broken 核对全部账务."""
    voice = voice_of(context)
    with voice.answering():
        (dsn,) = load_settings().needed("database_url")
        proof = asyncio.run(_prove(dsn))
    voice.out.print(" ".join(f"{table}={count}" for table, count in proof.figures.items()))
    table = voice.table(("不变量", "Invariant"), ("", ""), ("违反", "Broken"))
    for invariant in PROOF:
        broken = sum(f.count for f in proof.findings if f.invariant is invariant)
        sentence = voice.word(invariant.sentence_zh, invariant.sentence_en)
        table.add_row(invariant.id, sentence, str(broken))
    voice.out.print(table)
    for finding in proof.findings:
        _show(voice, finding)
    voice.out.print(f"violations={proof.violations}")
    if proof.violations:
        raise typer.Exit(REFUSED)


async def _prove(dsn: str) -> Proof:
    database = Database(dsn, ["core.limit.store"], 2, PATIENT_SECONDS)
    await database.open()
    try:
        return await prove(database, PROOF, SystemClock().now())
    finally:
        await database.close()


def _show(voice: Voice, finding: Finding) -> None:
    for witness in finding.witnesses:
        voice.say(
            f"学校 {finding.school_id}，{finding.invariant.id}：{witness}",
            f"School {finding.school_id}, {finding.invariant.id}: {witness}",
        )
