"""A phone without a network shows exactly the codes that codes.md works out."""

from base64 import b64encode
from pathlib import Path

import pytest

from clients.phone.wallet import ChallengeUnreadable, NothingToShow, Wallet
from terminals import cc1
from tests.unit.terminals.samples import (
    DEVICE_SEED,
    VECTOR_1,
    VECTOR_2,
    VECTOR_3,
)
from tests.unit.terminals.samples import NOT_BEFORE as START


@pytest.fixture
def wallet() -> Wallet:
    """A phone with vector 1's pass, and the example alias on its day."""
    code = cc1.read(VECTOR_1)
    assert isinstance(code, cc1.Presentation)
    content = code.raw[: cc1.PASS_BYTES]
    made = Wallet(school_code="sample", seed=DEVICE_SEED.hex())
    issue = {
        "issuer": 0,
        "passes": [
            {"kind": "ENTRY", "content": "", "notBefore": START, "endsAt": START + 86_400},
            {
                "kind": "VIRTUAL_CARD",
                "content": b64encode(content).decode(),
                "notBefore": START,
                "endsAt": START + 86_400,
            },
        ],
        "totpKey": b64encode(b"\x66" * 32).decode(),
        "aliases": [{"day": "2027-01-15", "digits": "1234567"}],
        "serverTime": "2027-01-15T08:00:00Z",
    }
    made.keep_issue(issue, START - 100)
    return made


def test_shows_vector_1_by_the_servers_clock(wallet: Wallet) -> None:
    assert wallet.show(START + 3_600 - 100) == VECTOR_1


def test_answers_a_terminals_challenge_as_vector_3(wallet: Wallet) -> None:
    shown = wallet.show(START + 3_602 - 100, challenge=VECTOR_2, intent=cc1.Intent.PAY)
    assert shown == VECTOR_3


def test_shows_the_example_digits(wallet: Wallet) -> None:
    assert wallet.digits(START + 3_600 - 100) == "90000123456741308885"


def test_never_signs_two_codes_with_one_t(wallet: Wallet) -> None:
    shown = [wallet.show(START + 3_600 - 100) for _ in range(3)]
    codes = [cc1.read(text) for text in shown]
    assert [code.t for code in codes if isinstance(code, cc1.Presentation)] == [3600, 3601, 3602]


@pytest.mark.parametrize("instant", [START - 101, START + 86_400 - 100])
def test_shows_nothing_outside_its_passes(wallet: Wallet, instant: int) -> None:
    with pytest.raises(NothingToShow):
        wallet.show(instant)


def test_shows_no_digits_on_a_day_without_alias(wallet: Wallet) -> None:
    with pytest.raises(NothingToShow):
        wallet.digits(START + 86_400)


def test_a_code_that_is_no_challenge_is_not_answered(wallet: Wallet) -> None:
    with pytest.raises(ChallengeUnreadable):
        wallet.show(START, challenge="CCQ:nonsense")
    assert wallet.last_shown_at == 0


def test_file_keeps_everything_and_is_the_owners(wallet: Wallet, tmp_path: Path) -> None:
    path = tmp_path / "phone.json"
    wallet.write(path)
    assert Wallet.read(path) == wallet
    assert path.stat().st_mode & 0o777 == 0o600


def test_secrets_are_not_printed(wallet: Wallet) -> None:
    wallet.access_token = "cc_1_secret"
    assert "cc_1_secret" not in repr(wallet)
    assert wallet.seed not in repr(wallet)
