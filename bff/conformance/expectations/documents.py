"""Signed documents, the lock, and the terminal's own code."""

from bff.conformance.evidence import Event, Evidence
from bff.conformance.expectations.row import (
    Check,
    Finding,
    found,
    right,
    screen,
    unseen,
    wrong,
)
from bff.conformance.play import held_by
from bff.conformance.school import ISSUER, KEY_NO, NEWEST, NEXT
from bff.conformance.steps import NOTHING, Fault, Kind, Part, Shown
from core.school.records import DocumentKind
from terminals import ccq
from terminals.ccq import SignedChallenge
from terminals.codes import Use
from terminals.keys import KeyRing
from terminals.signature import SKEW_SECONDS

_NAMES = ("KEYS", "PARAMETERS", "DENY")
_WANTED = tuple(NEWEST[DocumentKind[name]] for name in _NAMES)


def _beats_after(evidence: Evidence, sync: Event) -> list[Event]:
    """The heartbeats after a fetch, until the next one."""
    beats = []
    for event in evidence.events[sync.number + 1 :]:
        if event.operation == "TerminalSyncParameters":
            break
        if event.operation == "TerminalHeartbeat" and event.given:
            beats.append(event)
    return beats


def _fetched(evidence: Evidence) -> Finding:
    told = [e for e in evidence.of("documents") if "SYNC" in e.told.get("directives", [])]
    if not told:
        return unseen("没有收到心跳", "No heartbeat came")
    asked = evidence.of("documents", "TerminalSyncParameters")
    if not asked:
        return wrong("告知 SYNC 后没有取文档", "It was told SYNC and fetched nothing")
    syncs = [event for event in asked if event.is_heard]
    beats = [beat for sync in syncs for beat in _beats_after(evidence, sync)]
    if not beats:
        return unseen("取文档后没有心跳", "No heartbeat came after it")
    held = held_by(beats[-1])
    is_alone = evidence.kind is not Kind.METER and Part.OFFLINE not in evidence.without
    is_met = held == _WANTED if is_alone else held[0] == _WANTED[0]
    return found(is_met, f"心跳报告 {held}，最新 {_WANTED}", f"It reports {held} of {_WANTED}")


def _older(evidence: Evidence) -> Finding:
    syncs = [e for e in evidence.events if e.fault is Fault.OLD_DOCUMENTS]
    beats = [beat for sync in syncs for beat in _beats_after(evidence, sync)]
    if not beats:
        return unseen()
    for beat in beats:
        for name, held, wanted in zip(_NAMES, held_by(beat), _WANTED, strict=True):
            if held is not None and held < wanted:
                return wrong(f"{name} 退回 {held}", f"{name} went back to {held}")
    return right("保留原有版本", "It kept what it had")


def _forged(evidence: Evidence, fault: Fault, kind: DocumentKind) -> Finding:
    syncs = [event for event in evidence.events if event.fault is fault]
    beats = [beat for sync in syncs for beat in _beats_after(evidence, sync)]
    if not beats:
        return unseen()
    place = _NAMES.index(kind.name)
    taken = any(held_by(beat)[place] == NEXT[kind] for beat in beats)
    return found(
        not taken,
        "采用了伪造的文档" if taken else "保留原有版本",
        "It went by the forged document" if taken else "It kept what it had",
    )


def _newer(evidence: Evidence) -> Finding:
    asked = evidence.of("newer", "TerminalSyncParameters")
    told = [e for e in evidence.of("newer") if "SYNC" in e.told.get("directives", [])]
    if told and not asked and "newer" in evidence.over:
        return wrong("告知 SYNC 后没有再取", "It was told SYNC and fetched nothing any more")
    syncs = [event for event in asked if event.is_heard]
    beats = [beat for sync in syncs for beat in _beats_after(evidence, sync)]
    if not beats:
        return unseen()
    wanted = [NEXT[DocumentKind[name]] for name in _NAMES]
    held = held_by(beats[0])
    is_met = all(h in (None, w) for h, w in zip(held, wanted, strict=True)) and held[0] == wanted[0]
    return found(is_met, f"心跳报告 {held}", f"It reports {held}")


def _locked(evidence: Evidence) -> Finding:
    told = any(
        e.operation == "TerminalHeartbeat" and e.fault is Fault.LOCKED for e in evidence.events
    )
    if not told or "locked" not in evidence.over:
        return unseen()
    seen = screen(evidence, "locked")
    if evidence.sales("locked"):
        return wrong(f"仍发出收款请求；{seen.zh}", f"It sent the sale all the same; it {seen.en}")
    return found(
        evidence.words.get("locked") != Shown.PAID,
        f"没有发出；{seen.zh}",
        f"It sent nothing; it {seen.en}",
    )


def _ask(evidence: Evidence) -> Finding:
    text, key = evidence.challenge, evidence.terminal_key
    if text is None or key is None or text == NOTHING:
        return unseen()
    signed = ccq.read(text)
    if not isinstance(signed, SignedChallenge):
        return wrong(f"读不出：{signed}", f"It cannot be read: {signed}")
    challenge = signed.challenge
    at = evidence.begun_at["ask"]
    verified = ccq.verify(
        text,
        use=Use.PAY,
        now=challenge.created_at,
        issuers=(ISSUER,),
        terminals={(ISSUER, challenge.key.terminal_no): {KEY_NO: key}},
        keys=KeyRing([]),
    )
    if not isinstance(verified, SignedChallenge):
        return wrong(f"不合格：{verified}", f"It does not verify: {verified}")
    if challenge.minor_amount != 410:
        return wrong(
            f"金额 {challenge.minor_amount} 分", f"It asks for {challenge.minor_amount} fen"
        )
    if abs(challenge.created_at - at) > SKEW_SECONDS:
        return wrong("时间不对", "Its time is not the school's")
    used = [e for e in evidence.events if e.key == challenge.key and e.operation != "PurchaseVoid"]
    if any(event.given.get("presented") for event in used):
        return wrong("用了别的交易的编号", "Its key is another sale's")
    return right(f"编号 {challenge.key.text()}", f"Under the key {challenge.key.text()}")


def _receipt(evidence: Evidence, step: str, *, is_true: bool) -> Finding:
    if step not in evidence.over or step not in evidence.codes:
        return unseen()
    challenge = ccq.read(evidence.challenge or "")
    if is_true and isinstance(challenge, SignedChallenge):
        late = evidence.begun_at[step] - challenge.challenge.created_at
        if late > challenge.challenge.life_seconds:
            return unseen(
                f"收款码已过期（{late:.0f} 秒）：用扫码枪把码扫进本程序会更快",
                f"Its code was over after {late:.0f} s: scan it into this program with a scanner",
            )
    seen = screen(evidence, step)
    return found((evidence.words.get(step) == Shown.PAID) == is_true, seen.zh, f"It {seen.en}")


CHECKS: dict[str, Check] = {
    "documents.fetched": _fetched,
    "documents.older": _older,
    "documents.forged": lambda evidence: _forged(
        evidence, Fault.FORGED_DOCUMENTS, DocumentKind.PARAMETERS
    ),
    "documents.forged_keys": lambda evidence: _forged(
        evidence, Fault.FORGED_KEYS, DocumentKind.KEYS
    ),
    "documents.newer": _newer,
    "lock.obeyed": _locked,
    "ask.code": _ask,
    "receipt.forged": lambda evidence: _receipt(evidence, "receipt.forged", is_true=False),
    "receipt.taken": lambda evidence: _receipt(evidence, "receipt", is_true=True),
}
