"""An operator takes a site's edge away: refused where its tills alone would cost too much."""

import asyncio
from pathlib import Path

import asyncpg

from tests.servers.commands import SCHOOL_FILE, Commands
from tests.servers.fixtures import DatabaseDsn
from tests.servers.test_key_document_commands import made_root


async def edge_works(dsn: DatabaseDsn, state: str = "ACTIVE") -> None:
    """The rows of terminal 1's enrolment as an edge, for the commands look at nothing else."""
    owner = await asyncpg.connect(dsn.owner)
    await owner.execute("SET app.school = 1")
    await owner.execute("UPDATE terminal SET state = $1 WHERE terminal_no = 1", state)
    await owner.execute(
        "INSERT INTO terminal_key (school_id, terminal_no, key_no, public_key, valid_from)"
        " SELECT 1, 1, 1, $1, created_at FROM terminal WHERE terminal_no = 1"
        " ON CONFLICT DO NOTHING",
        bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
    )
    await owner.execute(
        "INSERT INTO edge_key (school_id, kid, terminal_no, key_no) VALUES (1, 128, 1, 1)"
        " ON CONFLICT DO NOTHING"
    )
    await owner.close()


def publish(commands: Commands, drafts: Path, root: Path) -> tuple[int, str]:
    """Drafts, signs and publishes what changed; how it ended."""
    commands.told("keys", "draft", drafts)
    commands.told("keys", "sign", drafts, "--root", root)
    ended = commands.run("keys", "publish", drafts)
    return ended.exit_code, ended.stderr


def accept(commands: Commands, folder: Path, minor: int) -> None:
    """The school's file, with this loss in it."""
    file, text = folder / "school.toml", SCHOOL_FILE.read_text("utf-8")
    file.write_text(
        text.replace("accepted_loss_minor = 100_000", f"accepted_loss_minor = {minor}"), "utf-8"
    )
    commands.told("policy", "activate", file, "--school", 1)


def test_edge_is_retired_and_unlisted_only_where_its_loss_is_accepted(
    commands: Commands, tmp_path: Path, database_dsn: DatabaseDsn
) -> None:
    commands.told("school", "add", SCHOOL_FILE)
    names = ("--school", 1, "--name-zh", "示例", "--name-en", "Sample")
    commands.told("site", "put", "--number", 0, *names)
    commands.told("merchant", "add", *names)
    of_merchant = ("terminal", "activation", "--school", 1, "--merchant", 1)
    commands.told(*of_merchant, "--device", "EDGE")
    asyncio.run(edge_works(database_dsn))
    commands.told(*of_merchant)
    commands.told(*of_merchant)
    accept(commands, tmp_path, 2_000)
    root, drafts = made_root(commands, tmp_path, 1), tmp_path / "drafts.json"
    assert publish(commands, drafts, root) == (0, "")

    retire = ("terminal", "retire", 1, "--school", 1, "--reason", "sold")
    refused = commands.run(*retire)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "EDGE_NEEDED: Without this edge its tills decide alone" in refused.stderr
    assert "may cost the school 4000 fen; its file accepts 2000." in refused.stderr
    zh = commands.run("--language", "zh", *retire)
    assert "最多可造成 4000 分损失,学校文件只接受 2000 分" in zh.stderr
    assert "ACTIVE" in commands.told("terminal", "list", "--school", 1)

    # A stolen one is locked; the document that lets its tills decide alone has to wait.
    asyncio.run(edge_works(database_dsn, "LOCKED"))
    code, why = publish(commands, drafts, root)
    assert (code, why.startswith("EDGE_NEEDED: ")) == (1, True)
    assert commands.told("keys", "draft", drafts).startswith("1 to sign"), "nothing published"
    accept(commands, tmp_path, 4_000)
    assert publish(commands, drafts, root) == (0, "")
    assert commands.told(*retire) == "Terminal 1 is retired\n"
