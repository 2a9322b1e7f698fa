"""What the pretend providers received, the newest last, and the SMTP side of it."""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP

from adapters.sandbox.faults import Faults

KEPT = 1_000
MAIL = "mail"
_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")


@dataclass(frozen=True, slots=True)
class Letter:
    """One received message; `code` is the six digits in it, if there are any."""

    id: str
    channel: str
    to: str
    subject: str
    text: str
    code: str | None
    received_at: str


class Mailbox:
    """The last thousand messages."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._letters: deque[Letter] = deque(maxlen=KEPT)

    def put(self, letter_id: str, channel: str, to: str, subject: str, text: str) -> None:
        """Keeps a message."""
        code = _CODE.search(text)
        received_at = self._now().isoformat()
        self._letters.append(
            Letter(letter_id, channel, to, subject, text, code and code.group(), received_at)
        )

    def find(self, letter_id: str) -> Letter | None:
        """The message that came under an id."""
        return next((letter for letter in self._letters if letter.id == letter_id), None)

    def to(self, address: str | None) -> list[dict[str, str | None]]:
        """The messages to an address, or all, the newest first."""
        return [
            asdict(letter)
            for letter in reversed(self._letters)
            if address is None or letter.to == address
        ]


class MailHandler:
    """Takes mail from anybody to anybody."""

    def __init__(self, mailbox: Mailbox, faults: Faults) -> None:
        self._mailbox = mailbox
        self._faults = faults

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802, ANN401 - aiosmtpd's interface
        """Keeps one copy per recipient."""
        mail = message_from_bytes(envelope.content, _class=EmailMessage, policy=default)
        body = mail.get_body(("plain",))
        text = body.get_content() if body is not None else ""

        def keep() -> None:
            for recipient in envelope.rcpt_tos:
                self._mailbox.put(
                    str(mail["Message-ID"]), "EMAIL", recipient, str(mail["Subject"]), text
                )

        taken = await self._faults.around(MAIL, "send", keep)
        return "250 Kept" if taken else "550 Refused by the sandbox"
