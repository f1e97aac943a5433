"""One kernel of the graph as a kernel of loops: arguments are its inputs, its outputs, and where errors are noted."""

from __future__ import annotations

from collections.abc import Collection

from graphc.codegen.interface import source_of
from graphc.codegen.loops import Buffer, Contract, Kernel, Statement
from graphc.codegen.lower.nest import Nest
from graphc.codegen.lower.rules import root_of, rule_of
from graphc.codegen.lower.values import Values
from graphc.needed import needed_nodes
from graphc.nodes import Operation, Tensor
from graphc.ops import contraction, fused
from graphc.records import record, replace


@record
class Lowered:
    """The loops of a kernel, and the nodes that its error codes 1, 2, ... stand for."""

    kernel: Kernel
    checked: list[Operation]


def fed_operands(node: Operation, feeds: Collection[Tensor | None]) -> tuple[int, ...]:
    """Which inputs of a ``Kernel`` node are operands of a product and arrays of the caller's."""
    kind: fused.Kernel = node.kind  # type: ignore[assignment]
    products = [n for n in kind.body.nodes if isinstance(n.kind, contraction.Contract | contraction.ContractPhases)]
    operands = {x for product in products for x in product.inputs}
    pairs = zip(kind.parameters, node.inputs, strict=True)
    return tuple(n for n, (parameter, x) in enumerate(pairs) if parameter in operands and source_of(x) in feeds)


def lower(node: Operation, fed: Collection[int] = ()) -> Lowered:
    """Plain loops for a ``Kernel`` node, with names that do not depend on where it stands: equals can be shared.

    The inputs with the numbers ``fed`` are operands of products that the caller hands in.
    """
    kind: fused.Kernel = node.kind  # type: ignore[assignment]
    inputs = {tensor: _buffer(f"in{n}", tensor) for n, tensor in enumerate(kind.parameters)}
    outputs = {tensor: _buffer(f"out{n}", tensor) for n, tensor in enumerate(dict.fromkeys(kind.body.targets))}
    errors = Buffer("errors", "i64", 1)
    checked: list[Operation] = []

    def note(failing: Operation) -> tuple[Buffer, int]:
        if failing not in checked:
            checked.append(failing)
        return errors, checked.index(failing) + 1

    body: list[Statement] = []
    scratch: list[Buffer] = []
    for number, (space, places) in enumerate(kind.spaces):
        targets = {kind.body.targets[place]: outputs[kind.body.targets[place]] for place in places}
        nest = Nest(number, needed_nodes(targets), space, Values(rule_of, inputs), targets, note)
        body += _root_statements(nest) or nest.statements()
        scratch += nest.scratch
    arguments = (*inputs.values(), *outputs.values(), *((errors,) if checked else ()))
    marked = tuple(_marked(statement, {f"in{n}" for n in fed}) for statement in body)
    return Lowered(Kernel("kernel", arguments, marked, tuple(scratch)), checked)


def _marked(statement: Statement, fed: Collection[str]) -> Statement:
    """A contraction that knows which of its operands are fed."""
    if not fed or not isinstance(statement, Contract):
        return statement
    return replace(
        statement, spec=replace(statement.spec, fed_a=statement.a.name in fed, fed_b=statement.b.name in fed)
    )


def _root_statements(nest: Nest) -> tuple[Statement, ...] | None:
    """The loops of an op that has loops of its own; a concatenation in a block of its parts has none."""
    for node in nest.nodes:
        root = root_of(type(node.kind))
        if root is not None and node.outputs[0].type.sizes == nest.sizes:
            return root(nest, node)
    return None


def _buffer(name: str, tensor: Tensor) -> Buffer:
    return Buffer(name, tensor.dtype.short, tensor.type.elements)
