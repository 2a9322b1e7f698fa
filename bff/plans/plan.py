"""Plans: a trusted document as one coroutine, answering byte for byte as Strawberry would."""

from collections.abc import Mapping
from typing import Any, cast

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution import VariableValues, default_field_resolver, default_type_resolver
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from strawberry import Schema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext as Executor
from strawberry.types import ExecutionResult

from bff.plans.fields import FieldCompiler, Run, is_awaitable, run_serially, run_together
from bff.plans.variables import compile_variables

CONDITIONS_MAXIMUM = 4
"""Variables in `@skip` and `@include`: each doubles the forms a plan may take."""
_CONDITIONS = ("skip", "include")


def find_plan(
    schema: Schema, document: DocumentNode, operation_extensions: Mapping[str, Any]
) -> "Plan | None":
    """The plan of a valid document with one query or mutation; None leaves it to Strawberry."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    seen = _Directives()
    visit(document, seen)
    if (
        len(operations) != 1
        or operations[0].operation is OperationType.SUBSCRIPTION
        or not seen.names <= {*_CONDITIONS}
        or len(seen.variables) > CONDITIONS_MAXIMUM
        or schema.exception_handlers
        or schema.directives
    ):
        return None
    return Plan(schema, document, operations[0], tuple(seen.variables), operation_extensions)


class Plan:
    """One operation, compiled at its first request for each outcome of its conditions."""

    def __init__(
        self,
        schema: Schema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        conditions: tuple[str, ...],
        operation_extensions: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._core = schema._schema  # noqa: SLF001 - Strawberry has no public name for it
        self._operation = operation
        self._conditions = conditions
        self._values = compile_variables(self._core, operation)
        self._extensions = operation_extensions
        self._fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
        self._details = {name: FragmentDetails(each) for name, each in self._fragments.items()}
        self._forms: dict[tuple[Any, ...], Mapping[str, Run]] = {}

    async def __call__(self, context: object, variables: Mapping[str, Any]) -> ExecutionResult:
        """The answer, its errors not masked yet."""
        values = self._values(variables)
        if isinstance(values, list):
            return ExecutionResult(data=None, errors=values)
        executor = self._executor(values, context)
        try:
            data = await self._run(executor, self._form(values))
        except GraphQLError as error:
            executor.collected_errors.add(error, None)
            data = None
        return ExecutionResult(data=data, errors=executor.collected_errors.errors or None)

    async def _run(self, executor: Executor, fields: Mapping[str, Run]) -> dict[str, Any]:
        if self._operation.operation is OperationType.MUTATION:
            return await run_serially(fields, executor)
        result = run_together(fields, executor, None, None)
        return cast("dict[str, Any]", await result if is_awaitable(result) else result)

    def _form(self, values: VariableValues) -> Mapping[str, Run]:
        """The root fields for what the variables say about `@skip` and `@include`."""
        outcome = tuple(values.coerced.get(name) for name in self._conditions)
        found = self._forms.get(outcome)
        if found is None:
            root = cast("GraphQLObjectType", self._core.get_root_type(self._operation.operation))
            template = self._executor(values, None)
            collected = collect_fields(self._core, self._details, values, root, self._operation)
            compiler = FieldCompiler(self._schema, template)
            found = self._forms[outcome] = compiler.fields(root, collected.grouped_field_set)
        return found

    def _executor(self, values: VariableValues, context: object) -> Executor:
        """The executor Strawberry would make: it builds infos and collects errors."""
        return Executor(
            self._core, self._fragments, self._details, None, context, self._operation, values,
            default_field_resolver, default_type_resolver, default_field_resolver,
            is_awaitable=is_awaitable, operation_extensions=self._extensions,
        )  # fmt: skip


class _Directives(Visitor):
    """The directives a document applies, and the variables their conditions read."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.variables: dict[str, None] = {}

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        """One directive."""
        self.names.add(node.name.value)
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.variables[argument.value.name.value] = None
