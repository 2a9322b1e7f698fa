"""The signature guard: which terminal signed these raw bytes (terminals.md 2)."""

from base64 import b64encode
from collections.abc import Callable, Container
from datetime import datetime

from bff.guards import UPLOAD_MAXIMUM, Head
from bff.ratelimit import ANONYMOUS, Buckets
from core.kit.clock import Clock, unix_seconds
from core.school.records import EnrolledTerminal, TerminalState
from core.school.service import Terminals
from schema.context import TerminalViewer
from schema.errors import CodedError, Forbidden, Unauthenticated
from terminals import signature
from terminals.answers import AnswerKey
from terminals.message import KeyId, time_message
from terminals.signature import Nonces, Request, SignatureRefusal, SignedHeaders, TerminalKey

_SIGNED = (b"signature-input", b"signature")
_READ = ("content-digest", "idempotency-key", "signature-input", "signature")
"""The headers that `terminals.signature` reads."""


class SignatureGuard:
    """Implements `bff.guards.VerifyTerminal`.

    `heartbeats` are the names of the documents that hold a heartbeat and nothing else: for those
    the time of signing is not checked, for their answer tells the time, and a locked terminal is
    let in, for it tells the lock. The fields of all others refuse such a terminal.
    """

    def __init__(
        self,
        terminals: Terminals,
        answer_key: Callable[[int], AnswerKey],
        buckets: Buckets,
        clock: Clock,
        heartbeats: Container[str],
    ) -> None:
        self._terminals = terminals
        self._answer_key = answer_key
        self._buckets = buckets
        self._clock = clock
        self._heartbeats = heartbeats
        self._nonces = Nonces()

    async def __call__(self, head: Head, body: bytes) -> TerminalViewer | None:
        """The terminal; None when nothing is signed.

        Raises: Unauthenticated, Forbidden with the reason, Refused (RATE_LIMITED).
        """
        if not any(name in head.headers for name in _SIGNED):
            return None
        headers = {name: head.text(name.encode()) for name in _READ}
        request = Request("POST", head.path, headers, body)
        signed = signature.read(request, UPLOAD_MAXIMUM)
        if isinstance(signed, SignatureRefusal):
            raise self._refused(head, signed)
        now = self._clock.now()
        key_id = signed.key_id
        enrolled = await self._terminals.find_enrolled(*key_id)
        is_heartbeat = head.text(b"x-operation") in self._heartbeats
        refusal = signature.refusal(
            request,
            signed,
            _find_key(enrolled, key_id, now),
            self._nonces,
            None if is_heartbeat else unix_seconds(now),
        )
        hears_its_lock = is_heartbeat and refusal is SignatureRefusal.TERMINAL_LOCKED
        if refusal is not None and not hears_its_lock:
            raise self._refused(head, refusal, signed)
        assert enrolled is not None
        return TerminalViewer(key_id.issuer, enrolled, signed, not is_heartbeat)

    def _refused(
        self, head: Head, refusal: SignatureRefusal, signed: SignedHeaders | None = None
    ) -> CodedError:
        """The refusal as it is answered; networks that try signatures are slowed down."""
        self._buckets.take(ANONYMOUS, head.network)
        if refusal is SignatureRefusal.TERMINAL_LOCKED:
            return Forbidden(refusal)
        if refusal is SignatureRefusal.CLOCK_SKEW and signed is not None:
            now = unix_seconds(self._clock.now())
            return Unauthenticated(refusal, time=now, signedTime=self._signed_time(signed, now))
        return Unauthenticated(refusal)

    def _signed_time(self, signed: SignedHeaders, now: int) -> str:
        issuer, terminal_no, _ = signed.key_id
        told = time_message(issuer, terminal_no, signed.nonce, now)
        return b64encode(self._answer_key(issuer).sign(told)).decode()


def _find_key(
    enrolled: EnrolledTerminal | None, key_id: KeyId, now: datetime
) -> TerminalKey | None:
    """The key, if it is one of a working terminal and valid now."""
    if enrolled is None:
        return None
    state = enrolled.terminal.state
    if state not in (TerminalState.ACTIVE, TerminalState.LOCKED):
        return None
    key = enrolled.find_key(key_id.key_no, now)
    if key is None:
        return None
    return TerminalKey(key.public_key, is_locked=state is TerminalState.LOCKED)
