"""CCQ: the server's order of codes.md 5 up to CHALLENGE_EXPIRED, the last that needs no rows."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

from tests.vectors import curve, published
from tests.vectors.case import Case, case
from tests.vectors.forms import (
    ANSWER_SEED,
    OTHER_SEED,
    TERMINAL_SEED,
    Challenge,
    key,
    public,
)

NOW = 1_800_003_600
TERMINAL = {"issuer": 0, "terminalNo": 42, "keyNo": 1, "publicKey": public(TERMINAL_SEED).hex()}
VIRTUAL = {"issuer": 0, "terminalNo": 7}
"""The virtual terminal of a merchant has no key of its own."""
ANSWER_KEY = key(ANSWER_SEED, 2, "ANSWER")
PRINT = Challenge(
    purpose=3, key_no=2, terminal_no=7, batch_no=0, seq_no=5, created_at=1_800_000_000, life=0,
    seed=ANSWER_SEED,
)  # fmt: skip
ENTRY = Challenge(purpose=2, amount=0)
_FIELDS = {
    "version": 1, "purpose": 1, "issuer": 0, "keyNo": 1, "terminalNo": 42, "batchNo": 12,
    "seqNo": 345, "createdAt": 1_800_003_590, "life": 120, "minorAmount": 1250,
}  # fmt: skip


def ccq(
    id_: str,
    expected: str,
    asked: Challenge | str = published.VECTOR_2,
    *,
    now: int = NOW,
    use: str = "P",
    fields: dict[str, int] | None = None,
    **context: Any,
) -> Case:
    """The verdict on a challenge, with members of the context added or replaced."""
    text = asked if isinstance(asked, str) else asked.text()
    known = {"issuers": [0], "keys": [ANSWER_KEY], "terminals": [TERMINAL, VIRTUAL]} | context
    return case(f"ccq-{id_}", "CCQ", expected, text, now=now, use=use, context=known, fields=fields)


def url(raw: bytes, before: str = "https://card.example.edu.cn/m#") -> str:
    """A print as a URL."""
    return before + urlsafe_b64encode(raw).decode()


def forms() -> Iterator[Case]:
    """FORMAT, VERSION, MALFORMED."""
    text = published.VECTOR_2
    yield ccq("vector-2", "ACCEPTED", fields=_FIELDS)
    for name, bad in {
        "empty": "", "short": text[:-1], "long": text + "0", "prefix": "CC1:" + text[4:],
        "lower-case": text[:4] + text[4:].lower(), "overflow": "CCQ::::" + text[7:],
        "two-newlines": text + "\n\n", "unknown-character": "CCQ:?" + text[5:],
    }.items():  # fmt: skip
        yield ccq(f"format-{name}", "FORMAT", bad)
    yield ccq("strip-one-newline", "ACCEPTED", text + "\r\n")
    for version in (0, 2):
        yield ccq(f"version-{version}", "VERSION", Challenge(version=version))
    malformed = {
        "purpose-0": Challenge(purpose=0), "purpose-4": Challenge(purpose=4),
        "purpose-0-like-a-print": PRINT.but(purpose=0),
        "purpose-4-like-a-print": PRINT.but(purpose=4),
        "seq-0": Challenge(seq_no=0), "seq-1000000": Challenge(seq_no=1_000_000),
        "batch-0": Challenge(batch_no=0), "batch-1000000": Challenge(batch_no=1_000_000),
        "life-0": Challenge(life=0), "amount-0": Challenge(amount=0),
        "entry-amount": ENTRY.but(amount=1), "entry-life-0": ENTRY.but(life=0),
        "entry-batch-0": ENTRY.but(batch_no=0), "print-batch": PRINT.but(batch_no=1),
        "print-life": PRINT.but(life=1), "print-seq-0": PRINT.but(seq_no=0),
    }  # fmt: skip
    for name, asked in malformed.items():
        yield ccq(f"malformed-{name}", "MALFORMED", asked)
    for name, asked in {
        "seq-1": Challenge(seq_no=1), "seq-999999": Challenge(seq_no=999_999),
        "batch-1": Challenge(batch_no=1), "batch-999999": Challenge(batch_no=999_999),
        "life-255": Challenge(life=255), "amount-most": Challenge(amount=0xFFFFFFFF),
    }.items():  # fmt: skip
        yield ccq(f"edge-{name}", "ACCEPTED", asked)


def other_numbers() -> Iterator[Case]:
    """A challenge whose every field is another number."""
    asked = Challenge(
        issuer=0xFEDC, key_no=0xBA, terminal_no=0x98765432, batch_no=0x0AF10B, seq_no=0x0D0304,
        created_at=0xF1234567, life=0xE9, amount=0x89ABCDEF,
    )  # fmt: skip
    terminal = {
        "issuer": asked.issuer, "terminalNo": asked.terminal_no, "keyNo": asked.key_no,
        "publicKey": public(TERMINAL_SEED).hex(),
    }  # fmt: skip
    numbers = {
        "issuer": asked.issuer, "keyNo": asked.key_no, "terminalNo": asked.terminal_no,
        "batchNo": asked.batch_no, "seqNo": asked.seq_no, "createdAt": asked.created_at,
        "life": asked.life, "minorAmount": asked.amount,
    }  # fmt: skip
    yield ccq("every-field-another-number", "ACCEPTED", asked, now=asked.created_at,
              fields=_FIELDS | numbers, issuers=[asked.issuer], terminals=[terminal])  # fmt: skip


def owners() -> Iterator[Case]:
    """ISSUER_NOT_ACCEPTED, TERMINAL_UNKNOWN, KEY_UNKNOWN, SIGNATURE."""
    other = Challenge(issuer=3)
    at_three = TERMINAL | {"issuer": 3}
    yield ccq("issuer-none", "ISSUER_NOT_ACCEPTED", issuers=[])
    yield ccq("issuer-other", "ISSUER_NOT_ACCEPTED", other, terminals=[at_three])
    yield ccq("issuer-federated", "ACCEPTED", other, issuers=[0, 3], terminals=[at_three])
    yield ccq("terminal-of-another-issuer", "TERMINAL_UNKNOWN", other, issuers=[0, 3])
    yield ccq("terminal-unknown", "TERMINAL_UNKNOWN", Challenge(terminal_no=43))
    yield ccq("terminals-none", "TERMINAL_UNKNOWN", terminals=[])
    yield ccq("key-number-unknown", "KEY_UNKNOWN", Challenge(key_no=2))
    second = TERMINAL | {"keyNo": 2, "publicKey": public(OTHER_SEED).hex()}
    both = [TERMINAL, second]
    yield ccq("key-number-next", "ACCEPTED", Challenge(key_no=2, seed=OTHER_SEED), terminals=both)
    yield ccq("key-number-before", "ACCEPTED", terminals=both)
    yield ccq("a-virtual-terminal-shows-none", "KEY_UNKNOWN", Challenge(terminal_no=7))
    yield ccq("signed-by-another", "SIGNATURE", Challenge(seed=OTHER_SEED))
    yield ccq("signed-by-the-other-key", "SIGNATURE", Challenge(key_no=2), terminals=both)
    hows: dict[str, dict[str, Any]] = {
        "s-plus-l": {"surplus": curve.L}, "r-plus-order-2": {"torsion": curve.TORSION[2]},
        "r-plus-order-8": {"torsion": curve.TORSION[8]}, "r-identity": {"identity": True},
    }  # fmt: skip
    for name, how in hows.items():
        yield ccq(f"signature-{name}", "SIGNATURE", Challenge(how=how))


def windows() -> Iterator[Case]:
    """CHALLENGE_EXPIRED: not outstanding, for its own purpose."""
    created = Challenge().created_at
    for offset, expected in [
        (-16, "CHALLENGE_EXPIRED"), (-15, "ACCEPTED"), (0, "ACCEPTED"), (135, "ACCEPTED"),
        (136, "CHALLENGE_EXPIRED"),
    ]:  # fmt: skip
        yield ccq(f"at-{offset}", expected, now=created + offset)
        yield ccq(f"entry-at-{offset}", expected, ENTRY, now=created + offset, use="E")
    for offset, expected in [
        (-4, "CHALLENGE_EXPIRED"), (-3, "ACCEPTED"), (4, "ACCEPTED"), (5, "CHALLENGE_EXPIRED"),
    ]:  # fmt: skip
        yield ccq(f"life-1-skew-3-at-{offset}", expected, Challenge(life=1), now=created + offset,
                  skew=3)  # fmt: skip
    yield ccq(
        "entry", "ACCEPTED", ENTRY, use="E", fields=_FIELDS | {"purpose": 2, "minorAmount": 0}
    )
    yield ccq("an-age-early", "CHALLENGE_EXPIRED", Challenge(created_at=0xFFFFFFFF), now=0)
    yield ccq("an-age-late", "CHALLENGE_EXPIRED", Challenge(created_at=0), now=0xFFFFFFFF)
    yield ccq("entry-pays-nothing", "CHALLENGE_EXPIRED", ENTRY)
    yield ccq("pay-opens-no-door", "CHALLENGE_EXPIRED", use="E")


def prints() -> Iterator[Case]:
    """PRINTED merchant codes: the ANSWER key, and no time but when it was printed."""
    fields = {"purpose": 3, "keyNo": 2, "terminalNo": 7, "batchNo": 0, "seqNo": 5, "life": 0}
    yield ccq("print", "ACCEPTED", PRINT,
              fields=_FIELDS | fields | {"createdAt": 1_800_000_000})  # fmt: skip
    yield ccq("print-years-later", "ACCEPTED", PRINT, now=4_000_000_000)
    yield ccq("print-before-its-date", "ACCEPTED", PRINT, now=1_700_000_000)
    yield ccq("print-any-amount", "ACCEPTED", PRINT.but(amount=0))
    yield ccq("print-as-url", "ACCEPTED", url(PRINT.raw()))
    yield ccq("print-as-url-after-a-slash", "ACCEPTED", url(PRINT.raw(), "https://c.example/"))
    yield ccq("print-as-plain-http", "FORMAT", url(PRINT.raw(), "http://c.example/"))
    yield ccq(
        "print-as-url-with-one-character-before", "FORMAT", url(PRINT.raw(), "https://c.example/x")
    )
    yield ccq("print-as-url-with-one-more", "FORMAT", url(PRINT.raw()) + "/")
    yield ccq("print-as-url-with-a-space", "FORMAT", url(PRINT.raw(), "https://c.example/ /"))
    yield ccq("print-as-url-after-a-space", "FORMAT", url(PRINT.raw(), "https://c.example/ "))
    yield ccq("print-as-url-after-a-newline", "FORMAT", url(PRINT.raw(), "https://c.example/\n"))
    yield ccq("print-as-url-strip-newline", "ACCEPTED", url(PRINT.raw()) + "\n")
    yield ccq("print-as-url-one-short", "FORMAT", url(PRINT.raw())[:-1])
    yield ccq("print-as-url-of-version-2", "VERSION", url(PRINT.but(version=2).raw()))
    yield ccq("print-as-url-malformed", "MALFORMED", url(PRINT.but(seq_no=0).raw()))
    yield ccq("pay-as-url", "FORMAT", url(Challenge().raw()))
    yield ccq("print-issuer", "ISSUER_NOT_ACCEPTED", PRINT, issuers=[1])
    yield ccq("print-of-an-unknown-terminal", "TERMINAL_UNKNOWN", PRINT, terminals=[TERMINAL])
    created = PRINT.created_at
    changes: list[tuple[str, dict[str, Any], str]] = [
        ("kid", {"kid": 3}, "KEY_UNKNOWN"), ("pass", {"use": "PASS"}, "KEY_UNKNOWN"),
        ("edge", {"use": "EDGE"}, "KEY_UNKNOWN"), ("document", {"use": "DOCUMENT"}, "KEY_UNKNOWN"),
        ("signfrom-edge", {"signFrom": created}, "ACCEPTED"),
        ("signfrom-one-second-beyond", {"signFrom": created + 1}, "KEY_UNKNOWN"),
        ("signuntil-edge", {"signUntil": created}, "ACCEPTED"),
        ("signuntil-one-second-beyond", {"signUntil": created - 1}, "KEY_UNKNOWN"),
        ("dropafter-is-no-matter", {"dropAfter": 0}, "ACCEPTED"),
    ]  # fmt: skip
    for name, change, expected in changes:
        yield ccq(f"print-key-{name}", expected, PRINT, keys=[ANSWER_KEY | change])
    yield ccq("print-signed-by-a-terminal", "SIGNATURE", PRINT.but(seed=TERMINAL_SEED))
    yield ccq("print-s-plus-l", "SIGNATURE", PRINT.but(how={"surplus": curve.L}))


def order() -> Iterator[Case]:
    """A challenge of which every remaining check fails, put right one by one."""
    wrong: dict[str, Any] = {"version": 2, "seq_no": 0, "seed": OTHER_SEED, "key_no": 9}
    around: dict[str, Any] = {"issuers": [], "terminals": [], "now": NOW + 9999}
    yield ccq("order-FORMAT", "FORMAT", Challenge(**wrong).text()[:-1], **around)
    rungs: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("VERSION", {"version": 1}, {}), ("MALFORMED", {"seq_no": 345}, {}),
        ("ISSUER_NOT_ACCEPTED", {}, {"issuers": [0]}),
        ("TERMINAL_UNKNOWN", {}, {"terminals": [TERMINAL]}),
        ("KEY_UNKNOWN", {"key_no": 1}, {}), ("SIGNATURE", {"seed": TERMINAL_SEED}, {}),
        ("CHALLENGE_EXPIRED", {}, {"now": NOW}), ("ACCEPTED", {}, {}),
    ]  # fmt: skip
    for expected, repair, repaired in rungs:
        yield ccq(f"order-{expected}", expected, Challenge(**wrong), **around)
        wrong |= repair
        around |= repaired


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (forms, other_numbers, owners, windows, prints, order):
        yield from family()
