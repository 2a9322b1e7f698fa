"""Which senders the settings make."""

import pytest

from bff.clock import SystemClock
from bff.senders import mail_sender, open_senders
from bff.settings import Settings, SettingsInvalid
from core.ports.messages import AddressKind

GIVEN = {
    "mail_url": "smtp://127.0.0.1:2525",
    "mail_sender": "card@school.example",
    "sms_url": "http://127.0.0.1:8025",
    "sms_key_id": "sandbox",
    "sms_secret": "sample-secret",
}


async def test_one_sender_for_each_kind_of_address() -> None:
    async with open_senders(Settings.model_validate(GIVEN), SystemClock()) as senders:
        assert set(senders) == set(AddressKind)


@pytest.mark.parametrize("missing", sorted(GIVEN))
async def test_missing_setting_is_named_and_nothing_of_a_secret(missing: str) -> None:
    settings = Settings.model_validate({k: v for k, v in GIVEN.items() if k != missing})
    with pytest.raises(SettingsInvalid, match=f"BFF_{missing.upper()}: missing") as refusal:
        async with open_senders(settings, SystemClock()):
            pass
    assert "sample-secret" not in str(refusal.value) + repr(settings)


def test_mail_leaves_this_machine_with_tls_only() -> None:
    away = mail_sender("smtp://user:p%40ss@mail.school.example", "a@b.example", SystemClock())
    near = mail_sender("smtp://localhost:2525", "a@b.example", SystemClock())
    assert (away._tls, away._port, away._password) == (True, 587, "p@ss")
    assert (near._tls, near._port, near._password) == (False, 2525, None)
