"""Posting templates: which kinds of account each kind of transfer may move between.

Nothing posts without a template. Every transfer is one amount with two equal and opposite legs, so
each template sums to zero by construction; the table only says between whom.
"""

from dataclasses import dataclass

from core.ledger.records import PURSES


@dataclass(frozen=True, slots=True)
class Template:
    """The kinds a transfer's debit and credit accounts may have."""

    debit: tuple[str, ...]
    credit: tuple[str, ...]


BEYOND = ("ARREARS", "LOSS")
"""What pays for an offline purchase that no purse covers: a debt of the holder, or the school."""

LOAD, UNLOAD = "LOAD", "UNLOAD"
"""Money of a cardholder that moves onto a chip, or back from the chip of a card that ended."""

INTERNAL = (LOAD, UNLOAD, "RESERVE_SET_ASIDE", "RESERVE_RETURN")
"""Between purses of one cardholder: money that neither came nor went."""

TEMPLATES: dict[str, Template] = {
    "PURCHASE": Template(debit=(*PURSES, *BEYOND), credit=("MERCHANT",)),
    "PURCHASE_VOID": Template(debit=("MERCHANT",), credit=(*PURSES, *BEYOND)),
    "REFUND": Template(debit=("MERCHANT",), credit=(*PURSES, *BEYOND)),
    "CASH_TOP_UP": Template(debit=("CASH",), credit=("MAIN", "CLAIM")),
    "RESERVE_SET_ASIDE": Template(debit=("MAIN",), credit=("RESERVE",)),
    "RESERVE_RETURN": Template(debit=("RESERVE",), credit=("MAIN",)),
    "ARREARS_RECOVERY": Template(debit=("MAIN", "CLAIM"), credit=("ARREARS",)),
    "ARREARS_RETURN": Template(debit=("ARREARS",), credit=("MAIN",)),
    "LOSS_RECOVERY": Template(debit=(*PURSES, "ARREARS"), credit=("LOSS",)),
    "LOSS_RETURN": Template(debit=("LOSS",), credit=("MAIN",)),
    "OPENING_BALANCE": Template(debit=("OPENING",), credit=("MAIN", "SUBSIDY")),
    LOAD: Template(debit=("CLAIM",), credit=("CARD",)),
    UNLOAD: Template(debit=("CARD",), credit=("CLAIM",)),
    "CARD_FEE": Template(debit=("MAIN", "CLAIM", "ARREARS"), credit=("FEE",)),
    "CARD_FEE_RETURN": Template(debit=("FEE",), credit=("MAIN", "CLAIM")),
}


class PostingWithoutTemplate(Exception):
    """A programming fault: no template allows this movement; nothing was posted."""


def check_template(kind: str, debit_kind: str, credit_kind: str) -> None:
    """Refuses a movement that no template names.

    Raises: PostingWithoutTemplate.
    """
    template = TEMPLATES.get(kind)
    if template is None or debit_kind not in template.debit or credit_kind not in template.credit:
        raise PostingWithoutTemplate(f"{kind}: {debit_kind} -> {credit_kind}")
