"""`bff ledger check`: figures, violations, exit code."""

import asyncpg
import pytest
from typer.testing import CliRunner

from bff.cli.root import app
from tests.factories.canteen import Canteen
from tests.servers.fixtures import DatabaseDsn


def check(language: str = "en") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--language", language, "ledger", "check"])
    return result.exit_code, result.output


@pytest.fixture
async def books(
    database_dsn: DatabaseDsn, canteen: Canteen, monkeypatch: pytest.MonkeyPatch
) -> Canteen:
    await canteen.authorise(canteen.purchase(await canteen.holder(500), 100))
    await canteen.database.close()
    monkeypatch.setenv("BFF_DATABASE_URL", database_dsn.app)
    return canteen


def test_sound_books_have_no_violation(books: Canteen) -> None:
    code, output = check()
    assert code == 0
    assert (
        "school=1 account=4 transfer=2 leg=4 terminal_answer=1 authorisation=1 cash_top_up=0"
        in output
    )
    assert output.endswith("violations=0\n")


async def plant(dsn: str) -> None:
    owner = await asyncpg.connect(dsn)
    try:
        await owner.execute("SELECT set_config('app.school', '7', false)")
        await owner.execute("UPDATE account SET balance_minor = 399 WHERE kind = 'MAIN'")
    finally:
        await owner.close()


@pytest.fixture
async def stolen(books: Canteen, database_dsn: DatabaseDsn) -> None:
    await plant(database_dsn.owner)


@pytest.mark.parametrize(("language", "school"), [("en", "School 7, I8"), ("zh", "学校 7，I8")])
def test_a_missing_fen_is_named_with_its_witness(stolen: None, language: str, school: str) -> None:
    code, output = check(language)
    assert code == 1
    assert school in output
    assert '"balance_minor": 399' in output
    assert output.endswith("violations=2\n")


def test_no_database_is_said_and_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_DATABASE_URL", "postgresql://campus_app@127.0.0.1:1/none")
    code, output = check()
    assert code == 1
    assert "violations" not in output
