"""What a step of the script is: what staff do, what goes wrong on the way, and when it is over."""

from dataclasses import dataclass
from enum import StrEnum

from bff.conformance.words import Text


class Do(StrEnum):
    """What the terminal's staff do in a step."""

    ENROL = "ENROL"
    WAIT = "WAIT"
    """Nothing: the terminal goes on by itself (heartbeats, documents, voids that wait)."""
    SELL = "SELL"
    HOLD = "HOLD"
    """Hold an amount, to be captured later."""
    CAPTURE = "CAPTURE"
    REFUND = "REFUND"
    METER = "METER"
    """Let water run at a meter."""
    LOOK_UP = "LOOK_UP"
    """Look at whose code it is, without a sale."""
    PIN = "PIN"
    """Type the PIN that the terminal asks for."""
    VOID = "VOID"
    PASS = "PASS"  # noqa: S105 - what people do at a door
    POWER_CUT = "POWER_CUT"
    ASK = "ASK"
    """Let the terminal show its own code, CCQ."""
    SCAN = "SCAN"
    """Scan a receipt, CCR, into the sale that waits."""
    UPLOAD = "UPLOAD"
    CLOSE = "CLOSE"
    ROTATE = "ROTATE"
    """Let the terminal change its own key."""


class Question(StrEnum):
    """What staff tell afterwards: only they see the terminal's screen."""

    NONE = "NONE"
    SHOWN = "SHOWN"
    FINGERPRINT = "FINGERPRINT"
    CHALLENGE = "CHALLENGE"
    DOOR = "DOOR"
    DONE = "DONE"
    WATER = "WATER"
    BALANCE = "BALANCE"


class Kind(StrEnum):
    """What the terminal is."""

    TILL = "till"
    GATE = "gate"
    METER = "meter"


class Water(StrEnum):
    """What the valve of a meter did."""

    RAN = "RAN"
    STOOD = "STOOD"


class Door(StrEnum):
    """What the door did."""

    OPENED = "OPENED"
    SHUT = "SHUT"


class Shown(StrEnum):
    """What the terminal's screen says of a sale."""

    PAID = "PAID"
    NOT_PAID = "NOT_PAID"
    UNKNOWN = "UNKNOWN"


class Done(StrEnum):
    """What the terminal's screen says of a hold, a capture or a refund."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


NOTHING = "-"
"""What staff tell where the terminal shows nothing that could be read."""


class Code(StrEnum):
    """What is scanned: digits only a server can judge, or a code a terminal can judge alone."""

    NONE = "NONE"
    TOKEN = "TOKEN"  # noqa: S105 - the name of a kind of code
    PASS = "PASS"  # noqa: S105 - the name of a kind of code
    DENIED = "DENIED"
    FORGED = "FORGED"
    AGAIN = "AGAIN"
    """The code of the step before once more."""
    CODE8 = "CODE8"
    """Eight digits for a slot of a meter."""
    WRONG8 = "WRONG8"
    """Eight digits that are nobody's."""
    REFERENCE = "REFERENCE"
    """No code: the reference number of somebody else's sale."""


class Fault(StrEnum):
    """What goes wrong with a request or with its answer."""

    REQUEST_LOST = "REQUEST_LOST"
    ANSWER_LOST = "ANSWER_LOST"
    BUSY = "BUSY"
    WRONG_KEY = "WRONG_KEY"
    FLIPPED_BIT = "FLIPPED_BIT"
    OTHER_TERMINAL = "OTHER_TERMINAL"
    OLD_ANSWER = "OLD_ANSWER"
    OTHER_AMOUNT = "OTHER_AMOUNT"
    UNSIGNED = "UNSIGNED"
    WITHDRAWN_KEY = "WITHDRAWN_KEY"
    PURCHASE_FOR_VOID = "PURCHASE_FOR_VOID"
    LIED_TIME = "LIED_TIME"
    OLD_DOCUMENTS = "OLD_DOCUMENTS"
    FORGED_DOCUMENTS = "FORGED_DOCUMENTS"
    FORGED_KEYS = "FORGED_KEYS"
    LOCKED = "LOCKED"
    HALF_JUDGED = "HALF_JUDGED"
    FORGOTTEN_RECORD = "FORGOTTEN_RECORD"
    KEY_OVER = "KEY_OVER"
    """It is signed by a key of the terminal that is good no more."""

    @property
    def is_silent(self) -> bool:
        """Whether no answer comes at all."""
        return self in (Fault.REQUEST_LOST, Fault.ANSWER_LOST)


class Ends(StrEnum):
    """When a step is over, besides when staff say so."""

    WORD = "WORD"
    REPORTED = "REPORTED"
    """A heartbeat came that goes by the newest documents."""
    BEAT = "BEAT"
    """A heartbeat was answered, after whatever it was told to fetch."""
    VOIDED = "VOIDED"
    """The sale of the step before is voided and the terminal has heard it."""
    UPLOADED = "UPLOADED"
    """Every record that came has a verdict that the terminal has heard."""
    CLOSED = "CLOSED"
    TOLD = "TOLD"
    """Every passage that was let happen alone has a verdict that the terminal has heard."""
    SYNCED = "SYNCED"
    """The meters were fetched."""
    STOPPED = "STOPPED"
    """The terminal has heard that what ran in a step was taken."""
    ROTATED = "ROTATED"
    """A request came that the newest of the terminal's keys has signed."""


class Part(StrEnum):
    """What a terminal may do without; then its steps are left out."""

    OFFLINE = "offline"
    RECEIPT = "receipt"
    PIN = "pin"
    CAPTURES = "captures"
    REFUNDS = "refunds"
    LOOKUPS = "lookups"
    ROTATION = "rotation"


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault of the first `times` requests of an operation in a step; None: of all.

    Of a sale it is that of the step's own code. No operation: every request.
    """

    fault: Fault
    operation: str | None = None
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `answer` is the response code the sale gets; amounts are fen."""

    id: str
    do: Do
    text: Text
    minor_amount: int = 0
    code: Code = Code.NONE
    answer: str = "00"
    rules: tuple[Rule, ...] = ()
    question: Question = Question.NONE
    ends: Ends = Ends.WORD
    record: str = "ACCEPTED"
    """The verdict on its record, should the terminal take the sale alone."""
    clock_jump_seconds: int = 0
    part: Part | None = None
    of: str = ""
    """The step whose sale this one goes on with."""
