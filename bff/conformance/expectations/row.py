"""One expectation of the documentation: what it asks, and the check that can fail."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bff.conformance.evidence import Evidence
from bff.conformance.steps import Done, Kind, Part, Shown
from bff.conformance.words import Text

PAGE = "docs/terminals.md"


class Mark(StrEnum):
    """What came of an expectation; UNSEEN is no success: nothing was seen that could prove it."""

    RIGHT = "RIGHT"
    WRONG = "WRONG"
    UNSEEN = "UNSEEN"


@dataclass(frozen=True, slots=True)
class Finding:
    """A mark, and what was seen."""

    mark: Mark
    seen: Text


Check = Callable[[Evidence], Finding]
"""Looks at what was seen of one expectation."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """`section` is that of docs/terminals.md; `remedy` is what to do if it is not met."""

    id: str
    section: int
    expected: Text
    remedy: Text
    judge: Check
    part: Part | None = None
    kinds: frozenset[Kind] = frozenset({Kind.TILL})


@dataclass(frozen=True, slots=True)
class Judged:
    """An expectation with what was found."""

    expectation: Expectation
    finding: Finding


def right(zh: str, en: str) -> Finding:
    """Met."""
    return Finding(Mark.RIGHT, Text(zh, en))


def wrong(zh: str, en: str) -> Finding:
    """Broken."""
    return Finding(Mark.WRONG, Text(zh, en))


def unseen(zh: str = "未走到这一步", en: str = "The play did not come to it") -> Finding:
    """Not tried, so not proven."""
    return Finding(Mark.UNSEEN, Text(zh, en))


def found(is_met: bool, zh: str, en: str) -> Finding:
    """Met or broken, with what was seen."""
    return right(zh, en) if is_met else wrong(zh, en)


_SHOWN = {
    Shown.PAID: Text("显示已付", "showed it as paid"),
    Shown.NOT_PAID: Text("显示未付", "showed it as not paid"),
    Shown.UNKNOWN: Text("显示结果未知", "showed the outcome as unknown"),
}


def screen(evidence: Evidence, step: str) -> Text:
    """What staff saw on the screen, in words."""
    word = evidence.words.get(step)
    return _SHOWN[Shown(word)] if word in tuple(Shown) else Text("没有显示", "showed nothing")


_DONE = {
    Done.DONE: Text("显示已办成", "showed it as done"),
    Done.REFUSED: Text("显示被拒绝", "showed it as refused"),
    Done.UNKNOWN: Text("显示结果未知", "showed the outcome as unknown"),
}


def done(evidence: Evidence, step: str) -> Text:
    """What staff saw on the screen of a hold, a capture or a refund, in words."""
    word = evidence.words.get(step)
    return _DONE[Done(word)] if word in tuple(Done) else Text("没有显示", "showed nothing")


def agrees(evidence: Evidence, step: str) -> Finding:
    """Whether the screen said of a sale what the books have of it in the end."""
    if step not in evidence.over or not evidence.sales(step):
        return unseen()
    code, word = evidence.codes[step], evidence.words.get(step)
    paid = any(
        each.is_paid and each.presented == code for each in evidence.books.purchases.values()
    )
    seen = screen(evidence, step)
    books = Text("账上已扣款", "the money moved") if paid else Text("账上未扣款", "none moved")
    zh, en = f"{seen.zh}，{books.zh}", f"It {seen.en}; {books.en}"
    return found((word == Shown.PAID) == paid, zh, en)
