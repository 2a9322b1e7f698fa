"""What Tencent's clients and servers are given for a while: codes good once, and access tokens."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

CODE_SECONDS = 300
TOKEN_SECONDS = 7_200


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code stands for: an app, a person in it, and what the person released."""

    kind: str
    app: str
    person: str
    scope: frozenset[str]
    until: datetime


class Codes:
    """Codes that die after use, and after five minutes of the sandbox's clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._grants: dict[str, Grant] = {}
        self._used: set[str] = set()

    def issue(
        self,
        kind: str,
        app: str,
        person: str,
        scope: frozenset[str] = frozenset(),
        seconds: int = CODE_SECONDS,
    ) -> str:
        """A new code."""
        code = secrets.token_urlsafe(24)
        until = self._now() + timedelta(seconds=seconds)
        self._grants[code] = Grant(kind, app, person, scope, until)
        return code

    def find(self, code: str, kind: str, app: str) -> Grant | None:
        """What a live code of that kind and app stands for."""
        grant = self._grants.get(code)
        if grant is None or (grant.kind, grant.app) != (kind, app) or grant.until <= self._now():
            return None
        return grant

    def redeem(self, code: str, kind: str, app: str) -> Grant | None:
        """The same, and the code is used up."""
        grant = self.find(code, kind, app)
        if grant is not None:
            del self._grants[code]
            self._used.add(code)
        return grant

    def is_used(self, code: str) -> bool:
        """Whether a code was redeemed before."""
        return code in self._used


class AccessTokens:
    """One live token per app, given out again until `early_seconds` before its end."""

    def __init__(self, now: Callable[[], datetime], early_seconds: int) -> None:
        self._now = now
        self._early = timedelta(seconds=early_seconds)
        self._by_app: dict[str, str] = {}
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def issue(self, app: str) -> tuple[str, int]:
        """The app's token and the seconds it has left."""
        token = self._by_app.get(app, "")
        if self.app_of(token) is None or self._tokens[token][1] - self._early <= self._now():
            token = f"token-{secrets.token_urlsafe(48)}"
            self._by_app[app] = token
            self._tokens[token] = (app, self._now() + timedelta(seconds=TOKEN_SECONDS))
        return token, round((self._tokens[token][1] - self._now()).total_seconds())

    def app_of(self, token: str) -> str | None:
        """The app that a live token belongs to."""
        app, until = self._tokens.get(token, ("", self._now()))
        return app if until > self._now() else None

    def kill(self, token: str) -> None:
        """The token is dead before its time."""
        self._tokens.pop(token, None)
