"""Settings of the process: the only reader of the environment; wrong ones stop the start."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

Language = Literal["zh", "en"]


class Environment(StrEnum):
    """Where this process runs; `development` allows what production must not."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SettingsInvalid(Exception):
    """The environment does not hold good settings; `problems` names each variable, no value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """What the environment says, each under `BFF_<NAME>`; secrets print as asterisks.

    `database_url` connects as the app's role, `owner_database_url` as the role that migrates.
    `workers` is how many server processes share the rate limits. `public_url` is where browsers
    reach this deployment; without it development uses the port on this machine.
    """

    model_config = SettingsConfigDict(
        env_prefix="BFF_", frozen=True, hide_input_in_errors=True, extra="ignore"
    )

    environment: Environment = Environment.PRODUCTION
    database_url: SecretStr | None = None
    owner_database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    keys_file: Path | None = None
    port: int = Field(default=8000, ge=1, le=65_535)
    workers: int = Field(default=1, ge=1, le=64)
    public_url: str | None = Field(default=None, pattern=r"^https?://[^/?#\s]+$")
    mail_url: SecretStr | None = None
    mail_sender: str | None = None
    sms_url: str | None = None
    sms_key_id: str | None = None
    sms_secret: SecretStr | None = None

    @property
    def browser_url(self) -> str:
        """Where browsers reach us: callbacks are built from it, never from a request.

        Raises: SettingsInvalid, in production without `public_url`, or with a plain one.
        """
        plain = self.public_url is not None and not self.public_url.startswith("https://")
        if self.environment is Environment.PRODUCTION and (self.public_url is None or plain):
            raise SettingsInvalid(["BFF_PUBLIC_URL: https://… is needed in production"])
        return self.public_url or f"http://127.0.0.1:{self.port}"

    def needed(self, *names: str) -> list[str]:
        """The texts of settings that a command cannot do without, in the order asked for.

        Raises: SettingsInvalid, naming all that are missing.
        """
        values = [getattr(self, name) for name in names]
        missing = [name for name, value in zip(names, values, strict=True) if value is None]
        if missing:
            raise SettingsInvalid([f"BFF_{name.upper()}: missing" for name in missing])
        return [
            value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for value in values
        ]


def resolve_secret(reference: str) -> str:
    """The text behind `file:<path>` or `env:<name>`, as a school's file refers to it.

    Raises: OSError, LookupError.
    """
    kind, _, name = reference.partition(":")
    if kind == "file":
        return Path(name).read_text("utf-8")
    return os.environ[name]  # noqa: TID251 - this module is the only reader


class _Locale(BaseSettings):
    """The language of the shell, as POSIX ranks its variables."""

    lc_all: str = ""
    lc_messages: str = ""
    lang: str = ""


def load_settings() -> Settings:
    """The settings of this process.

    Raises: SettingsInvalid.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = [f"BFF_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise SettingsInvalid(problems) from None


def shell_language() -> Language:
    """zh where the shell speaks Chinese, otherwise en."""
    locale = _Locale()
    chosen = locale.lc_all or locale.lc_messages or locale.lang
    return "zh" if chosen.lower().startswith("zh") else "en"
