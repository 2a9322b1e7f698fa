"""What a planted defect is."""

from dataclasses import dataclass

Edit = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect. `edits` replace text in the payment function, `sql` is run by the tables' owner,
    `settings` by the superuser; `is_patched` means `patches` holds a function of its name.

    At least one of the invariants in `trips` must be broken. If `shown_by` names kinds of fault,
    it takes one of them to see the defect, and no others are dealt; the same holds of `seen_at`,
    which names scenes at the doors.
    """

    says: str
    trips: frozenset[str]
    edits: tuple[Edit, ...] = ()
    sql: str = ""
    settings: tuple[str, ...] = ()
    is_patched: bool = False
    shown_by: frozenset[str] = frozenset()
    seen_at: frozenset[str] = frozenset()
