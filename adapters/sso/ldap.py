"""LDAP, search and bind over TLS: a campus password passes through, by written consent only."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from adapters.sso.address import resolve
from adapters.sso.api import (
    Assertion,
    Check,
    Denied,
    Env,
    Flow,
    Incomplete,
    Misconfigured,
    Provider,
    Reach,
    Upstream,
)
from adapters.sso.http import LOOPBACK, tls_context
from adapters.sso.ldap_probe import probe_ldap
from adapters.sso.ldap_session import Entry, Server, Session
from adapters.sso.settings import Table, kind_of
from adapters.sso.threads import Threads

SECONDS = 8.0
NAME_LENGTH = 128
PASSWORD_LENGTH = 256
_SPECIAL = {ord(each): f"\\{ord(each):02x}" for each in "\\*()\0"}
_NO = "the name or the password is wrong"
Made = TypeVar("Made")


class LdapSettings(Table):
    """A directory. `consent` names the document by which the school allows that campus passwords
    pass through us; `sample` is a login name whose entry `check` looks for."""

    url: str
    base: str
    bind_dn: str
    bind_password: SecretStr
    consent: Annotated[str, Field(min_length=1)]
    filter: str = "(uid={username})"
    subject_attribute: str = "uid"
    attributes: tuple[str, ...] = ("*",)
    starttls: bool = False
    sample: str | None = None

    @model_validator(mode="after")
    def _filter_has_its_place(self) -> Self:
        if self.filter.count("{username}") != 1:
            raise ValueError("filter holds {username} once")
        if not self.bind_password.get_secret_value():
            raise ValueError("bind_password is empty: that would be an anonymous bind")
        return self


class LdapProvider(Provider):
    """One directory; it keeps nothing."""

    flow = Flow.PASSWORD

    def __init__(self, settings: LdapSettings, reach: Reach) -> None:
        self._settings = settings
        self._reach = reach
        self._threads = Threads("ldap", 8)

    async def verify(self, env: Env, username: str, password: str) -> Assertion:
        """Finds the one entry of a login name and binds as it.

        An empty password never reaches the server: many take it for an anonymous bind.
        """
        if not 1 <= len(username) <= NAME_LENGTH or not 1 <= len(password) <= PASSWORD_LENGTH:
            raise Denied(_NO)
        entry = await self.conversation(lambda session: self._vouched(session, username, password))
        settings = self._settings
        subjects = entry.attributes.get(settings.subject_attribute, ())
        if len(subjects) != 1:
            raise Incomplete(f"the entry has not exactly one {settings.subject_attribute}")
        return Assertion(f"{settings.url}/{settings.base}", subjects[0], entry.attributes)

    def check(self, env: Env) -> AsyncIterator[Check]:
        """The probes of ldap_probe."""
        settings = self._settings
        words = self.words(settings.sample) if settings.sample else None
        return probe_ldap(
            lambda: self.conversation(self._as_service),
            lambda: self.conversation(lambda session: self._found(session, words or "(cn=-)")),
            lambda: self.verify(env, settings.sample or "probe", ""),
            with_sample=words is not None,
        )

    def words(self, username: str) -> str:
        """The filter for a login name, whatever is in it (RFC 4515)."""
        return self._settings.filter.replace("{username}", username.translate(_SPECIAL))

    async def conversation(self, talk: Callable[[Session], Made]) -> Made:
        """What `talk` makes of a fresh session, in a thread.

        Raises: Upstream, Misconfigured, and what `talk` raises.
        """
        session = Session(await self._server())

        def work() -> Made:
            try:
                return talk(session)
            finally:
                session.close()

        try:
            return await self._threads.run(work, SECONDS)
        except Upstream:
            session.cut()
            raise

    async def _server(self) -> Server:
        parts = urlsplit(self._settings.url)
        host, secure = parts.hostname or "", parts.scheme == "ldaps"
        if (
            parts.scheme not in {"ldap", "ldaps"}
            or not host
            or (secure and self._settings.starttls)
        ):
            raise Misconfigured("url is ldaps://host, or ldap://host with starttls = true")
        encrypted = secure or self._settings.starttls
        if not encrypted and not (self._reach.plain_loopback and host in LOOPBACK):
            raise Misconfigured("passwords leave this machine over TLS only: ldaps or starttls")
        port = parts.port or (636 if secure else 389)
        addresses = await resolve(host, port, self._reach)
        tls = tls_context(self._reach) if encrypted else None
        return Server(host, port, addresses, tls, self._settings.starttls)

    def _vouched(self, session: Session, username: str, password: str) -> Entry:
        found = self._found(session, self.words(username))
        if len(found) > 1:
            raise Misconfigured("the filter finds more than one entry: narrow it")
        if not found or not session.bind(found[0].dn, password):
            raise Denied(_NO)
        return found[0]

    def _as_service(self, session: Session) -> None:
        settings = self._settings
        if not session.bind(settings.bind_dn, settings.bind_password.get_secret_value()):
            raise Misconfigured("the directory refuses bind_dn or bind_password")

    def _found(self, session: Session, words: str) -> list[Entry]:
        self._as_service(session)
        settings = self._settings
        wanted = (*settings.attributes, settings.subject_attribute)
        return session.search(settings.base, words, wanted)


KIND = kind_of(LdapSettings, ("url", "base", "subject_attribute"), LdapProvider)
