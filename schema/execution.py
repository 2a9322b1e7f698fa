"""Executing a prepared document through Strawberry."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from strawberry.types import ExecutionResult

from schema.context import RequestContext
from schema.documents import Prepared
from schema.errors import BadDocument
from schema.root import PREPARED, CampusSchema


async def execute(
    schema: CampusSchema,
    prepared: Prepared,
    context: RequestContext,
    variables: Mapping[str, Any] | None = None,
    operation_name: str | None = None,
) -> ExecutionResult:
    """One query or mutation, its errors not masked yet.

    Raises: BadDocument when the operation is a subscription or cannot be told.
    """
    if prepared.is_subscription(operation_name):
        raise BadDocument("SUBSCRIPTION_NEEDS_SOCKET")
    result = await schema.execute(
        prepared.text,
        variable_values=dict(variables or {}),
        context_value=context,
        operation_name=operation_name,
        operation_extensions={PREPARED: prepared.document},
    )
    assert isinstance(result, ExecutionResult)
    return result


async def subscribe(
    schema: CampusSchema,
    prepared: Prepared,
    context: RequestContext,
    variables: Mapping[str, Any] | None = None,
    operation_name: str | None = None,
) -> AsyncGenerator[ExecutionResult, None]:
    """The events of a subscription, their errors not masked yet.

    Raises: BadDocument when the operation is none.
    """
    if not prepared.is_subscription(operation_name):
        raise BadDocument("SOCKET_IS_FOR_SUBSCRIPTIONS")
    events = await schema.subscribe(
        prepared.text,
        variable_values=dict(variables or {}),
        context_value=context,
        operation_name=operation_name,
        operation_extensions={PREPARED: prepared.document},
    )
    async with aclosing(events):
        async for event in events:
            yield event
