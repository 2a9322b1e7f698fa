"""The root command: language, migrations and the groups of commands."""

import asyncio
from typing import Annotated

import typer

from bff.cli import (
    docs,
    doors,
    edge,
    key_life,
    keys,
    ledger,
    meters,
    operators,
    prints,
    registry,
    roster,
    school,
    sso,
)
from bff.cli.conformance import conformance
from bff.cli.contract import print_contract
from bff.cli.demo import demo
from bff.cli.fleet import fleet
from bff.cli.loss import loss
from bff.cli.serve import serve
from bff.cli.trigger import trigger
from bff.cli.voice import Voice, voice_of
from bff.cli.work import work
from bff.settings import Language, load_settings, shell_language
from core.db.migrate import migrate as run_migrations

app = typer.Typer(
    name="bff",
    help="Campus-card backend 校园卡后端",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(school.schools, name="school")
app.add_typer(school.policies, name="policy")
registry.merchants.add_typer(prints.prints, name="code")
registry.merchants.add_typer(operators.operators, name="operator")
app.add_typer(registry.merchants, name="merchant")
app.add_typer(registry.sites, name="site")
app.add_typer(registry.terminals, name="terminal")
app.add_typer(doors.doors, name="door")
meters.meters.add_typer(meters.groups, name="group")
app.add_typer(meters.meters, name="meter")
app.add_typer(edge.edges, name="edge")
app.add_typer(registry.staff, name="staff")
app.add_typer(registry.audits, name="audit")
app.add_typer(roster.rosters, name="roster")
key_life.add_to(keys.keys)
app.add_typer(keys.keys, name="keys")
app.add_typer(ledger.ledger, name="ledger")
app.add_typer(sso.sign_ons, name="sso")
app.command("conformance")(conformance)
app.command("demo")(demo)
app.command("fleet")(fleet)
app.command("docs")(docs.docs)
app.command("loss")(loss)
app.command("trigger")(trigger)
app.command("worker")(work)
app.command()(serve)
app.command("sdl")(print_contract)


@app.callback()
def root(
    context: typer.Context,
    language: Annotated[
        Language | None, typer.Option(help="zh or en 语言; default: that of the shell")
    ] = None,
) -> None:
    """Campus-card backend 校园卡后端."""
    context.obj = Voice(language or shell_language())


@app.command()
def migrate(context: typer.Context) -> None:
    """Bring the database to the newest schema; again changes nothing 升级数据库."""
    voice = voice_of(context)
    with voice.answering():
        (dsn,) = load_settings().needed("owner_database_url")
        asyncio.run(run_migrations(dsn, lambda name: voice.say(f"执行 {name}", f"Running {name}")))
        voice.say("数据库已是最新", "The database is up to date")
