"""Where the demo keeps its data, and what it remembers from one start to the next."""

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bff.embedded import home_for

CHECKOUT = Path(__file__).parents[2]
_MADE_FROM = ("config/schools", "core/db/migrations", "bff/demo", "bff/sample_people.py")


@dataclass(slots=True)
class StaffLogin:
    """A sandbox login of a desk; none of it is a secret outside the demo."""

    school_code: str
    login: str
    password: str
    totp_secret: str


@dataclass(slots=True)
class Memory:
    """What the population left, and how often the story was told."""

    made_from: str
    staff: list[StaffLogin] = field(default_factory=list)
    terminals: dict[str, list[int]] = field(default_factory=dict)
    plays: int = 0


class Place:
    """The folder of the demo's data: of this checkout, or of root where servers can enter it."""

    def __init__(self, folder: Path | None = None) -> None:
        wanted = folder or CHECKOUT / ".data" / "demo"
        self.folder = home_for(wanted)
        self.shell_file = wanted.with_suffix(".env")

    @property
    def keys(self) -> Path:
        """The key file."""
        return self.folder / "keys.json"

    @property
    def root(self) -> Path:
        """The root key; only a demo keeps it beside the others."""
        return self.folder / "root.json"

    @property
    def till(self) -> Path:
        """The journal of the story's till."""
        return self.folder / "till.db"

    @property
    def phone(self) -> Path:
        """The wallet of the story's phone."""
        return self.folder / "phone.json"

    @property
    def secrets(self) -> Path:
        """The folder of what the schools' files refer to, fresh at each start."""
        return self.folder / "secrets"

    def log(self, name: str) -> Path:
        """The log of a process; only its owner reads it."""
        path = self.folder / f"{name}.log"
        path.touch(mode=0o600)
        return path

    def recall(self) -> Memory | None:
        """What is remembered; None if nothing whole and made from today's sources is there."""
        try:
            facts = json.loads(self._memory.read_text("utf-8"))
            facts["staff"] = [StaffLogin(**each) for each in facts["staff"]]
            memory = Memory(**facts)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return memory if memory.made_from == made_from() else None

    def remember(self, memory: Memory) -> None:
        """Keeps it; only after this is the population whole."""
        fresh = self._memory.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(asdict(memory), ensure_ascii=False, indent=1), "utf-8")
        fresh.replace(self._memory)

    def clear(self) -> None:
        """Removes all data; the servers' account may pass through the empty folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o711)

    @property
    def _memory(self) -> Path:
        return self.folder / "demo.json"


def made_from() -> str:
    """A digest of the sources that a population depends on."""
    digest = hashlib.sha256()
    for path in _files(CHECKOUT / name for name in _MADE_FROM):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _files(places: Iterable[Path]) -> Iterable[Path]:
    for place in places:
        if place.is_file():
            yield place
        yield from sorted(
            path for path in place.rglob("*") if path.suffix in {".toml", ".sql", ".py"}
        )
