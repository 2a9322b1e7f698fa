"""How this process reaches people: the senders of mail and SMS that the settings name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

from adapters.http import HttpClient
from adapters.native.mail import MailSender
from adapters.native.sms import SmsSender
from bff.settings import Settings
from core.kit.clock import Clock
from core.ports.messages import AddressKind, MessageSender

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def mail_sender(url: str, sender: str, clock: Clock) -> MailSender:
    """Mail by `smtp://user:password@host:port`; without TLS only on this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return MailSender(
        host,
        parts.port or 587,
        sender,
        clock,
        tls=host not in _LOOPBACK,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


@asynccontextmanager
async def open_senders(
    settings: Settings, clock: Clock
) -> AsyncIterator[dict[AddressKind, MessageSender]]:
    """A sender for mail and one for SMS.

    Raises: SettingsInvalid.
    """
    mail_url, mail_from = settings.needed("mail_url", "mail_sender")
    sms_url, sms_key_id, sms_secret = settings.needed("sms_url", "sms_key_id", "sms_secret")
    client = HttpClient(sms_url)
    try:
        yield {
            AddressKind.EMAIL: mail_sender(mail_url, mail_from, clock),
            AddressKind.PHONE: SmsSender(client, sms_key_id, sms_secret.encode(), clock),
        }
    finally:
        await client.close()
