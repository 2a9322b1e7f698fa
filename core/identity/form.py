"""Which fields of the form a school's policy asks, and whom the form is for (mission.md 2)."""

from dataclasses import dataclass

from core.identity.records import CardholderKind, MethodNotOffered
from core.school.policy import Auth
from core.school.policy_words import AuthMethod, FormField

_OUTSIDERS = frozenset({CardholderKind.EXTERNAL, CardholderKind.TEMPORARY, CardholderKind.VISITOR})


@dataclass(frozen=True, slots=True)
class FormRules:
    """What counts of a form. `pin_kind` is a kind of PIN; `kinds` are whom it may bind."""

    asks_name: bool
    takes_card: bool
    asks_pin: bool
    pin_kind: str
    kinds: frozenset[str]


def form_rules(auth: Auth) -> FormRules:
    """The rules of a school's policy.

    Raises: MethodNotOffered.
    """
    if AuthMethod.FORM in auth.methods:
        kinds = frozenset(CardholderKind)
    elif AuthMethod.EXTERNAL_FORM in auth.methods:
        kinds = _OUTSIDERS
    else:
        raise MethodNotOffered
    fields = auth.form_fields
    query = FormField.QUERY_PIN in fields
    return FormRules(
        asks_name=FormField.NAME in fields,
        takes_card=FormField.NUMBER_OR_CARD in fields,
        asks_pin=query or FormField.PIN in fields,
        pin_kind="QUERY" if query else "PAY",
        kinds=kinds,
    )
