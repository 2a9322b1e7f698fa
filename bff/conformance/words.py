"""What the scripted server says, in Chinese and English."""

from typing import NamedTuple

from bff.settings import Language


class Text(NamedTuple):
    """One text in both languages."""

    zh: str
    en: str

    def said(self, language: Language) -> str:
        """The text in one of them."""
        return self.zh if language == "zh" else self.en
