"""The words of the terminal protocol as the contract describes them."""

from enum import StrEnum

from core.school.operators import OperatorRight
from core.school.records import DocumentKind, TerminalState
from schema.enums import described
from terminals.directives import Directive
from terminals.keys import KeyUse
from terminals.response import Action
from terminals.scenes import Scene


class Capture(StrEnum):
    """When an approved amount is taken."""

    IMMEDIATE = "IMMEDIATE"
    MANUAL = "MANUAL"


class VoidReason(StrEnum):
    """Why a purchase is undone."""

    TIMEOUT = "TIMEOUT"
    CASHIER = "CASHIER"
    DEVICE = "DEVICE"


class Outcome(StrEnum):
    """What became of a question about money."""

    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    VOIDED = "VOIDED"
    PIN_REQUIRED = "PIN_REQUIRED"
    IN_PROGRESS = "IN_PROGRESS"


class PurchaseState(StrEnum):
    """Where a purchase stands."""

    PENDING = "PENDING"
    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"
    REFUNDED_PART = "REFUNDED_PART"
    REFUNDED = "REFUNDED"
    TOMBSTONE = "TOMBSTONE"


class HolderClass(StrEnum):
    """What a cardholder is to a door."""

    STUDENT = "STUDENT"
    STAFF = "STAFF"
    TEMPORARY = "TEMPORARY"
    OTHER = "OTHER"


HOLDER_CLASSES = tuple(HolderClass)
"""By the number of codes.md 4."""

described(
    Capture,
    "When an approved amount is taken.",
    {Capture.IMMEDIATE: "At once.", Capture.MANUAL: "Held until `purchaseCapture`, 24 h at most."},
)
described(
    VoidReason,
    "Why a purchase is undone.",
    {
        VoidReason.TIMEOUT: "No verified answer came: a reversal.",
        VoidReason.CASHIER: "The cashier undid it.",
        VoidReason.DEVICE: "The device could not deliver.",
    },
)
described(
    Outcome,
    "What became of a question about money.",
    {
        Outcome.APPROVED: "Done: paid, held, captured or refunded.",
        Outcome.DECLINED: "Refused; `responseCode` says why.",
        Outcome.VOIDED: "Undone, or never paid because its void came first.",
        Outcome.PIN_REQUIRED: "Ask for the PIN and send it with `continuation` under a new key.",
        Outcome.IN_PROGRESS: "Not decided yet; poll `purchaseStatus`.",
    },
)
described(
    PurchaseState,
    "Where a purchase stands.",
    {
        PurchaseState.PENDING: "Held.",
        PurchaseState.CAPTURED: "Paid.",
        PurchaseState.VOIDED: "Undone.",
        PurchaseState.EXPIRED: "A hold whose time ran out.",
        PurchaseState.REFUNDED_PART: "Paid, a part given back.",
        PurchaseState.REFUNDED: "Paid and given back whole.",
        PurchaseState.TOMBSTONE: "Voided before it came: it can never pay.",
    },
)
described(
    Directive,
    "What a terminal is told to do.",
    {
        Directive.SYNC: "Fetch the newest signed documents.",
        Directive.UPLOAD: "Send the records taken offline.",
        Directive.CLOSE: "Close the batches before the newest; if none is open, the newest.",
        Directive.LOCK: "Stop selling.",
        Directive.FIRMWARE: "Take the newest firmware.",
        Directive.DISPLAY: "Show the message in the parameters.",
    },
)
described(
    HolderClass,
    "What a cardholder is to a door.",
    {
        HolderClass.STUDENT: "A student.",
        HolderClass.STAFF: "A member of staff.",
        HolderClass.TEMPORARY: "Temporary staff.",
        HolderClass.OTHER: "A visitor, alumni, or any other kind.",
    },
)
described(
    Scene,
    "Where and why a terminal asks; it decides what the terminal learns.",
    {
        Scene.MEAL: "A canteen.",
        Scene.SHOP: "A shop.",
        Scene.SELF_CHECK: "The holder checks a new card.",
        Scene.GATE: "A gate.",
        Scene.CLASSROOM: "A classroom.",
        Scene.ATTENDANCE: "Attendance of a meeting.",
        Scene.DORMITORY: "A dormitory.",
        Scene.LIBRARY: "A library.",
        Scene.BUS: "A bus.",
        Scene.METER: "A meter.",
        Scene.KIOSK: "A kiosk.",
    },
)
described(
    Action,
    "What the terminal does next.",
    {
        Action.DONE: "Nothing: it is settled.",
        Action.NEXT: "Take another code or card.",
        Action.PIN: "Ask for the PIN.",
        Action.STATUS: "Ask `purchaseStatus` every 2 s, 45 s at most, then void.",
        Action.FIX: "The operator corrects the input.",
        Action.SYNC: "Fetch the signed documents once, then another code.",
        Action.CALL: "Call the school's IT.",
        Action.NEW_BATCH: "Open a new batch.",
        Action.CARD_REFRESH: "Refresh the card.",
    },
    name="TerminalAction",
)
described(
    TerminalState,
    "How far a terminal has come.",
    {
        TerminalState.NEW: "Registered, never enrolled.",
        TerminalState.PENDING: "Enrolled; its fingerprint waits to be compared.",
        TerminalState.ACTIVE: "Working.",
        TerminalState.LOCKED: "Stopped by the school.",
        TerminalState.RETIRED: "Gone for good.",
    },
)
described(
    KeyUse,
    "What a published key signs.",
    {
        KeyUse.PASS: "Passes.",
        KeyUse.ANSWER: "Answers to terminals and the time.",
        KeyUse.DOCUMENT: "Documents for terminals.",
        KeyUse.EDGE: "Answers of one site's edge.",
    },
)
described(
    DocumentKind,
    "What a signed document holds.",
    {
        DocumentKind.KEYS: "The school's published keys, signed by a root.",
        DocumentKind.PARAMETERS: "What the school decided for its terminals.",
        DocumentKind.DENY: "Codes and cards to refuse.",
        DocumentKind.RIGHTS: "Rights of physical cards at doors.",
        DocumentKind.TERMINALS: "The terminals that a site's edge answers.",
    },
)
described(
    OperatorRight,
    "What an operator may do at a terminal of their merchant.",
    {
        OperatorRight.SALE: "Sell.",
        OperatorRight.REFUND: "Give captured money back.",
        OperatorRight.VOID: "Undo a purchase.",
        OperatorRight.CLOSE: "Close a batch.",
    },
)
