"""What one operation may ask for, measured on the document before anything is executed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)

from core.kit.page import FIRST_DEFAULT, FIRST_MAXIMUM
from schema.directives import Bounded, OncePerOperation, find_directive
from schema.errors import BadDocument

TOKENS_MAXIMUM = 1_000
DEPTH_MAXIMUM = 10
ALIASES_MAXIMUM = 15
DIRECTIVES_MAXIMUM = 50
COST_MAXIMUM = 5_000
OBJECT_COST = 2
SCALAR_COST = 1
LIST_DEFAULT = 8
"""Items assumed of the lists the contract itself bounds: `userErrors` and their `path`."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What a selection asks for, fragments expanded."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    once: int = 0
    cost: int = 0

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.once + other.once,
            self.cost + other.cost,
        )


def check_limits(schema: GraphQLSchema, document: DocumentNode) -> None:
    """Nothing, if every operation of the document keeps the limits.

    Raises: BadDocument with the reason, such as `COST_OVER_LIMIT`.
    """
    measure = _Measure(schema, document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            reason = _excess(measure.operation(definition))
            if reason is not None:
                raise BadDocument(reason)


def _excess(weight: Weight) -> str | None:
    if weight.depth > DEPTH_MAXIMUM:
        return "DEPTH_OVER_LIMIT"
    if weight.aliases > ALIASES_MAXIMUM:
        return "ALIASES_OVER_LIMIT"
    if weight.directives > DIRECTIVES_MAXIMUM:
        return "DIRECTIVES_OVER_LIMIT"
    if weight.once > 1:
        return "MORE_THAN_ONE_MONEY_PIN_OR_CODE_FIELD"
    if weight.cost > COST_MAXIMUM:
        return "COST_OVER_LIMIT"
    return None


class _Measure:
    """Weighs the selections of one document; each fragment once per type it meets."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments: Mapping[str, FragmentDefinitionNode] = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._weighed: dict[str, Weight | None] = {}

    def operation(self, node: OperationDefinitionNode) -> Weight:
        """The weight of one operation, directives on its variables included."""
        on_variables = sum(len(each.directives or ()) for each in node.variable_definitions or ())
        own = Weight(directives=len(node.directives or ()) + on_variables)
        root = self._schema.get_root_type(node.operation)
        return own + self._selections(node.selection_set, root, FIRST_MAXIMUM)

    def _selections(
        self, selections: SelectionSetNode, parent: GraphQLNamedType | None, first: int
    ) -> Weight:
        total = Weight()
        for node in selections.selections:
            total += Weight(directives=len(node.directives or ()))
            if isinstance(node, FieldNode):
                total += self._field(node, parent, first)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                kind = self._schema.get_type(condition.name.value) if condition else parent
                total += self._selections(node.selection_set, kind, first)
            else:
                assert isinstance(node, FragmentSpreadNode)
                total += self._fragment(node.name.value, first)
        return total

    def _fragment(self, name: str, first: int) -> Weight:
        definition = self._fragments.get(name)
        if definition is None:
            return Weight()  # validation names the unknown fragment
        key = f"{name}/{first}"
        if key not in self._weighed:
            self._weighed[key] = None
            kind = self._schema.get_type(definition.type_condition.name.value)
            own = Weight(directives=len(definition.directives or ()))
            self._weighed[key] = own + self._selections(definition.selection_set, kind, first)
        weight = self._weighed[key]
        if weight is None:
            raise BadDocument("FRAGMENT_CYCLE")
        return weight

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, first: int) -> Weight:
        if node.name.value.startswith("__"):
            return Weight(depth=1, cost=SCALAR_COST)  # closed in production by its own rule
        field = _definition(parent, node.name.value)
        kind = get_named_type(field.type) if field else None
        size = _page_size(node, field, first)
        inner = Weight()
        if node.selection_set is not None:
            inner = self._selections(node.selection_set, kind, size)
        each = (OBJECT_COST if is_composite_type(kind) else SCALAR_COST) + inner.cost
        once = field is not None and find_directive(field, OncePerOperation) is not None
        return Weight(
            depth=inner.depth + 1,
            aliases=inner.aliases + (node.alias is not None),
            directives=inner.directives,
            once=inner.once + once,
            cost=each * _items(parent, field, size),
        )


def _definition(parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        field: GraphQLField | None = parent.fields.get(name)
        return field
    return None


def _page_size(node: FieldNode, field: GraphQLField | None, outer: int) -> int:
    """The page this field opens: `first` as written, its maximum for a variable.

    Raises: BadDocument for a literal out of bounds.
    """
    if field is None or "first" not in field.args:
        return outer
    for argument in node.arguments or ():
        if argument.name.value == "first":
            if isinstance(argument.value, VariableNode):
                return FIRST_MAXIMUM
            written = argument.value.value if isinstance(argument.value, IntValueNode) else ""
            if len(written) > 3 or not 1 <= int(written or 0) <= FIRST_MAXIMUM:
                raise BadDocument("FIRST_OUT_OF_BOUNDS")
            return int(written)
    return FIRST_DEFAULT


def _wrappers(kind: GraphQLOutputType) -> Iterator[GraphQLOutputType]:
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        yield kind
        kind = kind.of_type


def _items(parent: GraphQLNamedType | None, field: GraphQLField | None, page: int) -> int:
    """How many items the field answers with at most; 1 for what is not a list."""
    if field is None or not any(isinstance(each, GraphQLList) for each in _wrappers(field.type)):
        return 1
    if parent is not None and parent.name.endswith("Connection"):
        return page
    bounded = find_directive(field, Bounded)
    return bounded.maximum if bounded else LIST_DEFAULT
