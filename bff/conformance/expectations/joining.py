"""Enrolment, and what holds for every request."""

from bff.conformance.evidence import Event, Evidence
from bff.conformance.expectations.row import Check, Finding, found, right, unseen, wrong
from bff.conformance.steps import Fault
from terminals.keys import fingerprint
from terminals.signature import SignatureRefusal

_FORM = (
    SignatureRefusal.BODY_TOO_LARGE,
    SignatureRefusal.HEADER_INVALID,
    SignatureRefusal.KEY_UNKNOWN,
    SignatureRefusal.DIGEST_MISMATCH,
    SignatureRefusal.SIGNATURE_INVALID,
)
_UNREAD = ("DOCUMENT_UNKNOWN", "BODY_MALFORMED", "ORIGINAL_OR_REFERENCE")
_CONTROL = (
    "EntryEventsUpload",
    "HolderLookUp",
    "MeterSync",
    "PurchaseStatus",
    "TerminalHeartbeat",
    "TerminalRotateKey",
    "TerminalSyncParameters",
)
_KEPT = (
    "EntryAuthorise",
    "MeterStart",
    "MeterStop",
    "PurchaseAuthorise",
    "PurchaseCapture",
    "PurchaseRefund",
    "PurchaseVoid",
)


def _proof(evidence: Evidence) -> Finding:
    tries = evidence.all("TerminalEnrol")
    if evidence.terminal_key is not None:
        return right("已激活", "Enrolled")
    if not tries:
        return unseen("没有收到 terminalEnrol", "No terminalEnrol came")
    return wrong(f"被拒绝：{tries[-1].refusal}", f"Refused: {tries[-1].refusal}")


def _fingerprint(evidence: Evidence) -> Finding:
    if evidence.terminal_key is None or "enrol" not in evidence.over:
        return unseen()
    own, seen = fingerprint(evidence.terminal_key), evidence.words.get("enrol", "").lower()
    return found(seen == own, f"显示 {seen}，应为 {own}", f"It showed {seen}, its key has {own}")


def _signed(evidence: Evidence) -> list[Event]:
    return [event for event in evidence.events if event.operation != "TerminalEnrol"]


def _no_refusal(evidence: Evidence, *reasons: str) -> Finding:
    """Met, if something was signed and nothing was refused for these reasons."""
    signed = _signed(evidence)
    if not signed:
        return unseen("没有收到签名的请求", "No signed request came")
    # A key that is over belongs to another row: it was good when the change of it began.
    bad = [e for e in signed if e.refusal in reasons and e.fault is not Fault.KEY_OVER]
    if not bad:
        return right(f"{len(signed)} 个请求都对", f"All {len(signed)} requests were good")
    first = bad[0]
    said = f"{first.named or '?'}: {first.refusal}"
    return wrong(f"{len(bad)} 个被拒绝，第一个 {said}", f"{len(bad)} were refused, first {said}")


def _form(evidence: Evidence) -> Finding:
    return _no_refusal(evidence, *_FORM)


def _nonce(evidence: Evidence) -> Finding:
    return _no_refusal(evidence, SignatureRefusal.NONCE_REUSED)


def _same_key(evidence: Evidence) -> Finding:
    return _no_refusal(evidence, SignatureRefusal.KEY_MISMATCH)


def _contents(evidence: Evidence) -> Finding:
    return _no_refusal(evidence, "IDEMPOTENCY_CONFLICT")


def _named(evidence: Evidence) -> Finding:
    named = [event for event in evidence.events if event.operation]
    if not named:
        return unseen()
    bad = [event for event in named if event.named != event.operation]
    if not bad:
        return right("每个请求都有", "Every request has it")
    said = f"{bad[0].operation}: X-Operation: {bad[0].named or '-'}"
    return wrong(f"{len(bad)} 个不对，如 {said}", f"{len(bad)} were not right, as {said}")


def _input(evidence: Evidence) -> Finding:
    reasons = {
        event.refusal
        for event in evidence.events
        if event.refusal is not None
        and (event.refusal in _UNREAD or event.refusal.startswith("Variable"))
    }
    if not evidence.events:
        return unseen()
    said = "; ".join(sorted(reasons))
    return found(not reasons, said or "都符合契约", said or "All fitted the contract")


def _batches(evidence: Evidence) -> Finding:
    keyed = [event for event in evidence.events if event.key is not None]
    if not keyed:
        return unseen()
    bad = [
        event
        for event in keyed
        if event.key is not None
        and (
            (event.operation in _CONTROL and event.key.batch_no != 0)
            or (event.operation in _KEPT and event.key.batch_no == 0)
        )
    ]
    if not bad:
        return right("都在该在的批次", "Each was in its batch")
    key = bad[0].key
    assert key is not None
    return wrong(
        f"{bad[0].operation} 用了 {key.text()}", f"{bad[0].operation} came under {key.text()}"
    )


CHECKS: dict[str, Check] = {
    "enrol.proof": _proof,
    "enrol.fingerprint": _fingerprint,
    "sign.form": _form,
    "sign.nonce": _nonce,
    "sign.key": _same_key,
    "sign.operation": _named,
    "sign.document": _input,
    "keys.batch": _batches,
    "keys.content": _contents,
}
