"""What an adjoint body takes from its forward body: as little as possible is saved.

Part of :mod:`gradients_if` and :mod:`gradients_while`, whose heads show whole graphs. In the body of a loop::

    forward                              its twin asks for        and gets

    c: f32[] = Const(value=9.)           c                        c once more, in the twin
    s: i32[1] = Shape(x)                 s                        the Shape of x once more, as it gets x
    e: f32[3] = Exp(x)                   e                        a further output of the loop: e of every iteration

Constants are copied, arguments are taken from where the forward body has them, and what tells sizes or is a view is
computed again. Everything else becomes one more output of the forward node.
"""

from __future__ import annotations

from graphc.body import Body
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const, Placeholder
from graphc.ops.shape_values import MAX_ELEMENTS, sources_of_sizes
from graphc.shapes import TensorType, is_constant

_AGAIN = frozenset({"Identity", "StopGradient", "ExpandDims", "Squeeze", "Reshape", "Transpose", "Neg", "Cast"})


def computed_again(body: Body, tensor: Tensor) -> Tensor | None:
    """The tensor computed in the adjoint body, where that costs nothing; None elsewhere."""
    node = tensor.op
    again = hasattr(node.kind, "shape_value") or node.type in _AGAIN or _tells_sizes(tensor)
    if node.kind.by_identity or not again:
        return None
    copy = repeated(body, node, tuple(body.own(x) for x in node.inputs))
    return copy.outputs[tensor.value_index]


def _tells_sizes(tensor: Tensor) -> bool:
    """Whether it is a few whole numbers that sizes and numbers given to the body tell, as ``tf.shape(x) * k``.

    The body's twin tells the same sizes by computing it again; of a saved value it could only count them.
    """
    if tensor.op.type == "Barrier" or not tensor.dtype.is_integer:
        return False
    return all(
        isinstance(source.op.kind, (Const, Placeholder)) and _is_short(source) for source in sources_of_sizes([tensor])
    )


def _is_short(tensor: Tensor) -> bool:
    count = tensor.type.elements if is_constant(tensor.type.shape) else None
    return isinstance(count, int) and count <= MAX_ELEMENTS


def repeated(graph: Graph, node: Operation, inputs: tuple[Tensor, ...]) -> Operation:
    """The node once more, as part of the adjoint."""
    types = tuple(tensor.type for tensor in node.outputs)
    return graph.add(node.kind, inputs, types, like=node, role=graph.role)


def add_output(node: Operation, type: TensorType) -> Tensor:
    """A further output of a declared node."""
    output = Tensor(node, len(node.outputs), type)
    node.outputs += (output,)
    return output
