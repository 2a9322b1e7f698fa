"""Enums of the core as the contract shows them: each value with its description."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

import strawberry

Kind = TypeVar("Kind", bound=Enum)


def described(
    kind: type[Kind], description: str, values: Mapping[Kind, str], name: str | None = None
) -> type[Kind]:
    """The enum itself, made known to GraphQL; `values` describes every one of its values.

    `name` is what the contract calls it, unless as here.

    Raises: KeyError for a value without description.
    """
    made: Any = strawberry.enum(kind, name=name, description=description)
    for value in made.__strawberry_definition__.values:
        value.description = values[kind[value.name]]
    return kind
