"""The operating-system account that embedded servers run as, and the directories it can enter."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

ROOTS_FOLDER = Path("/var/lib/campus-card")
"""Where root keeps what `nobody` must reach when checkout or wheels lie in a private folder."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom servers run as; both are None when that is ourselves."""

    user: int | None = None
    group: int | None = None

    @property
    def groups(self) -> tuple[int, ...] | None:
        """The further groups for `subprocess`: none at all for an account that is not ours."""
        return None if self.user is None else ()

    def reaches(self, path: Path) -> bool:
        """Whether this account can enter every directory above `path`."""
        return self.user is None or all(
            parent.stat().st_mode & 0o001 for parent in path.resolve().parents if parent.exists()
        )


def server_account() -> Account:
    """Ourselves, or `nobody` when we are root, as whom PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def home_for(preferred: Path) -> Path:
    """`preferred`, or a folder of that name elsewhere if the servers could not enter it."""
    if server_account().reaches(preferred):
        return preferred
    return roots_folder() / preferred.name


def roots_folder() -> Path:
    """`ROOTS_FOLDER`, made if needed; everybody may enter it, whatever the umask."""
    ROOTS_FOLDER.mkdir(parents=True, exist_ok=True)
    ROOTS_FOLDER.chmod(0o755)
    return ROOTS_FOLDER
