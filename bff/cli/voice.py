"""How a command speaks: one language, what to do next, and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bff.keys import KeysInvalid
from bff.settings import Language, SettingsInvalid
from core.kit.errors import Refusal
from core.school.records import PolicyInvalid, PolicyProblem
from schema.catalogue import refusal_text

REFUSED = 1
UNUSABLE = 2


class Voice:
    """Prints facts to the output and refusals to the error output."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.out = Console(highlight=False, soft_wrap=True)
        self._errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def word(self, zh: str, en: str) -> str:
        """The text in the language of this command."""
        return zh if self.language == "zh" else en

    def say(self, zh: str, en: str) -> None:
        """Prints one line."""
        self.out.print(escape(self.word(zh, en)))

    def table(self, *heads: tuple[str, str]) -> Table:
        """An empty table with these (zh, en) heads."""
        return Table(*(self.word(*head) for head in heads))

    def refuse(self, zh: str, en: str, code: int = UNUSABLE) -> typer.Exit:
        """Prints what is wrong and what to do about it; to be raised."""
        self._errors.print(f"[red]{escape(self.word(zh, en))}[/]")
        return typer.Exit(code)

    @contextmanager
    def answering(self, file: Path | None = None) -> Iterator[None]:
        """Turns what a command expects to go wrong into a text and an exit code."""
        try:
            yield
        except PolicyInvalid as refusal:
            for problem in refusal.problems:
                self._errors.print(escape(self._problem(file, problem)))
            raise self._told(refusal) from None
        except Refusal as refusal:
            raise self._told(refusal) from None
        except SettingsInvalid as error:
            names = ", ".join(error.problems)
            raise self.refuse(
                f"请设置环境变量：{names}", f"Set in the environment: {names}"
            ) from None
        except KeysInvalid as error:
            faults = "\n".join(error.problems)
            raise self.refuse(
                f"密钥文件不可用，请更正或用 bff keys create 新建：\n{faults}",
                f"The key file is not fit for use; correct it or run bff keys create:\n{faults}",
            ) from None
        except UnicodeDecodeError:
            raise self.refuse(
                f"{file} 不是 UTF-8 文本，请另存为 UTF-8", f"{file} is not UTF-8; save it as UTF-8"
            ) from None
        except OSError as error:
            place, why = error.filename or file, error.strerror
            raise self.refuse(f"无法使用 {place}：{why}", f"Cannot use {place}: {why}") from None

    def _told(self, refusal: Refusal) -> typer.Exit:
        text = refusal_text(refusal, self.language)
        return self.refuse(f"{refusal.code()}: {text}", f"{refusal.code()}: {text}", REFUSED)

    def _problem(self, file: Path | None, problem: PolicyProblem) -> str:
        text = self.word(problem.message_zh, problem.message_en)
        return f"{file or ''}:{problem.line}: {problem.key}: {text}"


def voice_of(context: typer.Context) -> Voice:
    """The voice that the root command made."""
    voice: Voice = context.obj
    return voice
