"""The words of the ledger as cardholders read them."""

from enum import StrEnum

from schema.enums import described


class PurseKind(StrEnum):
    """Which purse of a cardholder."""

    MAIN = "MAIN"
    SUBSIDY = "SUBSIDY"
    RESERVE = "RESERVE"
    CLAIM = "CLAIM"
    CARD = "CARD"


class StatementLineKind(StrEnum):
    """What a statement line is about."""

    PURCHASE = "PURCHASE"
    PURCHASE_VOID = "PURCHASE_VOID"
    REFUND = "REFUND"
    CASH_TOP_UP = "CASH_TOP_UP"
    OPENING_BALANCE = "OPENING_BALANCE"
    RESERVE_SET_ASIDE = "RESERVE_SET_ASIDE"
    RESERVE_RETURN = "RESERVE_RETURN"
    ARREARS_RECOVERY = "ARREARS_RECOVERY"
    ARREARS_RETURN = "ARREARS_RETURN"
    LOSS_RECOVERY = "LOSS_RECOVERY"
    LOSS_RETURN = "LOSS_RETURN"
    LOAD = "LOAD"
    UNLOAD = "UNLOAD"
    CARD_FEE = "CARD_FEE"
    CARD_FEE_RETURN = "CARD_FEE_RETURN"


described(
    PurseKind,
    "Which purse of a cardholder.",
    {
        PurseKind.MAIN: "The cardholder's own money.",
        PurseKind.SUBSIDY: "What the school gives; it is spent first.",
        PurseKind.RESERVE: "Set aside for offline codes.",
        PurseKind.CLAIM: "Waits to be claimed onto the physical card.",
        PurseKind.CARD: "On the chip of the physical card.",
    },
)
described(
    StatementLineKind,
    "What a statement line is about.",
    {
        StatementLineKind.PURCHASE: "A purchase; negative.",
        StatementLineKind.PURCHASE_VOID: "A purchase undone.",
        StatementLineKind.REFUND: "Money given back after a purchase.",
        StatementLineKind.CASH_TOP_UP: "Cash paid in at the window.",
        StatementLineKind.OPENING_BALANCE: "The balance of an old card, moved in.",
        StatementLineKind.RESERVE_SET_ASIDE: "Set aside for offline purchases, or out of MAIN.",
        StatementLineKind.RESERVE_RETURN: "What was set aside and not spent, back in MAIN.",
        StatementLineKind.ARREARS_RECOVERY: "What was owed, paid out of a top-up; negative.",
        StatementLineKind.ARREARS_RETURN: "Given back after a debt that was paid before.",
        StatementLineKind.LOSS_RECOVERY: "Charged after the review of an offline sale; negative.",
        StatementLineKind.LOSS_RETURN: "Given back of what such a review charged.",
        StatementLineKind.LOAD: "A claim: from what waited onto the chip, one line for each side.",
        StatementLineKind.UNLOAD: "From the chip of a card that ended back to what waits.",
        StatementLineKind.CARD_FEE: "The fee of a new card.",
        StatementLineKind.CARD_FEE_RETURN: "That fee given back: no card came out.",
    },
)
