"""A gate without a network: it decides by its own documents, writes, opens, and tells later."""

from dataclasses import dataclass

from clients.endpoint import NotAllowed
from clients.terminal.gate_store import GateStore
from clients.terminal.journal import Entry, Journal, Operation
from clients.terminal.protocol import Line
from terminals import cc1, gate
from terminals.cc1 import Presentation
from terminals.ccr import Outcome
from terminals.codes import CodeRefusal, Instrument, Use, classify
from terminals.gate import Knowledge
from terminals.message import RequestKey
from terminals.passages import EVENTS_MAXIMUM

_RECENT = 90
"""Requests looked at for codes sent online: more than a gate takes in the life of a code."""
REPLAY_SECONDS = 180
"""How long a code that opened is remembered, at least (codes.md 8)."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The server's verdict on a passage of ours."""

    key: RequestKey
    verdict: str
    reason: str | None
    flags: tuple[str, ...]


class Gate:
    """The doors of a terminal as their own authority (terminals.md 9)."""

    def __init__(self, journal: Journal, line: Line) -> None:
        self._journal = journal
        self._line = line
        self._documents = line.store
        self._store = line.passages

    @property
    def store(self) -> GateStore:
        """What it keeps on the disk."""
        return self._store

    def open(self, entry: Entry) -> str | None:
        """Lets somebody pass whose question got no answer, under the same key; why not, if not.

        When this answers None the event is on the disk, and only then may the door open.
        """
        now, parameters = self._line.now(), self._documents.parameters()
        if parameters is None:
            return "DOOR_UNKNOWN"
        door = parameters.door_of(entry.key.terminal_no, entry.given["doorNo"])
        if door is None:
            return "DOOR_UNKNOWN"
        deny = self._documents.deny_list(now)
        known = Knowledge(
            issuer=self._journal.identity.issuer,
            keys=self._journal.identity.ring,
            parameters=parameters,
            rights=self._documents.rights(),
            denied=deny.serials(),
            used=self._used(entry),
            whereabouts=self._store.whereabouts,
            clock_is_trusted=self._line.is_clock_trusted,
        )
        presented, direction = entry.given["presented"], entry.given["direction"]
        opened = gate.decide(presented, door, direction, now, known)
        if isinstance(opened, str):
            return opened
        self._store.pass_alone(
            entry, door.zone, opened, now, deny.version, is_clock_lost=not known.clock_is_trusted
        )
        return None

    def check_untaken(self, entry: Entry) -> None:
        """Nothing, unless its code opened here alone: the server would let it pass again.

        Raises: NotAllowed.
        """
        code, used = cc1.read(entry.given["presented"]), self._store.used_codes()
        if isinstance(code, Presentation) and code.replay_key(Use.ENTRY) in used:
            raise NotAllowed("", CodeRefusal.CODE_USED, "")

    def note_answered(self, entry: Entry) -> None:
        """Remembers where somebody went whom the server let pass: the line may break any moment."""
        parameters = self._documents.parameters()
        if parameters is None:
            return
        door = parameters.door_of(entry.key.terminal_no, entry.given["doorNo"])
        bearer = _bearer(entry.given["presented"])
        if door is not None and bearer is not None:
            self._store.note_moved(door.zone, bearer, entry.given["direction"], self._line.now())

    async def upload(self) -> list[Passed]:
        """Tells of every passage that has no verdict, oldest first, and keeps what it hears.

        May be cut anywhere and is done again. Raises: NoAnswer; what was judged until then is kept.
        """
        judged: list[Passed] = []
        while waiting := self._store.untold(EVENTS_MAXIMUM):
            for event, said in zip(waiting, await self._line.tell(waiting), strict=True):
                self._store.note(event.key, said["verdict"], said["reason"])
                flags = tuple(said["flags"])
                judged.append(Passed(event.key, said["verdict"], said["reason"], flags))
        self._store.forget(self._line.now() - REPLAY_SECONDS)
        return judged

    def _used(self, entry: Entry) -> set[bytes]:
        """Codes that opened here, or were sent online and not certainly refused."""
        used = self._store.used_codes()
        for other in self._journal.list_newest(_RECENT):
            is_entry = other.operation is Operation.ENTRY and other.key != entry.key
            if is_entry and other.outcome is not Outcome.DECLINED:
                code = cc1.read(other.given["presented"])
                if isinstance(code, Presentation):
                    used.add(code.replay_key(Use.ENTRY))
        return used


def _bearer(presented: str) -> bytes | None:
    """What a gate knows a code or card by; None for what it cannot read alone."""
    code = cc1.read(presented)
    if isinstance(code, Presentation):
        return code.serial
    if classify(presented) is Instrument.PHYSICAL_CARD:
        digits = presented.split(":")[1]
        return bytes.fromhex(digits) if len(digits) % 2 == 0 else None
    return None
