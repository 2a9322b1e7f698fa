"""The demo's schools have every channel, and no secret stands in their files."""

import stat
from pathlib import Path

import pytest

from bff.cli.desk import lint_parts
from bff.connections import lint_connections
from bff.demo.doors import keep_secrets, with_doors
from core.school.policy_file import parse_school_file

SAMPLES = sorted((Path(__file__).parents[3] / "config" / "schools").glob("*.toml"))
TEXTS = {path.stem: path.read_text("utf-8") for path in SAMPLES}
SECRET = "k" * 43
CREDENTIALS = {
    "alipay": {
        "app_id": "2099000000000009", "gateway": "/gateway.do", "app_private_key": SECRET,
        "alipay_public_key": SECRET, "aes_key": SECRET,
    },
    "wechat": {
        "mini_app_id": "wx-mini", "mini_app_secret": SECRET, "mini_token": SECRET,
        "mini_encoding_aes_key": SECRET, "official_app_id": "wx-official",
        "official_app_secret": SECRET, "official_token": SECRET,
        "official_encoding_aes_key": SECRET,
    },
    "wecom": {
        "corp_id": "ww-corp", "agent_id": "1000009", "secret": SECRET, "token": SECRET,
        "encoding_aes_key": SECRET,
    },
}  # fmt: skip


@pytest.mark.parametrize("sample", TEXTS)
async def test_each_sample_school_opens_every_channel(sample: str, tmp_path: Path) -> None:
    safe = tmp_path / "secrets"
    keep_secrets(CREDENTIALS, "http://127.0.0.1:9", "http://127.0.0.1:8", safe)
    text = with_doors(TEXTS[sample], safe)
    problems = await lint_connections(parse_school_file(text), lint_parts())
    assert [each.key for each in problems] == ["channel.alipay_mini"]  # its key is none


def test_secrets_are_files_of_their_owner_and_not_in_the_text(tmp_path: Path) -> None:
    safe = tmp_path / "secrets"
    keep_secrets(CREDENTIALS, "http://127.0.0.1:9", "http://127.0.0.1:8", safe)
    assert SECRET not in with_doors("", safe)
    assert stat.S_IMODE(safe.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in safe.iterdir()} == {0o600}
    assert (safe / "alipay.gateway").read_text() == "http://127.0.0.1:9/gateway.do"
