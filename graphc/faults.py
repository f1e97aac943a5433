"""A value that a step refused, told by the user's names: which operation, which element, and what it was.

Native code notes only which node found something wrong. The input that it looked at is computed once more by the slow
meaning of the graph, from the same feeds and variables (a step that fails leaves those as they were). Inside branches
and loops that meaning goes as far as to the same mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphc import errors
from graphc.graph import Graph
from graphc.interpret import at_most, evaluate, stopped_at
from graphc.needed import needed_nodes
from graphc.nodes import Operation, Tensor
from graphc.ops.blocks import SliceFrom
from graphc.ops.checks import Fitting, Refused
from graphc.ops.copies import Cast, Identity
from graphc.ops.indexing import GatherV2
from graphc.ops.measured import CheckSize
from graphc.ops.reshaping import Reshape

# What is computed again: an error message is not worth a slow forward pass.
MOST_NODES = 200  # behind an input, those inside branches and loops not counted
MOST_ELEMENTS = 20_000_000  # some 20,000 nodes inside loops, each time they run

ValueOf = Callable[[Tensor], Any]  # what a tensor of the step held; None where that would be slow to find


class RefusedValue(errors.InvalidArgumentError):
    """A node of a compiled step found an input that it cannot take; ``size`` is what decided, if any did."""

    def __init__(self, node: Any, refused: Refused, size: int | tuple[int, ...] | None):
        super().__init__(node, node, failure_text(node))
        self.refused = refused
        self.size = size


def failure_text(node: Any) -> str:
    """What is said when the node found an input that it cannot take."""
    text = node.kind.runtime_error(node)
    return text if _names_its_node(node) else f"{node.describe()}: {text}"


def _names_its_node(node: Any) -> bool:
    """Whether what it says was said by another node, which is named: of a branch that could not be compiled."""
    return isinstance(node.kind, CheckSize) and node.kind.text is not None


def explained(
    failure: RefusedValue, declared: Graph, step: Graph, values: Mapping[Tensor, Any]
) -> errors.InvalidArgumentError:
    """The error for the user, where ``values`` are what the inputs of the captured ``step`` held."""
    if _names_its_node(failure.op):
        return errors.InvalidArgumentError(failure.node_def, failure.op, failure.message)
    found = _declared(declared, failure.op)
    lookup = _lookup(found)
    node = lookup or found or failure.op
    there, value_of = _there(step, failure.op, values)
    beyond = _beyond(there, value_of)
    if beyond is not None:
        text = beyond
    elif hasattr(failure.op.kind, "explanation"):
        stood: Any = there if there and type(there.kind) is type(failure.op.kind) else failure.op
        text = stood.kind.explanation(stood, value_of)
    else:
        told: Any = lookup if lookup and lookup.inputs[0].type.is_exact else failure.op
        number = failure.size if told is failure.op else None  # a lookup that the user declared names its own size
        text = told.kind.runtime_error(told, number) + _element(failure, there, value_of)
    return errors.InvalidArgumentError(node, node, f"{node.describe()}: {text}")


def _declared(graph: Graph, failing: Operation) -> Operation | None:
    """The operation that the user declared, in a branch or a loop too, for which the failing one stands."""
    found = _named(graph, failing)
    functions = (f for node in graph.nodes if found is None for f in node.kind.functions().values())
    return found or next(filter(None, (_declared(function.graph, failing) for function in functions)), None)


def _named(graph: Graph, failing: Operation) -> Operation | None:
    """The operation of this graph for which the failing one stands."""
    try:
        return graph.get_operation_by_name(failing.user_name)
    except KeyError:
        return None


def _there(step: Graph, failing: Operation, values: Mapping[Tensor, Any]) -> tuple[Operation | None, ValueOf]:
    """The operation of the captured step that stands for the same one of the user's, and what its tensors held."""
    alike = [node for node in step.nodes if node.user_name == failing.user_name]
    of_its_kind = (node for node in alike if type(node.kind) is type(failing.kind))
    node = next(of_its_kind, None) or _named(step, failing)
    if node is not None:
        return node, lambda tensor: _value(tensor, values)
    around = next((node for node in step.nodes if _holds(node, failing)), None)
    inside, held = (None, {}) if around is None else _stop_within(around, values)
    if inside is None or inside.user_name != failing.user_name:
        return None, lambda _: None
    return inside, held.get


def _holds(node: Operation, failing: Operation) -> bool:
    """Whether what fails stands in a body of the node."""
    inside = [each for function in node.kind.functions().values() for each in function.graph.nodes]
    return any(each.user_name == failing.user_name or _holds(each, failing) for each in inside)


def _stop_within(node: Operation, values: Mapping[Tensor, Any]) -> tuple[Operation | None, dict[Tensor, Any]]:
    """Where the slow meaning of a branch or a loop ends with a mistake, and what stood before it."""
    try:
        _computed(node.outputs[0], values)
    except Exception as error:
        stop, inputs = stopped_at(error) or (None, [])
        return stop, {} if stop is None else dict(zip(stop.inputs, inputs, strict=True))
    return None, {}


def _lookup(node: Operation | None) -> Operation | None:
    """The gather whose adjoint, or whose rows' update, looks at the same indices: a user knows the lookup alone."""
    if node is None or node.role not in ("adjoint", "update"):
        return None
    for indices in node.inputs:
        while isinstance(indices.op.kind, (Fitting, Cast, Identity, Reshape)):
            indices = indices.op.inputs[0]
        for other in indices.consumers():
            if isinstance(other.kind, GatherV2) and other.inputs[1] is indices and other.role == "forward":
                return other
    return None


def _beyond(node: Operation | None, value_of: ValueOf) -> str | None:
    """What is wrong with the begin and the size of a slice; None where that is not it, or would be slow to find."""
    if node is None or not isinstance(node.kind, SliceFrom):
        return None
    x, begin, size = map(value_of, node.inputs)
    if x is None or begin is None or size is None:
        return None
    try:
        node.kind.bounds(x.shape, begin, size)
    except ValueError as error:
        return str(error)
    return None


def _element(failure: RefusedValue, node: Operation | None, value_of: ValueOf) -> str:
    """``: ids[1] = 99``, the first element that is refused; nothing where that would be slow to find."""
    if node is None:
        return ""
    if getattr(node.kind, "becomes", type(node.kind)) is not type(failure.op.kind):
        return ""
    place, wrong, _ = failure.refused
    judged = node.inputs[place]
    while isinstance(judged.op.kind, Fitting):  # what was given, which stands before that
        judged = judged.op.inputs[0]
    came = value_of(judged)
    if came is None or not np.any(wrong(came, failure.size)):
        return ""
    first = tuple(np.argwhere(wrong(came, failure.size))[0].tolist())
    if getattr(node.kind, "slices", False):  # the user wrote a position that was counted from the front since
        return f": {came[first] if came[first] >= 0 else came[first] - failure.size}"
    index = "[" + ",".join(map(str, first)) + "]" if first else ""
    if came[first].ndim:  # a matrix, of which the place in its batch says enough
        return f": {judged.user_label}{index}" if index else ""
    return f": {judged.user_label}{index} = {came[first]}"


def _value(tensor: Tensor, values: Mapping[Tensor, Any]) -> Any:
    """What a tensor of the step held; None where that would be slow to find."""
    try:
        return _computed(tensor, values)
    except Exception:  # some ops have no slow meaning; whatever went wrong, the error that is explained is another
        return None


def _computed(tensor: Tensor, values: Mapping[Tensor, Any]) -> Any:
    """A value by the slow meaning, within bounds."""
    if len(needed_nodes([tensor])) > MOST_NODES:
        return None
    with at_most(MOST_ELEMENTS):
        return evaluate(tensor.graph, values, [tensor])[0]
