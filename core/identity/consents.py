"""Which documents a person has still to agree to (M-026)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.identity.records import ConsentMissing
from core.school.policy_file import ConsentFacts
from core.school.policy_words import AuthMethod


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """A document that a person agrees to, in the version they saw."""

    document: str
    version: int


@dataclass(frozen=True, slots=True)
class Consent:
    """An agreement that stands in the records."""

    document: str
    version: int
    channel: str
    given_at: datetime


def to_record(
    documents: Sequence[ConsentFacts],
    method: AuthMethod,
    given: Collection[ConsentGiven],
    standing: Collection[ConsentGiven],
) -> list[ConsentFacts]:
    """The documents that are agreed to now and were not before; what is unknown is not recorded.

    Raises: ConsentMissing, naming what is agreed to neither now nor before in its version.
    """
    asked = [each for each in documents if each.applies_to(method)]
    new = [each for each in asked if _as_given(each) not in standing]
    missing = [each.document for each in new if _as_given(each) not in given]
    if missing:
        raise ConsentMissing("consents", documents=", ".join(missing))
    return new


def _as_given(facts: ConsentFacts) -> ConsentGiven:
    return ConsentGiven(facts.document, facts.version)
