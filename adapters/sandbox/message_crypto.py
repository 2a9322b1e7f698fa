"""Messages that Tencent posts to its customers: encrypted to one receiver, signed with SHA-1."""

import secrets
from base64 import b64decode, b64encode
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32
"""The padding fills 32 bytes, twice the cipher's block."""


class MessageKey:
    """What the console made for one callback address."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(12)
        self.encoding_aes_key = b64encode(secrets.token_bytes(32)).decode().rstrip("=")

    def encrypt(self, text: str, receiver: str) -> str:
        """Sixteen random bytes, the length, the text, the receiver's id, padded and encrypted."""
        key = b64decode(self.encoding_aes_key + "=")
        message = text.encode()
        plain = secrets.token_bytes(16) + len(message).to_bytes(4) + message + receiver.encode()
        fill = BLOCK - len(plain) % BLOCK
        encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
        return b64encode(encryptor.update(plain + bytes([fill] * fill))).decode()

    def sign(self, *parts: str) -> str:
        """The SHA-1, in hex, over the token and the parts in order of their text."""
        digest = hashes.Hash(hashes.SHA1())  # noqa: S303 - the protocol's own
        digest.update("".join(sorted([self.token, *parts])).encode())
        return digest.finalize().hex()

    def proof(self, text: str, seconds: int) -> str:
        """The query that proves an address without a ciphertext, as WeChat sends it."""
        nonce = secrets.token_hex(8)
        signature = self.sign(str(seconds), nonce)
        signed = {"signature": signature, "timestamp": str(seconds), "nonce": nonce}
        return urlencode({**signed, "echostr": text})

    def encrypted_proof(self, text: str, receiver: str, seconds: int) -> str:
        """The query that proves an address, as WeCom sends it: the text is encrypted."""
        encrypted, nonce = self.encrypt(text, receiver), secrets.token_hex(8)
        signature = self.sign(str(seconds), nonce, encrypted)
        signed = {"msg_signature": signature, "timestamp": str(seconds), "nonce": nonce}
        return urlencode({**signed, "echostr": encrypted})

    def posted(self, text: str, receiver: str, seconds: int) -> tuple[str, str]:
        """The query and the body of a message."""
        encrypted, nonce = self.encrypt(text, receiver), secrets.token_hex(8)
        signature = self.sign(str(seconds), nonce, encrypted)
        signed = {"msg_signature": signature, "timestamp": str(seconds), "nonce": nonce}
        body = (
            f"<xml><ToUserName><![CDATA[{receiver}]]></ToUserName>"
            f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        )
        return urlencode(signed), body
