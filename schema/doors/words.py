"""What each word about ways in means to a client."""

from core.identity.guardians import GuardianRight
from core.identity.linking import NextStep
from schema.enums import described

described(
    NextStep,
    "What is missing before a card is bound.",
    {
        NextStep.NONE: "Nothing: it is bound, or the session was strengthened.",
        NextStep.PROVE_CARD: "The school vouched for the person; prove the card once, by"
        " `bindingCreate`, `memberProofComplete`, or `staffCode` at the counter.",
        NextStep.CONFIRM: "The card is proven; show `matched` and call `bindingConfirm`.",
        NextStep.CHOOSE: "The person has several cards; ask again with one of `choices`.",
        NextStep.STEP_UP: "The card is bound in this channel already; `bindingConfirm` with the"
        " PIN or a code replaces that.",
    },
    "LinkStep",
)
described(
    GuardianRight,
    "What a cardholder may let a guardian do; codes, PIN and limits are never among it.",
    {
        GuardianRight.TOP_UP: "Add money.",
        GuardianRight.VIEW_STATEMENT: "See the balance and the statement.",
        GuardianRight.REPORT_LOSS: "Report the card as lost.",
    },
)
