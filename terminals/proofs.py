"""What a terminal's new key signs to prove itself, checked for the core's registry."""

from terminals.keys import is_registrable, verifies
from terminals.message import KeyId, enrolment_message, rotation_message


class SignedProofs:
    """Checks both proofs of terminals.md 8; a key that may not be registered proves nothing."""

    def enrols(self, code: str, public_key: bytes, serial_number: str, proof: bytes) -> bool:
        """Whether the new key signed this activation code and serial number."""
        message = enrolment_message(code, public_key, serial_number)
        return is_registrable(public_key) and verifies(public_key, message, proof)

    def rotates(
        self, issuer: int, terminal_no: int, key_no: int, new_public_key: bytes, proof: bytes
    ) -> bool:
        """Whether the new key signed that it is this terminal's key of that number."""
        message = rotation_message(KeyId(issuer, terminal_no, key_no), new_public_key)
        return is_registrable(new_public_key) and verifies(new_public_key, message, proof)
