"""What the core asks of the room that knows the terminals' formats."""

from typing import Protocol


class TerminalProofs(Protocol):
    """Checks what a terminal's new key signs to prove itself (terminals.md 8)."""

    def enrols(self, code: str, public_key: bytes, serial_number: str, proof: bytes) -> bool:
        """Whether a registrable key signed this activation code and serial number."""
        ...

    def rotates(
        self, issuer: int, terminal_no: int, key_no: int, new_public_key: bytes, proof: bytes
    ) -> bool:
        """Whether a registrable new key signed that it is this terminal's key of that number."""
        ...
