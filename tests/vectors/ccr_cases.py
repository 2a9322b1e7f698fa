"""CCR: the terminal's order of codes.md 6, and each outcome."""

from collections.abc import Iterator
from typing import Any

from tests.vectors import curve, published
from tests.vectors.case import Case, case
from tests.vectors.ccq_cases import ANSWER_KEY
from tests.vectors.forms import EDGE_SEED, OTHER_SEED, Answer, key

ANSWERED = 1_800_003_603
OUTSTANDING = {
    "batchNo": 12, "seqNo": 345, "amount": 1250, "createdAt": 1_800_003_590, "life": 120
}  # fmt: skip
EDGE_KEY = key(EDGE_SEED, 3, "EDGE", siteNo=5)
_AT_EDGE = Answer(kid=3, seed=EDGE_SEED)


def ccr(
    id_: str,
    expected: str,
    answer: Answer | str = published.VECTOR_4,
    *,
    fields: dict[str, int] | None = None,
    **context: Any,
) -> Case:
    """The verdict on an answer, with members of the context added or replaced."""
    text = answer if isinstance(answer, str) else answer.text()
    known = {
        "keys": [ANSWER_KEY], "mine": {"issuer": 0, "terminalNo": 42}, "outstanding": OUTSTANDING
    } | context  # fmt: skip
    return case(f"ccr-{id_}", "CCR", expected, text, now=ANSWERED, context=known, fields=fields)


def outcomes() -> Iterator[Case]:
    """Each outcome, as an answer and as a receipt."""
    fields = {
        "version": 1, "outcome": 1, "issuer": 0, "kid": 2, "terminalNo": 42, "batchNo": 12,
        "seqNo": 345, "minorAmount": 1250, "answeredAt": ANSWERED,
    }  # fmt: skip
    yield ccr("vector-4", "APPROVED", fields=fields)
    yield ccr("vector-4-as-a-receipt", "APPROVED", scanned=True)
    for number, (name, code) in enumerate(
        [("APPROVED", b"00"), ("DECLINED", b"51"), ("VOIDED", b"00"), ("PIN_REQUIRED", b"70"),
         ("IN_PROGRESS", b"09")], start=1,
    ):  # fmt: skip
        answer = Answer(outcome=number, code=code, reference=b"0" * 12)
        for scanned in (False, True):
            yield ccr(f"{name}-{'receipt' if scanned else 'answer'}", name, answer,
                      scanned=scanned, fields=fields | {"outcome": number})  # fmt: skip
        if number > 1:
            yield ccr(f"{name}-of-another-amount", name, answer.but(amount=9))
    yield ccr("letters-in-the-code", "DECLINED", Answer(outcome=2, code=b"C0", reference=b"Z" * 12))


def other_numbers() -> Iterator[Case]:
    """An answer whose every field is another number."""
    answer = Answer(
        outcome=3, issuer=0xFEDC, kid=0xBA, terminal_no=0x98765432, batch_no=0xF1E2D3,
        seq_no=0xC4B5A6, amount=0x89ABCDEF, answered_at=0xF1234567, code=b"Z9",
        reference=b"0123456789AZ",
    )  # fmt: skip
    numbers = {
        "outcome": 3, "issuer": answer.issuer, "kid": answer.kid, "terminalNo": answer.terminal_no,
        "batchNo": answer.batch_no, "seqNo": answer.seq_no, "minorAmount": answer.amount,
        "answeredAt": answer.answered_at,
    }  # fmt: skip
    ours = ANSWER_KEY | {"issuer": answer.issuer, "kid": answer.kid, "signUntil": 0xFFFFFFFF}
    yield ccr(
        "every-field-another-number", "VOIDED", answer, fields=numbers, keys=[ours],
        mine={"issuer": answer.issuer, "terminalNo": answer.terminal_no},
        outstanding=OUTSTANDING | {"batchNo": answer.batch_no, "seqNo": answer.seq_no},
    )  # fmt: skip


def forms() -> Iterator[Case]:
    """FORMAT, VERSION, MALFORMED."""
    text = published.VECTOR_4
    for name, bad in {
        "empty": "", "short": text[:-1], "long": text + "0", "prefix": "CCQ:" + text[4:],
        "lower-case": text[:4] + text[4:].lower(), "overflow": "CCR::::" + text[7:],
        "two-returns": text + "\r\r", "space-at-the-end": text + " ",
    }.items():  # fmt: skip
        yield ccr(f"format-{name}", "FORMAT", bad)
    yield ccr("strip-one-return", "APPROVED", text + "\r")
    for version in (0, 2):
        yield ccr(f"version-{version}", "VERSION", Answer(version=version))
    for outcome in (0, 6, 15):
        yield ccr(f"outcome-{outcome}", "MALFORMED", Answer(outcome=outcome))
    malformed: dict[str, dict[str, Any]] = {
        "lower-case": {"code": b"c0"}, "space": {"code": b"0 "}, "colon": {"code": b":0"},
        "slash": {"code": b"0/"}, "at": {"reference": b"@" + b"0" * 11},
        "bracket": {"reference": b"0" * 11 + b"["}, "newline": {"reference": b"0" * 11 + b"\n"},
        "null": {"reference": bytes(12)}, "high-bit": {"reference": b"0" * 11 + b"\xb2"},
    }  # fmt: skip
    for name, words in malformed.items():
        yield ccr(f"malformed-{name}", "MALFORMED", Answer(**words))


def keys() -> Iterator[Case]:
    """KEY_UNKNOWN and SIGNATURE."""
    changes: list[tuple[str, dict[str, Any], str]] = [
        ("kid", {"kid": 4}, "KEY_UNKNOWN"), ("issuer", {"issuer": 1}, "KEY_UNKNOWN"),
        ("pass", {"use": "PASS"}, "KEY_UNKNOWN"), ("document", {"use": "DOCUMENT"}, "KEY_UNKNOWN"),
        ("signfrom-edge", {"signFrom": ANSWERED}, "APPROVED"),
        ("signfrom-one-second-beyond", {"signFrom": ANSWERED + 1}, "KEY_UNKNOWN"),
        ("signuntil-edge", {"signUntil": ANSWERED}, "APPROVED"),
        ("signuntil-one-second-beyond", {"signUntil": ANSWERED - 1}, "KEY_UNKNOWN"),
        ("dropafter-is-no-matter", {"dropAfter": 0}, "APPROVED"),
    ]  # fmt: skip
    for name, change, expected in changes:
        yield ccr(f"key-{name}", expected, keys=[ANSWER_KEY | change])
    yield ccr("key-none", "KEY_UNKNOWN", keys=[])
    both = [ANSWER_KEY, EDGE_KEY]
    yield ccr("own-edge", "APPROVED", _AT_EDGE, keys=both, siteNo=5)
    yield ccr("edge-of-another-site", "KEY_UNKNOWN", _AT_EDGE, keys=both, siteNo=6)
    yield ccr("edge-at-a-terminal-without-site", "KEY_UNKNOWN", _AT_EDGE, keys=both)
    for site in (-1, 1):
        near = [EDGE_KEY | {"siteNo": 5 + site}]
        yield ccr(f"edge-of-site-{5 + site}", "KEY_UNKNOWN", _AT_EDGE, keys=near, siteNo=5)
    yield ccr("edge-too-early", "KEY_UNKNOWN", _AT_EDGE,
              keys=[EDGE_KEY | {"signFrom": ANSWERED + 1}], siteNo=5)  # fmt: skip
    yield ccr("answer-key-at-any-site", "APPROVED", keys=both, siteNo=6)
    yield ccr("edge-under-the-answer-key", "SIGNATURE", Answer(seed=EDGE_SEED), keys=both)
    yield ccr("signed-by-another", "SIGNATURE", Answer(seed=OTHER_SEED))
    hows: dict[str, dict[str, Any]] = {
        "s-plus-l": {"surplus": curve.L}, "r-plus-order-2": {"torsion": curve.TORSION[2]},
        "r-plus-order-4": {"torsion": curve.TORSION[4]}, "r-identity": {"identity": True},
    }  # fmt: skip
    for name, how in hows.items():
        yield ccr(f"signature-{name}", "SIGNATURE", Answer(how=how))


def requests() -> Iterator[Case]:
    """NOT_MINE, NOT_OUTSTANDING, AMOUNT_MISMATCH, RECEIPT_EXPIRED."""
    yield ccr("not-my-terminal", "NOT_MINE", Answer(terminal_no=43))
    yield ccr("not-my-issuer", "NOT_MINE", mine={"issuer": 1, "terminalNo": 42})
    yield ccr("another-batch", "NOT_OUTSTANDING", Answer(batch_no=13))
    yield ccr("another-sequence", "NOT_OUTSTANDING", Answer(seq_no=346))
    yield ccr("a-fen-more", "AMOUNT_MISMATCH", Answer(amount=1251))
    yield ccr("a-fen-less", "AMOUNT_MISMATCH", Answer(amount=1249))
    created = OUTSTANDING["createdAt"]
    for offset, expected in [
        (-16, "RECEIPT_EXPIRED"), (-15, "APPROVED"), (135, "APPROVED"), (136, "RECEIPT_EXPIRED")
    ]:  # fmt: skip
        answer = Answer(answered_at=created + offset)
        yield ccr(f"receipt-at-{offset}", expected, answer, scanned=True)
        yield ccr(f"answer-at-{offset}", "APPROVED", answer)
    for offset, expected in [
        (-1, "RECEIPT_EXPIRED"), (0, "APPROVED"), (120, "APPROVED"), (121, "RECEIPT_EXPIRED")
    ]:  # fmt: skip
        answer = Answer(answered_at=created + offset)
        yield ccr(f"receipt-without-skew-at-{offset}", expected, answer, scanned=True, skew=0)
    always = [ANSWER_KEY | {"signFrom": 0, "signUntil": 0xFFFFFFFF}]
    for answered, asked in [(0, 0xFFFFFFFF), (0xFFFFFFFF, 0)]:
        yield ccr(f"receipt-of-{answered}-for-{asked}", "RECEIPT_EXPIRED",
                  Answer(answered_at=answered), scanned=True, keys=always,
                  outstanding=OUTSTANDING | {"createdAt": asked})  # fmt: skip
    yield ccr("declined-receipt-expires-too", "RECEIPT_EXPIRED",
              Answer(outcome=2, answered_at=created + 136), scanned=True)  # fmt: skip


def order() -> Iterator[Case]:
    """An answer of which every remaining check fails, put right one by one."""
    wrong: dict[str, Any] = {
        "version": 2, "code": b"c0", "seed": OTHER_SEED, "answered_at": ANSWERED + 999,
        "terminal_no": 43, "seq_no": 346, "amount": 1,
    }  # fmt: skip
    around: dict[str, Any] = {"keys": [], "scanned": True}
    yield ccr("order-FORMAT", "FORMAT", Answer(**wrong).text()[:-1], **around)
    rungs: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("VERSION", {"version": 1}, {}), ("MALFORMED", {"code": b"00"}, {}),
        ("KEY_UNKNOWN", {}, {"keys": [ANSWER_KEY]}), ("SIGNATURE", {"seed": Answer().seed}, {}),
        ("NOT_MINE", {"terminal_no": 42}, {}), ("NOT_OUTSTANDING", {"seq_no": 345}, {}),
        ("AMOUNT_MISMATCH", {"amount": 1250}, {}), ("RECEIPT_EXPIRED", {}, {"scanned": False}),
        ("APPROVED", {}, {}),
    ]  # fmt: skip
    for expected, repair, repaired in rungs:
        yield ccr(f"order-{expected}", expected, Answer(**wrong), **around)
        wrong |= repair
        around |= repaired


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (outcomes, other_numbers, forms, keys, requests, order):
        yield from family()
