"""Terminals that take documents or receipts which they should not, or show a code that is wrong."""

from dataclasses import replace
from typing import Any

from clients.terminal.journal import Entry
from clients.terminal.keys import Identity
from clients.terminal.protocol import Line
from clients.terminal.till import Till
from clients.terminal.wire_format import DocumentRefused
from terminals import ccr
from terminals.ccr import Answer, SignedAnswer
from terminals.codes import CodeRefusal
from terminals.documents import DocumentKind, DocumentRefusal, SignedDocument
from tests.unit.conformance.broken import caught_by
from tests.unit.conformance.reference import Terminal


class _FetchesNothing(Line):
    async def sync(self) -> None:
        """Does not."""


@caught_by("documents.fetched", "sale.approved")
class FetchesNothing(Terminal):
    """Is told SYNC and does not care."""

    line_class = _FetchesNothing


class _KeepsFirstKeys(Identity):
    def taking(self, document: SignedDocument) -> Identity | DocumentRefusal:
        return replace(self, keys_version=document.version)


@caught_by("sale.approved")
class KeepsFirstKeys(Terminal):
    """Fetches key documents, and goes by the keys of its enrolment."""

    identity_class = _KeepsFirstKeys


class _TakesOffence(Line):
    async def sync(self) -> None:
        if self.__dict__.get("offended"):
            return
        try:
            await super().sync()
        except DocumentRefused:
            self.__dict__["offended"] = True
            raise


@caught_by("documents.newer")
class FetchesNoMore(Terminal):
    """Fetches nothing any more after a document that it refused."""

    line_class = _TakesOffence


class _NoFloor(Identity):
    def taking(self, document: SignedDocument) -> Identity | DocumentRefusal:
        return Identity.taking(replace(self, keys_version=0), document)


@caught_by("documents.older")
class TakesOlderDocuments(Terminal):
    """Takes any key document that a root has signed."""

    identity_class = _NoFloor


class _TakesForged(Line):
    def _take(self, document: SignedDocument) -> DocumentRefusal | None:
        refusal = super()._take(document)
        if refusal is DocumentRefusal.SIGNATURE and document.kind is DocumentKind.PARAMETERS:
            values = document.issuer, document.version, document.kid, document.content
            self._journal.run(
                "INSERT OR REPLACE INTO document VALUES (2, 1, ?, ?, ?, ?, ?, ?)",
                *(*values, document.signature, document.content),
            )
            self._journal.run("INSERT OR REPLACE INTO in_use VALUES (2, 1)")
            return None
        return refusal


@caught_by("documents.forged", "alone.cap")
class TakesForgedParameters(Terminal):
    """Goes by parameters that it did not verify."""

    line_class = _TakesForged


class _TakesForgedKeys(Identity):
    def taking(self, document: SignedDocument) -> Identity | DocumentRefusal:
        taken = super().taking(document)
        if taken is DocumentRefusal.SIGNATURE:
            return replace(self, keys_version=document.version)
        return taken


@caught_by("documents.forged_keys")
class TakesForgedKeys(Terminal):
    """Goes by a key document that no root has signed."""

    identity_class = _TakesForgedKeys


class _OneFenMore(Till):
    def challenge_text(self, shown: Entry) -> str:
        return super().challenge_text(replace(shown, minor_amount=shown.minor_amount + 1))


@caught_by("ask.code", "receipt.taken")
class AsksForAnotherAmount(Terminal):
    """Shows a code of another amount than it sells for."""

    till_class = _OneFenMore


class _BelievesReceipts(Identity):
    def verify_receipt(self, text: str, *others: Any) -> Answer | CodeRefusal:
        verdict, signed = super().verify_receipt(text, *others), ccr.read(text)
        if verdict is CodeRefusal.SIGNATURE and isinstance(signed, SignedAnswer):
            return signed.answer
        return verdict


@caught_by("receipt.forged", "receipt.taken", "close.totals")
class BelievesReceipts(Terminal):
    """Takes any text that looks like a receipt; the true one then finds nothing that waits."""

    identity_class = _BelievesReceipts
