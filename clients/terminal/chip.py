"""A pretend chip of a card: what a reader would see of it, in a file of its own.

It shares no code with the server that verifies it: two readings of one page must agree
(docs/terminals.md 15). A power cut leaves it as it was before or after a command, never between.
"""

import hashlib
import hmac
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

_MAC = 8


class ChipRefused(Exception):
    """The chip does not do it; nothing of it changed."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What it remembers; amounts in fen, counters of loads and of debits apart."""

    uid: str
    key: str = field(repr=False)
    loads: int = 0
    debits: int = 0
    balance: int = 0
    usable: bool = True
    single: int = 0
    daily: int = 0
    stamp: int = 0


class Chip:
    """A chip in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def make(cls, path: Path, uid: str, key: bytes) -> "Chip":
        """A new chip with its number (hex) and its 16-byte key."""
        chip = cls(path)
        chip._keep(Memory(uid.upper(), key.hex()))
        return chip

    @property
    def memory(self) -> Memory:
        """What it remembers now."""
        return Memory(**json.loads(self._path.read_text("utf-8")))

    def say(self, request_key: bytes) -> bytes:
        """Load counter, balance and the MAC over both and a request's 10 bytes: 16 bytes."""
        memory = self.memory
        said = _u32(memory.loads) + _u32(memory.balance)
        return said + _mac(memory, b"ccx1" + said + request_key)

    def write(self, command: bytes) -> None:
        """Does what a command says: a load of 16 bytes, or a refresh of 21.

        Raises: ChipRefused.
        """
        memory, body, mac = self.memory, command[:-_MAC], command[-_MAC:]
        if len(body) == 8:
            self._load(memory, body, mac)
        elif len(body) == 13:
            self._refresh(memory, body, mac)
        else:
            raise ChipRefused("length")

    def debit(self, amount: int, request_key: bytes) -> str:
        """Takes an amount; what to present as proof, `CARD:<uid>:<debit counter>:<mac>`.

        Raises: ChipRefused.
        """
        memory = self.memory
        if not memory.usable or not 0 < amount <= memory.balance:
            raise ChipRefused("blocked" if not memory.usable else "balance")
        count = memory.debits + 1
        mac = _mac(memory, b"ccx2" + _u32(count) + _u32(amount) + request_key)
        self._keep(replace(memory, debits=count, balance=memory.balance - amount))
        return f"CARD:{memory.uid}:{count}:{mac.hex().upper()}"

    def _load(self, memory: Memory, body: bytes, mac: bytes) -> None:
        if not hmac.compare_digest(_mac(memory, b"ccx3" + body), mac):
            raise ChipRefused("mac")
        counter, amount = int.from_bytes(body[:4]), int.from_bytes(body[4:])
        if counter != memory.loads:
            raise ChipRefused("counter")
        self._keep(replace(memory, loads=counter + 1, balance=memory.balance + amount))

    def _refresh(self, memory: Memory, body: bytes, mac: bytes) -> None:
        if not hmac.compare_digest(_mac(memory, b"ccx4" + body), mac):
            raise ChipRefused("mac")
        single, daily, stamp = (int.from_bytes(body[at : at + 4]) for at in (1, 5, 9))
        if stamp < memory.stamp:
            raise ChipRefused("stamp")
        self._keep(replace(memory, usable=body[0] == 1, single=single, daily=daily, stamp=stamp))

    def _keep(self, memory: Memory) -> None:
        """Whole, or not at all."""
        fresh = self._path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(asdict(memory), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def _u32(number: int) -> bytes:
    return number.to_bytes(4)


def _mac(memory: Memory, message: bytes) -> bytes:
    return hmac.new(bytes.fromhex(memory.key), message, hashlib.sha256).digest()[:_MAC]
