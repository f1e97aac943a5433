"""Rows for branches, loops and the arrays that loops write.

A branch or a loop is TensorFlow's functional node, its bodies functions of the library. All that a body takes from
outside is an argument, which a loop carries; variables are read before. What an adjoint wants besides, graphc alone
reads: it is noted beside the node.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from graphc import dtypes
from graphc.body import Body
from graphc.exchange.attributes import Sized, dtype_number
from graphc.exchange.functions import in_function, with_inputs
from graphc.exchange.row import I32, Inputs, NotInTensorFlow, numbers
from graphc.needed import needed_nodes
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Placeholder
from graphc.ops.branches import Undefined
from graphc.ops.loops import HistoryType
from graphc.ops.state import ReadVariable, VariableV2


def if_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    """``Y1, Y2, ... = If(predicate, X1, X2, ...)``."""
    kind: Any = node.kind
    pairs = takewhile(_is_for_all, zip(kind.then.targets, kind.orelse.targets, node.outputs))
    count = len(list(pairs))  # behind these stand values that the adjoint of one branch wants
    bodies = {"then_branch": kind.then, "else_branch": kind.orelse}
    call = _Call(w, node, {name: (body, body.targets[:count]) for name, body in bodies.items()})
    names = call.arguments(node.inputs[1:], inputs[1:])
    outputs = [out.type for out in node.outputs[:count]]
    made = w.put(
        call.op("If"), [inputs[0], *names], Tcond=dtypes.bool, Tin=call.types, Tout=[type.dtype for type in outputs],
        output_shapes=[Sized(type.shape) for type in outputs],
    )  # fmt: skip
    for name, (body, targets) in call.bodies.items():
        made.attr[name].func.name = call.function(name, body, targets, range(len(node.inputs) - 1))
    return made if w.is_inside or count == len(node.outputs) else w.exact(made, node, inputs)


def _is_for_all(results: tuple[Tensor, Tensor, Tensor]) -> bool:
    return not any(isinstance(x.op.kind, Undefined) or isinstance(x.dtype, HistoryType) for x in results)


def while_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    """``X1, X2, ... = While(X1, X2, ...)``: all that the bodies take goes round."""
    kind: Any = node.kind
    if kind.replays:
        raise NotInTensorFlow("it walks back through what another loop saved")
    variables = kind.body.targets[: kind.variables]
    call = _Call(w, node, {"cond": (kind.condition, kind.condition.targets), "body": (kind.body, variables)})
    names = call.arguments(node.inputs, inputs)
    places = range(len(node.inputs))
    shapes = [out.type.shape for out in node.outputs[: kind.variables]]
    shapes += [x.type.shape for x in node.inputs[kind.variables :]]
    shapes += call.variable_shapes
    made = w.put(
        call.op("While"), names, T=call.types, output_shapes=[Sized(shape) for shape in shapes], parallel_iterations=10
    )
    made.attr["cond"].func.name = call.function("cond", *call.bodies["cond"], places)
    made.attr["body"].func.name = call.function("body", *call.bodies["body"], places, goes_round=True)
    return made if w.is_inside or kind.variables == len(node.outputs) else w.exact(made, node, inputs)


class _Call:
    """A node that calls functions: what these take, and what they are called."""

    def __init__(self, w: Any, node: Operation, bodies: Mapping[str, tuple[Body, Sequence[Tensor]]]):
        self.w, self.node, self.bodies = w, node, bodies
        self.types: list[Any] = []
        found = [part for body, targets in bodies.values() for part in _all_needed(targets)]
        self.variables = {part.name: part for part in found if isinstance(part.kind, VariableV2)}
        self.variable_shapes = [part.outputs[0].type.shape for part in self.variables.values()]
        for part in found:
            takes_place = any(isinstance(x.op.kind, VariableV2) for x in part.inputs)
            if takes_place and not isinstance(part.kind, ReadVariable) and not part.kind.functions():
                raise NotInTensorFlow(f"{part.describe()} in it changes a variable or asks for its place")
        self._stateful = any(_has_state(part) for part in found)

    def op(self, name: str) -> str:
        """The type of the node."""
        return name if self._stateful else f"Stateless{name}"

    def arguments(self, tensors: Sequence[Tensor], names: Inputs) -> Inputs:
        """The inputs of the node: those it has, and the variables that the bodies read."""
        if any(isinstance(tensor.dtype, HistoryType) for tensor in tensors):
            raise NotInTensorFlow("it passes on what a loop saved")
        self.types = [tensor.dtype for tensor in tensors]
        read = []
        for n, (name, part) in enumerate(self.variables.items()):
            dtype = part.outputs[0].dtype
            read.append(self.w.beside("Identity", f"variable_{n}", [name], T=dtype))
            self.types.append(dtype)
        return [*names, *read]

    def function(
        self, label: str, body: Body, targets: Sequence[Tensor], places: range, goes_round: bool = False
    ) -> str:
        """Adds a function to the library; its name."""
        inner = type(self.w)(body, in_function=self.w)
        parameters = {x.op.name: f"x{place}" for place, x in zip(places, body.parameters, strict=True) if x is not None}
        given = parameters | {name: f"x{len(places) + n}" for n, name in enumerate(self.variables)}
        for part in needed_nodes(targets):
            if part.name not in given:
                inner.add(part)
        ops = {made.name: made.op for made in inner.found.node}
        function = self.w.library.function.add()
        function.signature.name = self.w.free_function(re.sub(r"\W+", "_", f"{self.node.name}_{label}"))
        for n, dtype in enumerate(self.types):
            function.signature.input_arg.add(name=f"x{n}", type=dtype_number(dtype))
        function.node_def.extend(with_inputs(inner.found.node, lambda name: in_function(name, ops, given)))
        for made in function.node_def:
            made.attr.pop("_class", None)  # of a variable outside
        results = [in_function(tensor.name, ops, given) for tensor in targets]
        types = [tensor.dtype for tensor in targets]
        if goes_round:
            results += [f"x{n}" for n in range(len(targets), len(self.types))]
            types = self.types
        for n, (result, dtype) in enumerate(zip(results, types, strict=True)):
            function.signature.output_arg.add(name=f"y{n}", type=dtype_number(dtype))
            function.ret[f"y{n}"] = result
        return str(function.signature.name)


def _all_needed(targets: Sequence[Tensor]) -> Iterator[Operation]:
    """The nodes that the targets need, those inside of branches and loops included."""
    for node in needed_nodes(targets):
        yield node
        for function in node.kind.functions().values():
            yield from _all_needed(function.targets)


def _has_state(node: Operation) -> bool:
    """Whether TensorFlow's node must not be left out, or done once for twice."""
    pure = (Placeholder, VariableV2, ReadVariable)
    return node.kind.by_identity and not isinstance(node.kind, pure) and not node.kind.functions()


# -- arrays that loops write -------------------------------------------------------------------------------


def new_rows_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    """Zeros."""
    kind: Any = node.kind
    row = w.const("row", numbers(kind.row, "sizes of an element"))
    count = w.helper("Reshape", "count", [inputs[0], w.const("one", [1])], T=I32, Tshape=I32)
    sizes = w.helper("ConcatV2", "sizes", [count, row, w.const("axis", 0)], N=2, T=I32, Tidx=I32)
    zero = w.const("zero", kind.dtype.zero, object if kind.dtype is dtypes.string else kind.dtype.numpy)
    return w.exact(w.put("Fill", [sizes, zero], T=kind.dtype, index_type=I32), node, inputs)


def write_rows_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    """``TensorScatterUpdate(array, [[index]], [row])``."""
    array, indices, _ = node.inputs[:3]
    if array.type.shape is None or indices.type.shape is None:
        raise NotInTensorFlow("the shape of its elements is not known while declaring")
    places = w.helper("ExpandDims", "places", [inputs[1], w.const("last", -1)], T=indices.dtype, Tdim=I32)
    rows = inputs[2]
    if indices.type.shape == ():
        first = w.const("first", 0)
        places = w.helper("ExpandDims", "place", [places, first], T=indices.dtype, Tdim=I32)
        rows = w.helper("ExpandDims", "row", [rows, first], T=array.dtype, Tdim=I32)
    made = w.put("TensorScatterUpdate", [inputs[0], places, rows], T=array.dtype, Tindices=indices.dtype)
    return w.exact(made, node, inputs)
