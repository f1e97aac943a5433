"""Exact types inside of branches, and of what they give: the part of :mod:`specialise` for ``If``.

Before, with the input ``x`` known to be ``f32[3]``::

    y: f32[?] = If(p, x)
        then:
            y/strided_slice: f32[?] = StridedSlice(x, key=:2)
            return y/strided_slice
        orelse:
            y/Neg: f32[?] = Neg(x)
            return y/Neg
    return y

After::

    y: f32[m0], y:1: i64[] = If(p, x)
        then:
            y/strided_slice: f32[2] = Slice(x, begin=[0], size=[2])
            Const: i64[] = Const(value=2)
            return y/strided_slice, Const
        orelse:
            y/Neg: f32[3] = Neg(x)
            Const: i64[] = Const(value=3)
            return y/Neg, Const
    return y

What is known of a value outside, its sizes or that it is a constant, is known inside. Where the branches give other
sizes, or count them, the node tells the sizes of the one that is taken (:mod:`graphc.ops.told`). A branch that cannot
be for these sizes is an error where it is taken, for programs that ask for sizes before they use them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.body import Function
from graphc.dims import (
    Dim,
    DimLike,
    Measured,
    Symbol,
    atom,
    atoms,
    coefficient,
    is_nonnegative,
    measured_in,
    substitute,
)
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.branches import If, Undefined
from graphc.ops.measured import Measuring, MustBe, refuse
from graphc.ops.reshaping import dim_value
from graphc.ops.shape_values import DependsOnData, inputs_behind_sizes, sources_of_sizes
from graphc.ops.told import COUNT, as_assumed, known_around, larger, told_size
from graphc.passes.bodies import inlined
from graphc.records import replace
from graphc.scopes import get_default_graph
from graphc.shapes import TensorType

Specialise = Callable[..., Graph]


def exact_if(
    node: Operation, inputs: Sequence[Tensor], values: Sequence[Any], specialise: Specialise
) -> Sequence[Tensor]:
    """The node with exact branches; sizes that differ, or that a branch counts, it tells."""
    kind: If = node.kind  # type: ignore[assignment]
    values = known_values(inputs, values)
    with from_outside(node, 1):
        then, orelse = _exact_branches(node, inputs, values[1:], specialise)
    pairs = list(zip(then.targets, orelse.targets, strict=True))
    for a, b in pairs:
        if "Undefined" not in (a.op.type, b.op.type) and len(a.type.sizes) != len(b.type.sizes):
            message = f"its branches give {a.type} and {b.type}; one program needs as many axes of both"
            raise errors.InvalidArgumentError(node, node, f"{node.describe()}: {message}")
    _define_types(then, orelse)
    _define_types(orelse, then)
    if isinstance(inputs[0].op.kind, Const):
        return inlined(then if inputs[0].op.kind.value.item() else orelse, inputs[1:])
    return _with_sizes(node, replace(kind, then=then, orelse=orelse), inputs)


def _exact_branches(
    node: Operation, inputs: Sequence[Tensor], values: Sequence[Any], specialise: Specialise
) -> list[Function]:
    """Both branches; in place of the one that cannot be for these types, one that says why when it is taken.

    Programs ask for sizes by a branch before they use them: ``tf.cond(tf.size(x) > 2, lambda: x[2], lambda: 0.0)``.
    """
    types = [tensor.type for tensor in inputs[1:]]
    branches = node.kind.then, node.kind.orelse  # type: ignore[attr-defined]
    predicate = inputs[0].op.kind
    found: list[Function | None] = []
    for number, branch in enumerate(branches):
        try:
            found.append(_exact_branch(branch, types, inputs[1:], values, specialise))
        except errors.InvalidArgumentError as error:
            is_taken = isinstance(predicate, Const) and predicate.value.item() == (number == 0)
            if is_taken or None in found or not is_final(error, types, values):
                raise
            found.append(None)
            reason = error
    return [
        refused(branch, reason, [x.type for x in branch.targets]) if own is None else own
        for own, branch in zip(found, branches, strict=True)
    ]


def is_final(error: errors.InvalidArgumentError, types: Sequence[TensorType], values: Sequence[Any]) -> bool:
    """Whether what does not fit is wrong for good: of symbols, it may fit for the numbers that they stand for.

    What is counted while the step runs stays a symbol.
    """
    with_symbols = [value for value in values if value is not None and value.dtype.kind == "O"]
    known = [entry for value in with_symbols for entry in value.reshape(-1)]
    sizes = [size for type in types if type.shape is not None for size in type.shape]
    mentioned = {thing for size in [*sizes, *known] if isinstance(size, Dim) for thing in atoms(size)}
    is_open = any(isinstance(thing, Symbol) and not isinstance(thing, Measured) for thing in mentioned)
    return error.__cause__ is None and not is_open


def refused(function: Function, error: errors.InvalidArgumentError, types: Sequence[TensorType]) -> Function:
    """A branch that is an error where it is taken, or a body where it runs; it gives nothing, of these types."""
    graph = Graph()
    graph.extras[Measuring] = Measuring.of(get_default_graph())
    with graph.as_default():
        graph.stand_for(error.op)
        refuse(str(error.message))
        graph.targets = tuple(_undefined(graph, type, lambda size: size or 0, error.op) for type in types)
    return Function(graph, function.names)


def _exact_branch(
    function: Function, types: Sequence[TensorType], arguments: Sequence[Tensor], values: Sequence[Any],
    specialise: Specialise,
) -> Function:  # fmt: skip
    """The branch; what a size from outside must be in it, it must be only where the branch is taken."""
    measuring = Measuring.of(get_default_graph())
    assert measuring is not None, "sizes are told while a graph is made exact"
    outside, before = known_around(), dict(measuring.here)
    try:
        while True:
            try:
                return exact_function(function, types, arguments, values, specialise)
            except MustBe as found:
                if found.size not in outside or found.size.name in measuring.here:
                    raise
                measuring.here[found.size.name] = found.other
    finally:
        measuring.here = before


def _define_types(function: Function, other: Function) -> None:
    """What is not defined in one branch has the type that it has in the other; what that counts, in a size of this one.

    Nobody reads it: only the adjoint of the other branch would.
    """
    sizes = _counterparts(function, other)
    targets = list(function.targets)
    for n, (own, given) in enumerate(zip(targets, other.targets, strict=True)):
        if own.op.type == "Undefined" and (given.op.type != "Undefined" or given.type.is_exact):
            targets[n] = _undefined(
                function.graph,
                given.type,
                lambda size: substitute(size, lambda thing: sizes.get(thing, atom(thing))),
                own.op,
            )
    function.graph.targets = tuple(targets)


def _undefined(graph: Graph, type: TensorType, size_here: Callable[[Any], DimLike], like: Operation) -> Tensor:
    shape = tuple(map(size_here, type.shape or ()))
    return graph.add(Undefined(type.dtype, shape), (), (TensorType(type.dtype, shape),), like=like).outputs[0]


def _counterparts(function: Function, other: Function) -> dict[Any, DimLike]:
    """For each size that the other branch counts, the size that stands there in this one; 0 where none does."""
    found: dict[Any, DimLike] = dict.fromkeys(other.graph.measured, 0)
    defined = [pair for pair in zip(function.targets, other.targets) if "Undefined" not in (x.op.type for x in pair)]
    for own, given in defined:
        for here, there in zip(own.type.sizes, given.type.sizes):
            for thing in measured_in(there) & other.graph.measured.keys():
                size = here - (there - atom(thing))
                if coefficient(there, thing) == 1 and found[thing] == 0 and is_nonnegative(size):
                    found[thing] = size
    return found


def _with_sizes(node: Operation, kind: If, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """The node, which tells the sizes that its branches do not share."""
    graph = get_default_graph()
    types = [(a.type, b.type) for a, b in zip(kind.then.targets, kind.orelse.targets, strict=True)]
    told: dict[tuple[DimLike, DimLike], DimLike] = {}
    for a, b in types:
        own = (pair for pair in zip(a.sizes, b.sizes, strict=True) if pair[0] != pair[1] or _is_counted(kind, pair))
        told.update(dict.fromkeys(own, 0))
    for number, function in enumerate((kind.then, kind.orelse)):
        with function.graph.as_default():
            function.graph.targets += tuple(dim_value(pair[number], dtypes.int64) for pair in told)
    first = tuple(a for a, _ in types)
    outputs = graph.add(kind, inputs, (*first, *[COUNT] * len(told)), like=node).outputs
    for pair, count in zip(told, outputs[len(types) :], strict=True):
        told[pair] = told_size(count, larger(*pair))
    for out, (a, b) in zip(outputs, types):
        out.type = TensorType(a.dtype, tuple(told.get(pair, pair[0]) for pair in zip(a.sizes, b.sizes)))
    return [as_assumed(out) for out in outputs[: len(types)]]


def _is_counted(kind: If, pair: tuple[DimLike, DimLike]) -> bool:
    return bool(measured_in(pair[0]) & kind.then.graph.measured.keys())


def exact_function(
    function: Function, types: Sequence[TensorType], arguments: Sequence[Tensor], values: Sequence[Any],
    specialise: Specialise, first: Callable[[], Mapping[str, TensorType]] | None = None,
) -> Function:  # fmt: skip
    """The function for arguments of these types; what is known of their values is written in.

    What ``first`` declares stands before all else, and tells the types of some arguments.
    """
    named: dict[str, TensorType] = {}
    fixed: dict[str, Any] = {}
    symbolic: dict[str, Any] = {}
    for name, type, argument, value in zip(function.names, types, arguments, values, strict=True):
        if name is None:
            continue
        named[name] = type
        if value is None:
            continue
        if isinstance(argument.op.kind, Const):
            fixed[name] = argument.op.kind.value
        elif any(isinstance(size, Dim) for size in value.reshape(-1)):
            symbolic[name] = value
        else:
            fixed[name] = np.array(value.tolist(), type.dtype.numpy).reshape(value.shape)
    return Function(specialise(function.graph, named, fixed, symbolic, first=first), function.names)


def known_values(inputs: Sequence[Tensor], values: Sequence[Any]) -> list[Any]:
    """What is known of each input: of a constant its value, of whatever type it is."""
    pairs = zip(inputs, values, strict=True)
    return [x.op.kind.value if isinstance(x.op.kind, Const) else value for x, value in pairs]


@contextmanager
def from_outside(node: Operation, first: int) -> Iterator[None]:
    """Notes in an error for want of a value which inputs of the node could tell it."""
    try:
        yield
    except errors.InvalidArgumentError as error:
        cause = error.__cause__
        if isinstance(cause, DependsOnData):
            inner = inputs_behind_sizes(error.op) if cause.tensors is None else cause.tensors
            functions = [value for value in vars(node.kind).values() if isinstance(value, Function)]
            pairs = [pair for f in functions for pair in zip(f.parameters, node.inputs[first:])]
            cause.tensors = sources_of_sizes(outside for parameter, outside in pairs if parameter in inner)
        raise
