"""The one catalogue of messages: each code with its text in Chinese and English."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.kit.errors import Refusal
from schema.context import Language


@dataclass(frozen=True, slots=True)
class Message:
    """One text in both languages; `{name}` stands for a fact of the refusal."""

    zh: str
    en: str

    def text(self, language: Language, details: Mapping[str, str | int]) -> str:
        """The text with its placeholders filled.

        Raises: KeyError when the refusal does not carry a fact its message needs.
        """
        return (self.zh if language == "zh" else self.en).format_map(details)


def _load(table: str) -> Mapping[str, Message]:
    source = Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8")
    return {code: Message(**texts) for code, texts in tomllib.loads(source)[table].items()}


ERRORS: Mapping[str, Message] = _load("error")
"""Messages of top-level errors by code."""

REFUSALS: Mapping[str, Message] = _load("refusal")
"""Messages of refusals by `Refusal.code()`."""


def refusal_text(refusal: Refusal, language: Language) -> str:
    """What a client reads about a refusal."""
    return REFUSALS[refusal.code()].text(language, refusal.details)
