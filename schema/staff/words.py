"""The words of staff as the contract describes them."""

from core.school.records import RequestState, Role
from schema.enums import described

described(
    Role,
    "What a member of staff may do.",
    {
        Role.CLERK: "Cards, PINs and limits at the desk.",
        Role.CASHIER: "Cash at the own till.",
        Role.MERCHANT_REVIEWER: "Refunds and appeals of the own merchant.",
        Role.CARD_MANAGER: "The second person for money.",
        Role.IT_ADMIN: "Terminals, policy and keys.",
        Role.AUDITOR: "Reads the books and the audit, and nothing else.",
    },
)
described(
    RequestState,
    "How a request for a second person stands.",
    {
        RequestState.OPEN: "Waits, at most 24 hours.",
        RequestState.EXECUTED: "Approved and done.",
        RequestState.REFUSED: "Refused or withdrawn.",
    },
    name="FourEyesState",
)
