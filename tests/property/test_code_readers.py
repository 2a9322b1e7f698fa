"""Ours and the independent reader in Python agree on what no case says, too."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from clients.verifiers.python import verify
from tests.vectors.files import cases
from tests.vectors.judge import judge

BY_TYPE: dict[str, list[dict[str, Any]]] = {}
for _case in cases():
    if len(_case["text"]) < 10_000:
        BY_TYPE.setdefault(_case["type"], []).append(_case)


@st.composite
def mixed(draw: st.DrawFn) -> dict[str, Any]:
    """A case with its time moved, and its text, use, amount or context partly from others."""
    alike = BY_TYPE[draw(st.sampled_from(sorted(BY_TYPE)))]
    case: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(alike)))
    case.pop("fields", None)
    case["now"] = max(0, case["now"] + draw(st.integers(-200, 200)))
    other = draw(st.sampled_from(alike))
    for name in draw(st.sets(st.sampled_from(["text", "use", "amount"]))):
        case[name] = other.get(name, 0)
    for name in draw(st.sets(st.sampled_from(sorted(other["context"]) or [""]), max_size=3)):
        if name:
            case["context"][name] = other["context"][name]
    return case


@given(mixed())
@settings(max_examples=400, deadline=None)
def test_both_readers_say_the_same(case: dict[str, Any]) -> None:
    assert judge(case) == verify.judge(case)
