"""What a phone keeps: who is signed in, the device key, and the passes it may show offline."""

import json
import os
from base64 import b64decode
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from clients.endpoint import Json
from terminals import cc1, ccq, totp
from terminals.cc1 import Intent
from terminals.codes import CodeRefusal
from terminals.keys import signer

PAYING_KINDS = ("VIRTUAL_CARD", "CAMPUS_CODE")


class NothingToShow(Exception):
    """No pass or alias is good at this instant: the phone has to go online first."""


class ChallengeUnreadable(Exception):
    """What was scanned is no challenge of a terminal."""


@dataclass(slots=True)
class Wallet:
    """A phone's memory; `passes` and `aliases` are as answered, `seed` is the device key's in hex.

    `clock_offset_seconds` is the server's time minus ours; `last_shown_at` is in Unix seconds.
    """

    school_code: str
    zone: str = "Asia/Shanghai"
    address: str = ""
    device_label: str = "参考手机"
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    seed: str = field(default="", repr=False)
    device_id: str = ""
    issuer: int = 0
    passes: list[Json] = field(default_factory=list, repr=False)
    totp_key: str = field(default="", repr=False)
    aliases: list[Json] = field(default_factory=list, repr=False)
    clock_offset_seconds: float = 0.0
    last_shown_at: int = 0
    unanswered: Json = field(default_factory=dict)
    """A payment whose answer never came: scanned again, it goes out under the same key."""

    @classmethod
    def read(cls, path: Path) -> "Wallet":
        """From a file that `write` made."""
        return cls(**json.loads(path.read_text("utf-8")))

    def write(self, path: Path) -> None:
        """To a file that only its owner reads, whole or not at all."""
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), "utf-8")
        os.replace(fresh, path)  # noqa: PTH105 - atomic, and over what is there

    def keep_issue(self, issue: Json, clock_seconds: float) -> None:
        """Keeps what `codePassIssue` answered at this instant of our clock."""
        self.issuer = issue["issuer"]
        self.passes = issue["passes"]
        self.totp_key = issue["totpKey"] or ""
        self.aliases = issue["aliases"]
        server_time = datetime.fromisoformat(issue["serverTime"])
        self.clock_offset_seconds = server_time.timestamp() - clock_seconds

    def show(
        self, clock_seconds: float, *, challenge: str | None = None, intent: Intent = Intent.ANY
    ) -> str:
        """The CC1 text to show at this instant of our clock; no network is needed.

        `challenge` is the CCQ text read off a terminal, to answer that terminal alone.
        Raises: NothingToShow, ChallengeUnreadable.
        """
        now = int(clock_seconds + self.clock_offset_seconds)
        chosen = next((each for each in self.passes if _pays_at(each, now)), None)
        if chosen is None:
            raise NothingToShow
        digest = b""
        if challenge is not None:
            signed = ccq.read(challenge)
            if isinstance(signed, CodeRefusal):
                raise ChallengeUnreadable(signed)
            digest = signed.digest
        # A device never signs two presentations with one t, not even within a second.
        self.last_shown_at = max(now, self.last_shown_at + 1)
        t = self.last_shown_at - chosen["notBefore"]
        sign = signer(bytes.fromhex(self.seed))
        return cc1.show(b64decode(chosen["content"]), t, intent, sign, digest)

    def digits(self, clock_seconds: float) -> str:
        """The T1 digits to show at this instant of our clock, for scanners that read no more.

        Raises: NothingToShow.
        """
        now = int(clock_seconds + self.clock_offset_seconds)
        today = datetime.fromtimestamp(now, ZoneInfo(self.zone)).date().isoformat()
        alias = next((each["digits"] for each in self.aliases if each["day"] == today), None)
        if alias is None or not self.totp_key:
            raise NothingToShow
        return totp.show(self.issuer, alias, b64decode(self.totp_key), now)


def _pays_at(issued: Json, now: int) -> bool:
    is_good: bool = issued["notBefore"] <= now < issued["endsAt"]
    return is_good and issued["kind"] in PAYING_KINDS
