"""Mail over SMTP."""

from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from adapters.native.texts import subject_of, text_of
from core.kit.clock import Clock
from core.ports.messages import Message
from core.ports.providers import ProviderMisconfigured, ProviderRefused, ProviderUnavailable

TIMEOUT_SECONDS = 10.0


class MailSender:
    """Sends each message in a connection of its own. `tls` is off only for a loopback sandbox."""

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        clock: Clock,
        *,
        tls: bool = True,
        username: str | None = None,
        password: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        if not tls and host not in {"127.0.0.1", "::1", "localhost"}:
            raise ProviderMisconfigured("mail leaves this machine with TLS only")
        self._host = host
        self._port = port
        self._sender = sender
        self._clock = clock
        self._tls = tls
        self._username = username
        self._password = password
        self._timeout_seconds = timeout_seconds

    async def send(self, message: Message) -> None:
        """Hands the mail to the server.

        Raises: ProviderRefused, ProviderUnavailable, ProviderMisconfigured.
        """
        try:
            await aiosmtplib.send(
                self._mail(message),
                hostname=self._host,
                port=self._port,
                use_tls=self._tls and self._port == 465,
                start_tls=self._tls and self._port != 465,
                username=self._username,
                password=self._password,
                timeout=self._timeout_seconds,
            )
        except aiosmtplib.SMTPAuthenticationError:
            raise ProviderMisconfigured("SMTP account") from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            final = all(refused.code >= 500 for refused in error.recipients)
            raise (ProviderRefused if final else ProviderUnavailable)("recipient") from None
        except aiosmtplib.SMTPResponseException as error:
            raise (ProviderRefused if error.code >= 500 else ProviderUnavailable)(
                f"SMTP {error.code}"
            ) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise ProviderUnavailable(type(error).__name__) from None

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = message.to
        mail["Subject"] = subject_of(message)
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = f"<{message.id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text_of(message))
        return mail
