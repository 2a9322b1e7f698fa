"""The diary of a day, read once: what went over the counters, and who knew what when."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bff.fleet.diary import Key, Line, key_of


class Means(StrEnum):
    """What a customer paid with."""

    CODE = "CODE"
    CARD = "CARD"
    RECEIPT = "RECEIPT"
    """Of what the phone paid by the code that the till showed."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when something was under way, in Unix seconds."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Goods:
    """Something that went over the counter; fen. `ahead`: by a till an hour fast or more.

    `span` is from when the till was asked until it was handed over.
    """

    key: Key
    minor: int
    holder: str
    code: str
    offline: bool
    ahead: bool
    means: Means
    span: Span


@dataclass(frozen=True, slots=True)
class Water:
    """Water that ran: so many units are on the disk for certain, so many ran at most."""

    key: Key
    holder: str
    low: int
    high: int
    alone: bool = False
    clock_lost: bool = False


@dataclass
class Day:
    """The diary, read once."""

    tills: int
    opening: Mapping[str, int]
    goods: dict[Key, Goods] = field(default_factory=dict)
    twice: list[Key] = field(default_factory=list)
    heard: dict[Key, list[tuple[str, str | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    water: list[Water] = field(default_factory=list)
    scanned: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """The tills that were ever shown a code, whatever came of it."""
    undone: dict[Key, Key] = field(default_factory=dict)
    """Sales that were undone alone, and the key of the record that says so."""
    lost: set[Key] = field(default_factory=set)
    closed: dict[tuple[int, int], Line] = field(default_factory=dict)
    reports: dict[tuple[Means, str], Span] = field(default_factory=dict)
    """Which phones and cards were lost, by their holder, and while when the server was told so."""
    beats: dict[int, list[Span]] = field(default_factory=lambda: defaultdict(list))
    """When a till heard what is new, and the server heard that it had."""
    careless: set[int] = field(default_factory=set)
    """Tills whose disk forgot the list of what is lost."""
    keys: dict[int, int] = field(default_factory=dict)
    """The number of the key that a device has taken for its own last."""
    changed_passes: list[str] = field(default_factory=list)
    """Whose phone has another pass for the hours that run, though only the next ones need it."""
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @classmethod
    def of(cls, lines: Iterable[Line], tills: int, opening: Mapping[str, int]) -> "Day":
        """What the lines say; `opening` are the balances by cardholder."""
        day = cls(tills, opening)
        for line in lines:
            day._take_sale(line)
            day._take_news(line)
        return day

    def _take_sale(self, line: Line) -> None:
        match line["t"]:
            case "goods":
                made = Goods(
                    key_of(line), line["minor"], line["holder"], line["code"], line["offline"],
                    line["ahead"], Means(line["means"]), Span(line["since"], line["until"]),
                )  # fmt: skip
                if made.key in self.goods:
                    self.twice.append(made.key)
                self.goods[made.key] = made
            case "water":
                self.water.append(
                    Water(key_of(line), line["holder"], line["low"], line["high"], line["alone"],
                          line["clockLost"])
                )  # fmt: skip
            case "asked":
                self.scanned[line["code"]].add(line["till"])
            case "undone":
                self.undone[key_of(line)] = Key(line["till"], line["batch"], line["void"])
            case "judged":
                self.heard[key_of(line)].append((line["verdict"], line["reason"]))
            case "lost":
                self.lost.add(key_of(line))
            case "closed":
                self.closed[line["till"], line["batch"]] = line

    def _take_news(self, line: Line) -> None:
        match line["t"]:
            case "reported":
                what = Means(line["means"]), line["holder"]
                self.reports[what] = Span(line["since"], line["until"])
            case "beat":
                self.beats[line["till"]].append(Span(line["since"], line["until"]))
            case "careless":
                self.careless.add(line["till"])
            case "rotated":
                self.keys[line["till"]] = line["keyNo"]
            case "passes":
                self.changed_passes += [] if line["kept"] else [line["holder"]]
            case "custom" | "fault":
                self.counts[line["t"]][line["name"]] += 1
            case "refused":
                self.counts["refused"][line["said"]] += 1

    @property
    def records(self) -> dict[Key, Goods]:
        """What was taken offline and is still on a disk."""
        return {
            key: made for key, made in self.goods.items() if made.offline and key not in self.lost
        }

    @property
    def kept(self) -> dict[Key, Goods]:
        """What somebody has to pay: not what was undone, or taken by what was known to be lost."""
        return {
            key: made
            for key, made in self.goods.items()
            if key not in self.undone and not self.knew_lost(made)
        }

    def knew_lost(self, made: Goods) -> bool:
        """Whether the till had said that it knows of the loss, before it took the phone or card."""
        loss = self.reports.get((made.means, made.holder))
        return loss is not None and any(
            loss.until < beat.since and beat.until <= made.span.since
            for beat in self.beats[made.key.till]
        )
