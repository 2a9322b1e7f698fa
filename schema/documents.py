"""Documents: text parsed, measured and validated once, ready to be executed many times."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.errors import BadDocument
from schema.limits import TOKENS_MAXIMUM, check_limits
from schema.root import CampusSchema

FAULTS_MAXIMUM = 5
# Tuples made once: rule classes made per request would defeat every cache (strawberry issue 4635).
_OPEN_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_CLOSED_RULES = (*_OPEN_RULES, NoSchemaIntrospectionCustomRule)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that keeps every limit and is valid against the schema."""

    text: str
    document: DocumentNode
    _root_fields: dict[str | None, list[str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to execute: the one named, or the only one.

        Raises: BadDocument.
        """
        found = [
            each
            for each in self.document.definitions
            if isinstance(each, OperationDefinitionNode)
            and (name is None or (each.name is not None and each.name.value == name))
        ]
        if len(found) != 1:
            raise BadDocument("OPERATION_UNKNOWN")
        return found[0]

    def root_fields(self, name: str | None) -> list[str]:
        """The names of the root fields that the operation to execute selects.

        Raises: BadDocument.
        """
        found = self._root_fields.get(name)
        if found is None:
            found = self._root_fields[name] = self._find_root_fields(self.operation(name))
        return found

    def _find_root_fields(self, operation: OperationDefinitionNode) -> list[str]:
        fragments = {
            each.name.value: each
            for each in self.document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }

        def walk(selected: SelectionSetNode) -> Iterator[str]:
            for node in selected.selections:
                if isinstance(node, FieldNode):
                    yield node.name.value
                elif isinstance(node, InlineFragmentNode):
                    yield from walk(node.selection_set)
                else:
                    assert isinstance(node, FragmentSpreadNode)
                    yield from walk(fragments[node.name.value].selection_set)

        return list(walk(operation.selection_set))

    def is_subscription(self, name: str | None) -> bool:
        """Whether the operation to execute is a subscription."""
        return self.operation(name).operation is OperationType.SUBSCRIPTION


def graphql_schema(schema: CampusSchema) -> GraphQLSchema:
    """The graphql-core schema under Strawberry's."""
    return schema._schema  # noqa: SLF001  # Strawberry has no public name for it


def prepare(schema: CampusSchema, text: str, *, introspection: bool) -> Prepared:
    """The document made ready; limits are looked at before the costlier validation.

    Raises: BadDocument with the reason and, for developers, the faults found.
    """
    core = graphql_schema(schema)
    try:
        document = parse(text, max_tokens=TOKENS_MAXIMUM)
        check_limits(core, document)
        rules = _OPEN_RULES if introspection else _CLOSED_RULES
        faults: list[GraphQLError] = validate(core, document, rules, max_errors=FAULTS_MAXIMUM)
    except GraphQLSyntaxError as fault:
        raise BadDocument("SYNTAX", fault) from None
    if faults:
        raise BadDocument("VALIDATION", *faults)
    return Prepared(text, document)
