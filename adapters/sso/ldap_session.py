"""One conversation with an LDAP server by ldap3: pinned address, our TLS, no referrals."""

import importlib
import socket
import ssl
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from adapters.sso.api import Attributes, Misconfigured, SSOError, Upstream

CONNECT_SECONDS = 3
RECEIVE_SECONDS = 4


def load_ldap3() -> Any:  # noqa: ANN401 - it has no types
    """The library; importing it warns of names that pyasn1 0.6 has renamed.

    Raises: Misconfigured (the extra is not installed).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module("ldap3")
    except ImportError:
        raise Misconfigured("kind ldap needs the extra [ldap] (ldap3)") from None


@dataclass(frozen=True, slots=True)
class Server:
    """Where the directory is and how we speak to it. `tls` is None only on the loopback."""

    host: str
    port: int
    addresses: Sequence[str]
    tls: ssl.SSLContext | None
    starttls: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One found person."""

    dn: str = field(repr=False)
    attributes: Attributes = field(repr=False)


class Session:
    """A connection of a thread; `cut` may be called from another to end a wait."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ldap3 = load_ldap3()
        self._connection: Any = None

    def bind(self, dn: str, password: str) -> bool:
        """Whether the server takes this name and password.

        Raises: Upstream, Misconfigured (the certificate).
        """
        return bool(self._asked(lambda: self._bound(dn, password)))

    def search(self, base: str, words: str, attributes: Sequence[str]) -> list[Entry]:
        """At most two entries below `base` that fit the filter.

        Raises: Upstream, Misconfigured (the base).
        """
        self._asked(
            lambda: self._connection.search(
                base, words, attributes=list(attributes), size_limit=2, time_limit=RECEIVE_SECONDS
            )
        )
        verdict = str(self._connection.result["description"])
        if verdict in {"noSuchObject", "invalidDNSyntax", "insufficientAccessRights"}:
            raise Misconfigured(f"the directory refuses the base ({verdict})")
        if verdict not in {"success", "sizeLimitExceeded"}:
            raise Upstream(f"the directory answered {verdict}")
        return [
            Entry(found["dn"], _texts(found["raw_attributes"]))
            for found in self._connection.response
            if found["type"] == "searchResEntry"
        ]

    def cut(self) -> None:
        """Ends the conversation, also under a thread that waits for an answer."""
        with suppress(OSError, AttributeError):
            self._connection.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Says goodbye."""
        with suppress(Exception):
            self._connection.unbind()
        with suppress(Exception):
            # ldap3 forgets it where the other side hung up first.
            self._connection.socket.close()

    def _bound(self, dn: str, password: str) -> bool:
        ldap3 = self._ldap3
        if self._connection is not None:
            self.close()
        self._connection = ldap3.Connection(
            self._target(), user=dn, password=password, receive_timeout=RECEIVE_SECONDS,
            auto_bind=ldap3.AUTO_BIND_NONE, auto_referrals=False, read_only=True,
            check_names=False, raise_exceptions=False,
        )  # fmt: skip
        self._connection.open()
        if self._server.starttls:
            self._connection.start_tls()
        return bool(self._connection.bind())

    def _target(self) -> Any:  # noqa: ANN401 - an ldap3.Server
        server = self._server
        tls = None
        if server.tls is not None:
            tls = self._ldap3.Tls(validate=ssl.CERT_REQUIRED)
            # Its own wrapping compares the name by a copy of code that Python dropped.
            tls.wrap_socket = partial(_wrap, server.tls, server.host)
        return self._ldap3.Server(
            server.addresses[0], port=server.port, use_ssl=tls is not None and not server.starttls,
            tls=tls, get_info=self._ldap3.NONE, connect_timeout=CONNECT_SECONDS,
        )  # fmt: skip

    def _asked(self, ask: Any) -> Any:  # noqa: ANN401 - an ldap3 call
        try:
            return ask()
        except Exception as error:
            raise _failure(error, self._server.host) from None


def _wrap(
    context: ssl.SSLContext,
    host: str,
    connection: Any,  # noqa: ANN401 - ldap3 has no types
    do_handshake: bool = False,
) -> None:
    connection.socket = context.wrap_socket(
        connection.socket, server_hostname=host, do_handshake_on_connect=do_handshake
    )


def _failure(error: Exception, host: str) -> SSOError:
    if "certificate" in str(error).lower():
        return Misconfigured(f"{host}: the certificate is not trusted or of another name")
    return Upstream(f"{host} gave no answer ({type(error).__name__})")


def _texts(raw: Mapping[str, Sequence[bytes]]) -> Attributes:
    """The values that are text; a photograph is none of our business."""
    found: dict[str, tuple[str, ...]] = {}
    for name, values in raw.items():
        with suppress(UnicodeDecodeError):
            found[name] = tuple(value.decode() for value in values)
    return found
