"""Where the tree's files are; every rule takes the root, so that it can be tried elsewhere."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("core", "terminals", "adapters", "schema", "bff", "clients")
_FOREIGN = {"__pycache__", "node_modules", "vendor"}


def own_files(root: Path, *folders: str, suffix: str) -> Iterator[Path]:
    """Files below the given folders, sorted, without caches and vendored assets."""
    for folder in folders:
        for path in sorted((root / folder).rglob(f"*{suffix}")):
            if path.is_file() and not _FOREIGN & set(path.relative_to(root).parts):
                yield path


def plant(root: Path, files: dict[str, str]) -> Path:
    """Write a tiny tree of `files` (path to text) below `root`, and return `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
