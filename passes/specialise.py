"""Writes exact sizes into the graph: each an int, or a symbol where one program serves every size.

Before, with the input ``x`` known to be ``f32[n,784]``::

    x: f32[?,784] = Placeholder()
    s: i32[2] = Shape(x)
    y: f32[?,784] = Reshape(x, s)

After::

    x: f32[n,784] = Placeholder()
    y: f32[n,784] = Reshape(x, shape=[n,784])

Type rules are run again on exact types; whole-number values that follow from shapes become constants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.dims import Dim
from graphc.graph import Graph
from graphc.needed import needed_nodes
from graphc.nodes import Operation, Tensor
from graphc.ops.assertions import Assert
from graphc.ops.base import Const, Placeholder, constant
from graphc.ops.branches import If
from graphc.ops.elementwise import cast
from graphc.ops.late import Late
from graphc.ops.loops import While
from graphc.ops.measured import (
    AtMost,
    Measuring,
    MustBe,
    assumption,
    check_sizes,
    is_measured,
    measured_value,
    require_count,
)  # fmt: skip
from graphc.ops.reshaping import DimValue, Reshape
from graphc.ops.shape_values import DependsOnData, NeedsNumbers, compute
from graphc.ops.told import as_assumed
from graphc.passes.rewrite import rewrite
from graphc.passes.trim import Part, parts_of
from graphc.records import record
from graphc.scopes import get_default_graph
from graphc.shapes import MOST, TensorType

First = Callable[[], Mapping[str, TensorType]]


@record
class Given:
    """What is known of a step's inputs, by name: exact types (None: nothing is), and values that are written in.

    With ``by_value``, sizes that do not follow from these are taken from data when the step runs.
    """

    types: Mapping[str, TensorType] | None = None
    fixed: Mapping[str, Any] = {}
    by_value: bool = False


def specialise_for(graph: Graph, given: Given) -> Graph:
    """The graph for what is given of its inputs; as it is where nothing is."""
    return graph if given.types is None else specialise(graph, given.types, given.fixed, by_value=given.by_value)


def specialise(
    graph: Graph,
    types: Mapping[str, TensorType],
    fixed: Mapping[str, Any] | None = None,
    symbolic: Mapping[str, Any] | None = None,
    by_value: bool = False,
    first: First | None = None,
) -> Graph:
    """The graph for inputs of exact ``types``, given by node name; ``InvalidArgumentError`` where they do not fit.

    An input whose name is in ``fixed`` becomes the constant that stands there: shapes may follow from it. They may
    also follow from the sizes, symbols among them, that an input in ``symbolic`` has as values. With ``by_value``,
    those that depend on data are taken from it when the step runs. What ``first`` declares stands before all else, and
    tells further types.
    """
    fixed, symbolic = fixed or {}, symbolic or {}
    measuring = Measuring.of(get_default_graph())
    if measuring is not None:  # a body of what is made exact
        return rewrite(graph, _Exactly(types, fixed, symbolic, measuring, _needed(graph), first).node)
    measuring = Measuring(by_value)
    while True:
        try:
            return rewrite(graph, _Exactly(types, fixed, symbolic, measuring, _needed(graph)).node)
        except (AtMost, MustBe) as found:
            measuring = measuring.again(found)


class _Exactly:
    """Writes a graph's nodes again, for inputs of these types; ``values`` are the whole numbers that are known."""

    def __init__(
        self,
        types: Mapping[str, TensorType],
        fixed: Mapping[str, Any],
        symbolic: Mapping[str, Any],
        measuring: Measuring,
        needed: Mapping[Operation, Part | None] | None,
        first: First | None = None,
    ):
        self.types, self.fixed, self.symbolic, self.measuring = types, fixed, symbolic, measuring
        self.needed = needed
        self.first = first
        self.values: dict[Tensor, Any] = {}

    def node(self, node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        """The node again, as a constant where its value is known before the run."""
        graph = get_default_graph()
        graph.extras[Measuring], graph.before_adding = self.measuring, check_sizes
        if self.first is not None:
            self.types = {**self.types, **self.first()}
            self.first = None
        if node.name in self.fixed:
            known = get_default_graph().add(Const(self.fixed[node.name]), (), like=node).outputs[0]
            self.values[known] = compute(known, (), ())
            return (known,)
        if node.name in self.types and not node.inputs:
            outputs = get_default_graph().add(node.kind, (), (self.types[node.name],), like=node).outputs
            if node.name in self.symbolic:
                self.values[outputs[0]] = self.symbolic[node.name]
            return (as_assumed(outputs[0]),)
        return self._written_in(node, self._computed(node, inputs)) if self.fixed else self._computed(node, inputs)

    def _written_in(self, node: Operation, outputs: Sequence[Tensor]) -> Sequence[Tensor]:
        """What the node computes, the constant in its place where that is known before the run."""
        results = list(outputs)
        for place, old in enumerate(node.outputs):
            if old.name in self.fixed:
                results[place] = constant(self.fixed[old.name])
                self.values[results[place]] = compute(results[place], (), ())
        return results

    def _computed(self, node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        if self.needed is not None and node.inputs and node not in self.needed:
            return [inputs[0]] * len(node.outputs)  # stands for what nobody needs: its sizes need not fit
        return self._made(node, inputs)

    def _made(self, node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        if isinstance(node.kind, (If, While)):
            part = None if self.needed is None else self.needed.get(node)
            if part is not None and _is_less(part, node):
                return self._part(node, inputs, part)
            return self._exact(node, inputs)
        if isinstance(node.kind, Late):
            return self._late(node, inputs, node.kind)
        try:
            result = _exact_node(node, inputs, [self.values.get(tensor) for tensor in inputs])
        except errors.InvalidArgumentError as error:
            if not self._is_told_by_value(node, inputs, error.__cause__):
                raise
            result = self._by_their_value(node, inputs)
        if len(result) == 1:
            known = compute(node.outputs[0], [x.type for x in inputs], [self.values.get(x) for x in inputs])
            if known is None and isinstance(result[0].op.kind, (DimValue, Const)):  # what was counted
                known = compute(result[0], (), ())
            if known is not None:
                result = (_known(node, result[0], known),)
                self.values[result[0]] = known
        return result

    def _exact(self, node: Operation, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        from graphc.passes.specialise_bodies import exact_if  # late: few graphs have branches or loops
        from graphc.passes.specialise_loops import exact_while

        exact_node = exact_if if isinstance(node.kind, If) else exact_while
        return exact_node(node, inputs, [self.values.get(tensor) for tensor in inputs], specialise)

    def _part(self, node: Operation, inputs: Sequence[Tensor], part: Part) -> Sequence[Tensor]:
        """A branch or a loop without what it carries for nobody. An output of it stands for that."""
        types = tuple(node.outputs[n].type for n in part.outputs)
        known = (node.graph, node.number, part.kind, node.name, tuple(node.inputs[n] for n in part.inputs), types)
        needed = Operation(*known, tuple(node.control_inputs), node.origin, node.role, node.device, node.stands_for)
        found = self._exact(needed, [inputs[n] for n in part.inputs])
        outputs = [found[0]] * len(node.outputs)
        for n, tensor in zip(part.outputs, found, strict=True):
            outputs[n] = tensor
        return outputs

    def _is_told_by_value(self, node: Operation, inputs: tuple[Tensor, ...], cause: BaseException | None) -> bool:
        """Whether a size that could not be written in can be told when the step runs."""
        if isinstance(cause, DependsOnData):
            return self.measuring.by_value
        counted = any(is_measured(size) for x in inputs for size in x.type.shape or ()) or any(
            is_measured(entry) for x in inputs if self.values.get(x) is not None for entry in self.values[x].reshape(-1)
        )
        needs_numbers = isinstance(cause, NeedsNumbers) or (counted and isinstance(node.kind, Reshape))
        return needs_numbers and hasattr(node.kind, "measured") and (self.measuring.by_value or counted)

    def _by_their_value(self, node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        """The node with sizes that are taken from the values of its inputs when the step runs."""
        special = getattr(node.kind, "measured", None)
        try:
            if special is not None:
                return (special(inputs, [self.values.get(tensor) for tensor in inputs]),)
            for tensor in inputs[node.kind.size_inputs]:
                self.values[tensor] = measured_value(tensor, self.values)
        except (ValueError, TypeError) as error:
            raise _failure(node, error) from _cause(error)
        return _exact_node(node, inputs, [self.values.get(tensor) for tensor in inputs])

    def _late(self, node: Operation, inputs: tuple[Tensor, ...], kind: Late) -> Sequence[Tensor]:
        """What is declared now, in a graph of its own with the ranks that are known by now, made exact in turn."""
        with Graph().as_default() as inner:
            stand_ins = [inner.add(Placeholder(x.dtype), (), (_declarable(x.type),), name=x.op.name) for x in inputs]
            inner.stand_for(node)
            places = {new.outputs[0]: x for new, x in zip(stand_ins, inputs, strict=True)}
            tensors = list(places)[: kind.tensors]
            try:
                outputs = kind.declared(tensors, [self.values.get(x) for x in inputs[kind.tensors :]])
                if any(isinstance(new.kind, Late) for new in inner.nodes):
                    raise NeedsNumbers("it is another program for each size")
            except (ValueError, TypeError) as error:
                raise _failure(node, error) from _cause(error)
        checks = [new.outputs[0] for new in inner.nodes if isinstance(new.kind, Assert)]
        for declared in needed_nodes([*outputs, *checks]):
            if declared.outputs[0] not in places:
                found = self._made(declared, tuple(places[x] for x in declared.inputs))
                places.update(zip(declared.outputs, found, strict=True))
        for check in checks:  # which nothing here waits for: effects got their order before
            require_count(cast(places[check], dtypes.int64))
        return [places[y] for y in outputs]


def _needed(graph: Graph) -> dict[Operation, Part | None] | None:
    """The needed nodes, and which part of branches and loops is; None where there are none: then all nodes are."""
    if not any(isinstance(node.kind, (If, While)) for node in graph.nodes):
        return None
    return parts_of(graph, graph.targets)


def _is_less(part: Part, node: Operation) -> bool:
    """Whether some of what a branch or a loop carries is for nobody."""
    gives_less = isinstance(node.kind, If) and len(part.outputs) < len(node.outputs)
    return gives_less or len(part.inputs) < len(node.inputs)


def _declarable(type: TensorType) -> TensorType:
    """The type as a program may declare it: without symbols."""
    return TensorType(type.dtype, tuple(size if isinstance(size, int) else None for size in type.sizes))


def _exact_node(node: Operation, inputs: tuple[Tensor, ...], values: Sequence[Any]) -> Sequence[Tensor]:
    try:
        special = getattr(node.kind, "specialise", None)
        result = special(inputs, values) if special else None
        if result is None:
            result = get_default_graph().add(node.kind, inputs, like=node).outputs
        outputs = (result,) if isinstance(result, Tensor) else result
        _check_addressable(node, outputs)
        return outputs
    except (ValueError, TypeError) as error:
        found = None if _cause(error) else _must_be(node, inputs, values)
        if found is not None:
            raise found from None
        raise _failure(node, error) from _cause(error)


def _check_addressable(node: Operation, outputs: Sequence[Tensor]) -> None:
    """``ResourceExhaustedError`` for what no memory could hold: its places would not be numbers of 63 bits."""
    for y in outputs:
        count = y.dtype.size or 1
        for size in y.type.shape or ():
            if isinstance(size, int) and size:
                count *= size
        if count > MOST:
            text = f"cannot allocate {count} bytes for a value of type {y.type}, of {node.describe()}"
            raise errors.ResourceExhaustedError(node, node, text)


def _must_be(node: Operation, inputs: Sequence[Tensor], values: Sequence[Any]) -> MustBe | None:
    """What a measured size must be equal to so that the inputs fit the node, if that is what is wrong."""

    def fit(types: Sequence[TensorType]) -> bool:
        with Graph().as_default() as trial:
            trial.extras[Measuring] = Measuring()
            stand_ins = [trial.add(Placeholder(type.dtype), (), (type,)).outputs[0] for type in types]
            try:
                special = getattr(node.kind, "specialise", None)
                if special is None or special(stand_ins, values) is None:
                    trial.add(node.kind, stand_ins)
            except (ValueError, TypeError):
                return False
            return True

    types = [x.type for x in inputs]
    if not all(type.is_exact for type in types):  # an array whose rows its loop will learn
        return None
    return assumption(types, fit) if any(is_measured(size) for type in types for size in type.sizes) else None


def _failure(node: Operation, error: Exception) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(node, node, f"{node.describe()}: {error}")


def _cause(error: Exception) -> Exception | None:
    """The reason that the session may take away, since it knows the values."""
    return error if isinstance(error, (DependsOnData, NeedsNumbers)) else None


def _known(node: Operation, tensor: Tensor, value: Any) -> Tensor:
    """A constant in place of ``tensor`` where its value holds no symbol; a single size that does by its name."""
    if isinstance(tensor.op.kind, (Const, DimValue)):
        return tensor
    if any(isinstance(item, Dim) for item in value.reshape(-1)):
        return (
            tensor if value.ndim else tensor.graph.add(DimValue(value.item(), tensor.dtype), (), like=node).outputs[0]
        )
    array = np.array(value.tolist(), tensor.dtype.numpy).reshape(value.shape)
    return tensor.graph.add(Const(array), (), like=node).outputs[0]
