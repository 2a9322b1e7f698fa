"""Facts about a school, and the refusals of this context."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.kit.errors import Refusal


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One thing wrong with a school file: where, which key, and what to do about it.

    `line` counts from 1; `nearest` is the known key that an unknown one most resembles.
    """

    line: int
    key: str
    message_zh: str
    message_en: str
    nearest: str | None = None


class PolicyInvalid(Refusal):
    """The policy text was refused; `problems` lists everything wrong with it, by line."""

    def __init__(self, problems: Sequence[PolicyProblem]) -> None:
        super().__init__("policy", problems=len(problems))
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.key)))

    def __str__(self) -> str:
        """One line per problem, for the command line and logs (a policy holds no secrets)."""
        return "\n".join(
            f"{problem.line}: {problem.key}: {problem.message_en}" for problem in self.problems
        )
