"""The report: one row for each expectation, as Markdown, HTML or JSON."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment

from bff.conformance.contract import Json
from bff.conformance.evidence import Event
from bff.conformance.expectations import PAGE, Judged, Mark
from bff.conformance.steps import Part
from bff.conformance.words import Text
from bff.settings import Language

TITLE = Text("终端验收报告", "What your terminal did")
MARKS = {
    Mark.RIGHT: Text("通过", "right"),
    Mark.WRONG: Text("不通过", "wrong"),
    Mark.UNSEEN: Text("未验证", "not seen"),
}
_HEADS = (
    Text("结果", "Result"),
    Text("检查项", "Row"),
    Text("章节", "Section"),
    Text("应当", "Expected"),
    Text("实际", "Seen"),
    Text("怎么改", "What to do"),
)
SUFFIXES = (".md", ".html", ".json")
_TEMPLATE = Path(__file__).parents[1] / "pages" / "conformance_report.html"


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one run that began at `begun_at`."""

    rows: Sequence[Judged]
    without: Collection[Part]
    begun_at: datetime
    events: Sequence[Event]

    @property
    def counts(self) -> Counter[Mark]:
        """How many rows have each mark."""
        return Counter(row.finding.mark for row in self.rows)

    @property
    def is_passed(self) -> bool:
        """Whether every row is right; one that nothing was seen of is not."""
        return all(row.finding.mark is Mark.RIGHT for row in self.rows)

    def summary(self) -> Text:
        """One line."""
        right, wrong, unseen = (self.counts[mark] for mark in (Mark.RIGHT, Mark.WRONG, Mark.UNSEEN))
        without = ", ".join(sorted(part.value for part in self.without))
        zh = f"{right} 项通过，{wrong} 项不通过，{unseen} 项未验证"
        en = f"{right} right, {wrong} wrong, {unseen} not seen"
        if without:
            return Text(f"{zh}；未含：{without}", f"{en}; without: {without}")
        return Text(zh, en)

    def write(self, suffix: str, language: Language) -> str:
        """The report as a file of this suffix has it; JSON has both languages."""
        match suffix:
            case ".json":
                return json.dumps(self.facts(), ensure_ascii=False, indent=2) + "\n"
            case ".html":
                return self.html(language)
            case _:
                return self.markdown(language)

    def facts(self) -> Json:
        """For machines."""
        return {
            "version": 1,
            "begunAt": self.begun_at.isoformat(),
            "passed": self.is_passed,
            "without": sorted(part.value for part in self.without),
            "counts": {mark.value: self.counts[mark] for mark in Mark},
            "rows": [
                {
                    "id": row.expectation.id,
                    "page": PAGE,
                    "section": row.expectation.section,
                    "mark": row.finding.mark.value,
                    "expected": row.expectation.expected._asdict(),
                    "seen": row.finding.seen._asdict(),
                    "remedy": row.expectation.remedy._asdict(),
                }
                for row in self.rows
            ],
            "requests": [_request(event) for event in self.events],
        }

    def markdown(self, language: Language) -> str:
        """For people, as text."""
        lines = [
            f"# {TITLE.said(language)}",
            "",
            f"{self.begun_at:%Y-%m-%d %H:%M} UTC · {self.summary().said(language)}",
            "",
            _line(head.said(language) for head in _HEADS),
            _line("---" for _ in _HEADS),
            *(_line(cells(row, language)) for row in self.rows),
        ]
        return "\n".join(lines) + "\n"

    def html(self, language: Language) -> str:
        """For people, as a page."""
        template = Environment(autoescape=True).from_string(_TEMPLATE.read_text("utf-8"))
        return template.render(
            language=language,
            title=TITLE.said(language),
            line=f"{self.begun_at:%Y-%m-%d %H:%M} UTC · {self.summary().said(language)}",
            heads=[head.said(language) for head in _HEADS],
            rows=[(row.finding.mark.value, cells(row, language)) for row in self.rows],
        )


def cells(row: Judged, language: Language) -> tuple[str, ...]:
    """The cells of a row; what to do stands only where something is to be done."""
    expectation, finding = row.expectation, row.finding
    is_wrong = finding.mark is Mark.WRONG
    return (
        MARKS[finding.mark].said(language),
        expectation.id,
        f"{expectation.section}",
        expectation.expected.said(language),
        printable(finding.seen.said(language)),
        expectation.remedy.said(language) if is_wrong else "",
    )


def printable(text: str) -> str:
    """The text without what would move a cursor: parts of it came from the terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _request(event: Event) -> Json:
    """One request, without its input: a report may be passed on."""
    return {
        "step": event.step,
        "operation": event.operation or None,
        "key": event.key.text() if event.key else None,
        "fault": event.fault.value if event.fault else None,
        "refusal": printable(event.refusal) if event.refusal else None,
        "outcome": event.outcome.name if event.outcome else None,
        "response": event.response,
    }


def _line(texts: Iterable[str]) -> str:
    escaped = (text.replace("\\", "\\\\").replace("|", "\\|") for text in texts)
    return f"| {' | '.join(escaped)} |"
