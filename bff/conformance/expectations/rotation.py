"""The change of the terminal's own key, and one that was cut in the middle."""

import json

from bff.conformance.evidence import Event, Evidence
from bff.conformance.expectations.row import Check, Finding, Mark, found, right, unseen, wrong
from bff.conformance.script_after import ROTATE
from bff.conformance.steps import Fault


def _asked(evidence: Evidence, *steps: str) -> list[Event]:
    return [event for step in steps for event in evidence.of(step, ROTATE)]


def _proof(evidence: Evidence) -> Finding:
    asked = [event for event in _asked(evidence, "rotate") if event.given]
    if not asked:
        return unseen("没有收到 terminalRotateKey", "No terminalRotateKey came")
    refused = asked[0].refusal
    if refused is None:
        return right("新密钥已登记", "The new key is registered")
    return wrong(f"被拒绝：{refused}", f"Refused: {refused}")


def _key(event: Event) -> str:
    """The new key that it names: also of a request that an old key has signed in vain."""
    return str(json.loads(event.body)["variables"]["input"].get("newPublicKey"))


def _same(evidence: Evidence) -> Finding:
    """Whether what got no answer was asked again with the very same key."""
    is_seen = False
    for steps in (("rotate",), ("rotate.lost", "rotate.late")):
        asked = _asked(evidence, *steps)
        lost = next((event for event in asked if event.fault is Fault.ANSWER_LOST), None)
        if lost is None or steps[-1] not in evidence.over:
            continue
        again = [event for event in asked if event.number > lost.number]
        if any(_key(event) != _key(lost) for event in again):
            return wrong("没有应答后换了另一个新密钥", "Without an answer it made another key")
        is_seen = is_seen or bool(again)
    return right("用同一个新密钥再发", "It sent the same key again") if is_seen else unseen()


def _used(evidence: Evidence) -> Finding:
    heard = next((event for event in _asked(evidence, "rotate") if event.is_heard), None)
    if heard is None:
        return unseen()
    later = [e for e in evidence.events if e.number > heard.number and e.key_no is not None]
    if not later:
        return unseen("之后没有请求", "Nothing came afterwards")
    number, wanted = later[0].key_no, heard.told["keyNo"]
    return found(
        number == wanted,
        f"用密钥 {number} 签名，最新 {wanted}",
        f"It signs with key {number} of {wanted}",
    )


def _late(evidence: Evidence) -> Finding:
    if "rotate.late" not in evidence.over or not _asked(evidence, "rotate.lost"):
        return unseen()
    if _same(evidence).mark is Mark.WRONG:
        return unseen("请先改正 rotate.same", "Correct rotate.same first")
    newest, came = evidence.newest_key_no, evidence.of("rotate.late")
    if newest > 1 and any(event.is_heard and event.key_no == newest for event in came):
        return right(f"改用密钥 {newest}", f"It went on with key {newest}")
    in_vain = sum(event.fault is Fault.KEY_OVER for event in came)
    if not in_vain:
        return unseen()
    return wrong(f"{in_vain} 次仍用旧密钥签名", f"It signed {in_vain} times with the old key")


CHECKS: dict[str, Check] = {
    "rotate.proof": _proof,
    "rotate.same": _same,
    "rotate.used": _used,
    "rotate.late": _late,
}
