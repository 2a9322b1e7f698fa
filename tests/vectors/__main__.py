"""`make vectors`: builds the three readers, runs each over all cases and compares the verdicts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.vectors.files import FOLDER, cases

ROOT = Path(__file__).parents[2]
VERIFIERS = FOLDER.parent
BUILT = ROOT / ".data/vectors/verify"
LIBSODIUM = ROOT / ".data/vectors/libsodium"
"""An unpacked libsodium-dev, or an empty folder where the system has one."""
TOOLS = {
    "node": "Node.js 20 or newer (Debian: apt install nodejs npm; macOS: brew install node)",
    "cc": "a C compiler (Debian: apt install gcc; macOS: xcode-select --install)",
    "make": "make",
}
SHOWN_MAXIMUM = 40


def missing_tools() -> list[str]:
    """What a person has to install first."""
    return [advice for tool, advice in TOOLS.items() if shutil.which(tool) is None]


def build() -> bool:
    """Whether the C reader was compiled into `.data`."""
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    command = ["make", "--silent", "--always-make", f"OUT={BUILT}"]
    if (LIBSODIUM / "usr").is_dir():
        command.append(f"SODIUM={LIBSODIUM}")
    return subprocess.run(command, cwd=VERIFIERS / "c", check=False).returncode == 0


def commands() -> dict[str, list[str]]:
    """How each reader is started."""
    return {
        "python": [sys.executable, str(VERIFIERS / "python/verify.py")],
        "js": ["node", str(VERIFIERS / "js/verify.mjs")],
        "c": [str(BUILT)],
    }


def verdicts(command: list[str]) -> dict[str, str]:
    """What a reader says of each case; one that breaks off has said nothing of the rest."""
    paths = [str(path) for path in sorted(FOLDER.glob("*.json"))]
    run = subprocess.run([*command, *paths], stdout=subprocess.PIPE, encoding="utf-8", check=False)
    pairs = (line.split("\t") for line in run.stdout.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def main() -> int:
    """Prints every difference and the sum; 0 if there is none."""
    missing = missing_tools()
    if missing:
        print(*(f"make vectors needs {advice}" for advice in missing), sep="\n", file=sys.stderr)
        return 1
    if not build():
        print("make vectors: the C reader was not built (libsodium-dev?)", file=sys.stderr)
        return 1
    said = {name: verdicts(command) for name, command in commands().items()}
    expected = {case["id"]: case["expected"] for case in cases()}
    differences = []
    for id_, verdict in expected.items():
        others = {name: each.get(id_, "nothing") for name, each in said.items()}
        if any(other != verdict for other in others.values()):
            differences.append(f"{id_}: expected {verdict}, said {others}")
    print(*differences[:SHOWN_MAXIMUM], sep=os.linesep, end=os.linesep if differences else "")
    print(f"{len(expected)} cases, {len(said)} verifiers, {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
