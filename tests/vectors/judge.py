"""The fourth judge: what the implementation that server, terminal and edge share says of a case."""

import json
from base64 import urlsafe_b64decode
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from uuid import UUID

from terminals import cc1, ccq, ccr, offline, signature, totp, verification, water
from terminals.codes import CodeRefusal, Use, strip
from terminals.keys import KeyRing, KeyUse, PublicKey, is_registrable, verifies
from terminals.message import KeyId, RequestKey
from terminals.token import CodeDevice
from tests.vectors.case import Case

Context = dict[str, Any]
_RECORD_FIELDS = (0, 2, 6, 9, 12, 13, 17, 21, 25, 29, 30)
"""Where the numbers of a record begin (terminals.md 6); its two digests follow."""


def _ring(context: Context) -> KeyRing:
    return KeyRing(
        PublicKey(
            key["issuer"], key["kid"], KeyUse(key["use"]), bytes.fromhex(key["publicKey"]),
            key["signFrom"], key["signUntil"], key["dropAfter"], key.get("siteNo", 0),
        )
        for key in context.get("keys", [])
    )  # fmt: skip


def _fields(numbers: dict[str, int], case: Case) -> str | None:
    wrong = [name for name, number in case.get("fields", {}).items() if numbers[name] != number]
    return f"FIELDS {wrong[0]}" if wrong else None


def _cc1_fields(text: str, case: Case) -> str | None:
    code = cc1.read(text)
    if isinstance(code, CodeRefusal):
        return None
    numbers = {
        "version": code.version, "kind": code.kind, "issuer": code.issuer, "kid": code.kid,
        "capTag": code.cap_tag, "passNo": code.pass_no, "notBefore": code.not_before,
        "ttl": code.ttl, "capClass": code.cap_class, "flags": code.flags, "mask": code.mask,
        "t": code.t, "scene": code.scene,
    }  # fmt: skip
    return _fields(numbers, case)


def _authority(context: Context) -> verification.OfflineAuthority | None:
    if not context.get("offline", True):
        return None
    caps = verification.CAP_CLASSES
    if "caps" in context:
        caps = {
            cap["capClass"]: verification.CapClass(
                cap["a"], cap["n"], cap["b"], cap.get("high", False)
            )
            for cap in context["caps"]
        }
    spent = {
        (one["issuer"], int(one["capTag"], 16)): verification.Spent(one["count"], one["sum"])
        for one in context.get("spent", [])
    }
    return verification.OfflineAuthority(
        clock_is_trusted=context.get("clockTrusted", True),
        opens_on_lost_clock=context.get("openOnLostClock", False),
        deny_list_age_seconds=context.get("denyListAge", 0),
        store_is_full=context.get("storeFull", False),
        money_is_on=context.get("offlineMoney", True),
        site=context.get("site", 0),
        is_common_door=context.get("commonDoor", False),
        doors=tuple((profile, bit) for profile, bit in context.get("doors", [])),
        caps=caps,
        spent=spent,
    )


def _cc1(text: str, case: Case) -> str:
    context = case["context"]
    asked = ccq.read(strip(context.get("challenge") or ""))
    verdict = verification.verify(
        text,
        verification.VerificationContext(
            now=case["now"],
            use=Use(case["use"]),
            issuers=context.get("issuers", []),
            keys=_ring(context),
            amount_minor=case.get("amount", 0),
            challenge=None if isinstance(asked, CodeRefusal) else asked,
            challenge_above_minor=context.get("challengeAbove"),
            skew_seconds=context.get("skew", 15),
            life_seconds=context.get("life", 45),
            pay_kinds=context.get("payKinds", [1, 2, 4]),
            entry_kinds=context.get("entryKinds", [1, 2, 3, 4]),
            denied={bytes.fromhex(serial) for serial in context.get("deny", [])},
            seen={bytes.fromhex(key) for key in context.get("seen", [])},
            passback_refuses=context.get("passback", False),
            offline=_authority(context),
        ),
    )
    said = verdict.refusal if isinstance(verdict, verification.Refused) else "ACCEPTED"
    return _cc1_fields(text, case) or said


def _ccq(text: str, case: Case) -> str:
    context = case["context"]
    terminals: dict[tuple[int, int], dict[int, bytes]] = defaultdict(dict)
    for one in context["terminals"]:
        keys = terminals[one["issuer"], one["terminalNo"]]
        if "keyNo" in one:
            keys[one["keyNo"]] = bytes.fromhex(one["publicKey"])
    verdict = ccq.verify(
        text, use=Use(case["use"]), now=case["now"], issuers=context["issuers"],
        terminals=terminals, keys=_ring(context), skew_seconds=context.get("skew", 15),
    )  # fmt: skip
    if isinstance(verdict, CodeRefusal):
        return verdict
    asked = verdict.challenge
    numbers = {
        "version": 1, "purpose": asked.purpose, "issuer": asked.issuer, "keyNo": asked.key_no,
        "terminalNo": asked.key.terminal_no, "batchNo": asked.key.batch_no,
        "seqNo": asked.key.seq_no, "createdAt": asked.created_at, "life": asked.life_seconds,
        "minorAmount": asked.minor_amount,
    }  # fmt: skip
    return _fields(numbers, case) or "ACCEPTED"


def _ccr(text: str, case: Case) -> str:
    context = case["context"]
    mine, asked = context["mine"], context["outstanding"]
    key = RequestKey(mine["terminalNo"], asked["batchNo"], asked["seqNo"])
    verdict = ccr.verify(
        text, keys=_ring(context), site_no=context.get("siteNo", 0),
        is_scanned=context.get("scanned", False),
        skew_seconds=context.get("skew", 15), outstanding=ccr.Outstanding(
            mine["issuer"], key, asked["amount"], asked["createdAt"], asked["life"]
        ),
    )  # fmt: skip
    if isinstance(verdict, CodeRefusal):
        return verdict
    numbers = {
        "version": 1, "outcome": verdict.outcome, "issuer": verdict.issuer, "kid": verdict.kid,
        "terminalNo": verdict.key.terminal_no, "batchNo": verdict.key.batch_no,
        "seqNo": verdict.key.seq_no, "minorAmount": verdict.minor_amount,
        "answeredAt": verdict.answered_at,
    }  # fmt: skip
    return _fields(numbers, case) or verdict.outcome.name


def _t1(text: str, case: Case) -> str:
    context = case["context"]
    digits = totp.read(text)
    holder = None
    if not isinstance(digits, CodeRefusal) and digits.alias in context["aliases"]:
        holder = totp.AliasHolder(
            CodeDevice(UUID(int=0), is_revoked=False, uses=frozenset(Use)),
            bytes.fromhex(context["aliases"][digits.alias]),
            totp.WRONG_TOTPS_MAXIMUM if digits.alias in context.get("locked", []) else 0,
        )
    verdict = totp.verify(
        text, holder, issuers=context["issuers"], now=case["now"], use=Use(case["use"])
    )
    return verdict if isinstance(verdict, CodeRefusal) else "ACCEPTED"


def _hkdf(text: str, case: Case) -> str:
    context = case["context"]
    school_key, device_id = bytes.fromhex(context["schoolKey"]), UUID(context["deviceId"])
    key = totp.derive_key(school_key, device_id, context["version"])
    return "ACCEPTED" if key.hex() == text else "T1_KEY_WRONG"


def _water(text: str, case: Case) -> str:
    context = case["context"]
    slot = water.Slot(context["group"], context["unit"], context["slotStart"], 0)
    expected = water.code(bytes.fromhex(context["key"]), slot, context["seq"])
    return "ACCEPTED" if expected == text else "CODE8_WRONG"


def _key(text: str, case: Case) -> str:
    return "ACCEPTED" if is_registrable(bytes.fromhex(text)) else "DEVICE_KEY_INVALID"


def _signature(text: str, case: Case) -> str:
    key, message = (bytes.fromhex(case["context"][name]) for name in ("publicKey", "message"))
    return "ACCEPTED" if verifies(key, message, bytes.fromhex(text)) else "SIGNATURE"


def _record(text: str, case: Case) -> str:
    context, raw = case["context"], bytes.fromhex(text)
    numbers = [int.from_bytes(raw[start:end]) for start, end in pairwise(_RECORD_FIELDS)]
    issuer, terminal_no, batch_no, seq_no, *facts = numbers
    key = RequestKey(terminal_no, batch_no, seq_no)
    texts = context["presented"], context.get("challenge") or ""
    kind, created_at, minor_amount, parameters_version, deny_version, clock_state = facts
    record = offline.Record(
        issuer, key, kind, created_at, minor_amount, parameters_version, deny_version,
        clock_state, *texts,
    )  # fmt: skip
    start = offline.first_link(issuer, terminal_no, batch_no)
    previous = bytes.fromhex(context.get("previous") or start.hex())
    item = offline.Item(record, bytes.fromhex(context["itemSignature"]), previous=previous)
    (linked,) = offline.link_all(start, [item])
    good = linked.is_signed_by({1: bytes.fromhex(context["publicKey"])})
    return "ACCEPTED" if good and linked.packed == raw else "RECORD_SIGNATURE"


def _request(text: str, case: Case) -> str:
    context, nonces = case["context"], signature.Nonces()
    keys = {}
    for one in context["terminals"]:
        key_id = KeyId(one["issuer"], one["terminalNo"], one["keyNo"])
        key = bytes.fromhex(one["publicKey"])
        keys[key_id] = signature.TerminalKey(key, one.get("locked", False))
    request = signature.Request("POST", "/graphql", context["headers"], text.encode())
    read = signature.read(request)
    if isinstance(read, signature.SignatureRefusal):
        return read
    for nonce in context.get("nonces", []):
        nonces.take(read.key_id, urlsafe_b64decode(nonce + "=="))
    verdict = signature.verify(request, keys.get, nonces, case["now"])
    if isinstance(verdict, signature.SignatureRefusal):
        return verdict
    asked = json.loads(text)["variables"]["input"]["key"]
    same = (asked["batchNo"], asked["seqNo"]) == verdict.key[1:]
    return "ACCEPTED" if same else signature.SignatureRefusal.KEY_MISMATCH


_VERDICTS: dict[str, Callable[[str, Case], str]] = {
    "CC1": _cc1, "CCQ": _ccq, "CCR": _ccr, "T1": _t1, "HKDF": _hkdf, "WATER": _water,
    "KEY": _key, "SIGNATURE": _signature, "RECORD": _record, "REQUEST": _request,
}  # fmt: skip


def judge(case: Case) -> str:
    """The verdict of `terminals` on a case; a body is judged as sent, other texts stripped."""
    text = case["text"] if case["type"] == "REQUEST" else strip(case["text"])
    return str(_VERDICTS[case["type"]](text, case))
