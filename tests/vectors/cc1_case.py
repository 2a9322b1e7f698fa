"""A case of type CC1, in vector 1's context unless told otherwise."""

from typing import Any

from tests.vectors.case import Case, case
from tests.vectors.forms import PASS_SEED, SHOWN, Show, key
from tests.vectors.published import VECTOR_1

PASS_KEY = key(PASS_SEED, 1, "PASS")


def cc1(
    id_: str,
    expected: str,
    shown: Show | str = VECTOR_1,
    *,
    now: int = SHOWN,
    use: str = "P",
    amount: int = 0,
    fields: dict[str, int] | None = None,
    **context: Any,
) -> Case:
    """The verdict `expected` on a code, with members of the context added or replaced."""
    text = shown if isinstance(shown, str) else shown.text()
    known = {"issuers": [0], "keys": [PASS_KEY]} | context
    return case(
        f"cc1-{id_}", "CC1", expected, text,
        now=now, use=use, amount=amount, context=known, fields=fields,
    )  # fmt: skip


def pass_key(**changes: Any) -> list[dict[str, Any]]:
    """A key document of the PASS key alone, with changes."""
    return [PASS_KEY | changes]
