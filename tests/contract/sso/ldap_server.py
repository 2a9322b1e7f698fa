"""A directory of our own: bind, search and StartTLS, read from the bytes by its own code."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.contract.sso.people import PASSWORD, PUPILS, Pupil

BASE = "ou=people,dc=school,dc=example"
SERVICE_DN = "cn=card,dc=school,dc=example"
SERVICE_PASSWORD = "the card's own password"
TRIES = 3
SEQUENCE, SET, INTEGER, OCTETS, ENUM = 0x30, 0x31, 0x02, 0x04, 0x0A
Entry = dict[str, list[bytes]]


def tlv(tag: int, body: bytes) -> bytes:
    """One element."""
    size = len(body)
    if size < 128:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + body


def read(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements in some bytes."""
    while data:
        tag, size, at = data[0], data[1], 2
        if size & 0x80:
            at += size & 0x7F
            size = int.from_bytes(data[2:at])
        yield tag, data[at : at + size]
        data = data[at + size :]


def dn_of(pupil: Pupil) -> str:
    """Where somebody stands."""
    return f"uid={pupil.login},{BASE}"


def entry_of(pupil: Pupil) -> Entry:
    """Somebody's entry; the photograph is no text."""
    texts = {"uid": pupil.login, "employeeNumber": pupil.number, "cn": pupil.name}
    return {**{k: [v.encode()] for k, v in texts.items()}, "jpegPhoto": [b"\xff\xd8\xff"]}


@dataclass
class LdapServer:
    """`searched` are the filters it was asked, as (attribute, value) of each equality."""

    tls: ssl.SSLContext | None = None
    starttls: bool = False
    entries: dict[str, Entry] = field(
        default_factory=lambda: {dn_of(each): entry_of(each) for each in PUPILS}
    )
    wrong: dict[str, int] = field(default_factory=dict)
    connections: int = 0
    searched: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["LdapServer"]:
        """On a free port."""
        at_once = None if self.starttls else self.tls
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=at_once)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (head := await reader.readexactly(2))[1]:
                size = head[1]
                if size & 0x80:
                    size = int.from_bytes(await reader.readexactly(size & 0x7F))
                (_, number), (tag, body), *_ = read(await reader.readexactly(size))
                if tag == 0x42:
                    break
                for answer in self._answers(tag, list(read(body))):
                    writer.write(tlv(SEQUENCE, tlv(INTEGER, number) + answer))
                await writer.drain()
                if tag == 0x77 and self.tls is not None:
                    await writer.start_tls(self.tls)
        except (asyncio.IncompleteReadError, OSError):
            pass
        writer.close()

    def _answers(self, tag: int, parts: list[tuple[int, bytes]]) -> Iterator[bytes]:
        match tag:
            case 0x60:
                yield _result(0x61, self._bound(parts[1][1].decode(), parts[2][1].decode()))
            case 0x77:
                yield _result(0x78, 0)
            case 0x63:
                yield from self._found(parts)

    def _bound(self, dn: str, password: str) -> int:
        """0, or 49: a locked account answers as a wrong password does."""
        if dn == SERVICE_DN:
            return 0 if password == SERVICE_PASSWORD else 49
        good = dn in self.entries and password == PASSWORD and self.wrong.get(dn, 0) < TRIES
        self.wrong[dn] = 0 if good else self.wrong.get(dn, 0) + 1
        return 0 if good else 49

    def _found(self, parts: list[tuple[int, bytes]]) -> Iterator[bytes]:
        base, limit = parts[0][1].decode(), int.from_bytes(parts[3][1])
        if not any(dn.endswith(base) for dn in self.entries):
            yield _result(0x65, 32)
            return
        tag, body = parts[6]
        found = [dn for dn, entry in self.entries.items() if self._fits(tag, body, entry)]
        for dn in found[:limit]:
            yield _entry(dn, self.entries[dn])
        yield _result(0x65, 4 if len(found) > limit else 0)

    def _fits(self, tag: int, body: bytes, entry: Entry) -> bool:
        inner = list(read(body)) if tag & 0x20 else []
        match tag:
            case 0xA0:
                return all(self._fits(*each, entry) for each in inner)
            case 0xA1:
                return any(self._fits(*each, entry) for each in inner)
            case 0xA3:
                name, value = inner[0][1].decode(), inner[1][1]
                self.searched.append((name, value.decode()))
                return value in entry.get(name, [])
            case 0x87:
                return body.decode() in entry or body.decode() == "objectClass"
            case _:
                return True  # substrings: whoever gets a * through gets everybody


def _result(tag: int, code: int) -> bytes:
    return tlv(tag, tlv(ENUM, bytes((code,))) + tlv(OCTETS, b"") + tlv(OCTETS, b""))


def _entry(dn: str, entry: Entry) -> bytes:
    attributes = b"".join(
        tlv(
            SEQUENCE,
            tlv(OCTETS, name.encode()) + tlv(SET, b"".join(tlv(OCTETS, v) for v in values)),
        )
        for name, values in entry.items()
    )
    return tlv(0x64, tlv(OCTETS, dn.encode()) + tlv(SEQUENCE, attributes))
