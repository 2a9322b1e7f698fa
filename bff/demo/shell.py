"""What a second window needs to meet the running demo: a file of shell variables."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bff.demo.people import visitor
from bff.demo.place import Memory, Place
from bff.demo.servers import Running, Stores
from bff.demo.story import PIN

CASH_SCHOOL = "stone-bridge"
"""A school whose policy takes cash at the window."""


@contextmanager
def shell_file(place: Place, data: Stores, running: Running, memory: Memory) -> Iterator[Path]:
    """The file beside the data, for `. FILE`; only its owner reads it, and only for the time."""
    guest = visitor(memory)
    (cashier,) = (
        each for each in memory.staff if (each.school_code, each.login) == (CASH_SCHOOL, "cashier")
    )
    _write(
        place.shell_file,
        {
            "BFF_ENVIRONMENT": "development",
            "BFF_DATABASE_URL": data.app_url,
            "BFF_OWNER_DATABASE_URL": data.owner_url,
            "BFF_REDIS_URL": data.redis_url,
            "BFF_KEYS_FILE": str(place.keys),
            "DEMO_URL": running.url,
            "DEMO_SANDBOX": running.outside.url,
            "BFF_PUBLIC_URL": running.url,
            "DEMO_PHONE": str(place.phone),
            "DEMO_PHONE_PIN": PIN,
            "DEMO_EMAIL": guest.email or "",
            "DEMO_NAME": guest.name,
            "DEMO_NUMBER": guest.number,
            "DEMO_PIN": (guest.id_number or "")[-6:],
            "DEMO_PASSWORD": cashier.password,
            "DEMO_CASHIER_TOTP": cashier.totp_secret,
        },
    )
    try:
        yield place.shell_file
    finally:
        place.shell_file.unlink(missing_ok=True)


def _write(path: Path, variables: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    lines = (f"export {name}={shlex.quote(text)}\n" for name, text in variables.items())
    fresh.write_text("".join(lines), "utf-8")
    fresh.replace(path)
