"""What an operator sees of the loss bound, in both languages."""

from pathlib import Path

from tests.servers.commands import SCHOOL_FILE, Commands


def test_loss_is_shown_as_it_is_and_as_it_could_be(commands: Commands) -> None:
    commands.told("school", "add", SCHOOL_FILE)
    commands.told("merchant", "add", "--school", 1, "--name-zh", "示例", "--name-en", "Sample")
    commands.told(
        "site", "put", "--school", 1, "--number", 0, "--name-zh", "示例", "--name-en", "S"
    )
    for _ in range(2):
        commands.told("terminal", "activation", "--school", 1, "--merchant", 1, "--site", 0)
    told = commands.told("loss", "--school", 1)
    assert "Now: at most ¥40.00 per stolen phone and card (accepted: ¥1,000.00)." in told
    assert "The phone ¥40.00 per slot" in told
    assert "2 decide alone" in told
    assert "The card ¥0.00 after its report: 0 terminals" in told, "its chips hold money"
    assert "█" in told
    supposed = commands.told(
        "loss", "--school", 1, "--site-count", 8, "--terminals", 25, "--sites", 16,
        "--cap-class", 1,
    )  # fmt: skip
    assert "What if: at most ¥10,000.00" in supposed
    cards = commands.told("loss", "--school", 1, "--cards")
    assert "What if: at most ¥80.00" in cards
    assert "The card ¥40.00 after its report: 2 terminals, 1 days, ¥20.00 at each" in cards
    zh = commands.told("--language", "zh", "loss", "--school", 1, "--edges")
    assert "假设：一人的手机和卡最多 ¥20.00" in zh


def test_file_whose_loss_was_not_accepted_is_refused_in_both_languages(
    commands: Commands, tmp_path: Path
) -> None:
    commands.told("school", "add", SCHOOL_FILE)
    commands.told("merchant", "add", "--school", 1, "--name-zh", "示例", "--name-en", "Sample")
    commands.told(
        "site", "put", "--school", 1, "--number", 0, "--name-zh", "示例", "--name-en", "S"
    )
    commands.told("terminal", "activation", "--school", 1, "--merchant", 1, "--site", 0)
    file = tmp_path / "less.toml"
    text = SCHOOL_FILE.read_text("utf-8")
    file.write_text(text.replace("accepted_loss_minor = 100_000", "accepted_loss_minor = 1"))
    refused = commands.run("policy", "activate", file, "--school", 1)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert (
        "LOSS_NOT_ACCEPTED: Offline, one stolen phone and card may cost the school 2000"
        in refused.stderr
    )
    zh = commands.run("--language", "zh", "policy", "activate", file, "--school", 1)
    assert "只接受 1 分" in zh.stderr
