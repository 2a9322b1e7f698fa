"""Which fields of the form a school's policy asks, and whom the form is for (mission.md 2)."""

from dataclasses import dataclass

from core.identity.records import CardholderKind, MethodNotOffered
from core.school.policy import Auth
from core.school.policy_words import AuthMethod, Channel, FormField

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


def asks_own_wallet(auth: Auth, channel: str) -> bool:
    """Whether the school takes a wallet only in the cardholder's own real name (M-025)."""
    real_name = AuthMethod.REAL_NAME in auth.methods
    return auth.own_real_name_only and real_name and channel == Channel.ALIPAY_MINI
