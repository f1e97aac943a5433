"""Kernels: groups of nodes that one native function computes, made by the fusing pass."""

from __future__ import annotations

from typing import Any

from graphc.dims import DimLike
from graphc.graph import Graph
from graphc.interpret import evaluate
from graphc.nodes import Op
from graphc.records import record
from graphc.shapes import TensorType


@record
class Space:
    """The positions of a block of ``sizes``; along the ``reduced`` axes, elements are combined into one."""

    sizes: tuple[DimLike, ...]
    reduced: tuple[int, ...] = ()


@record(eq=False)
class Kernel(Op):
    """The nodes of ``body`` as one native function.

    Inputs take the places of the body's placeholders in their order; outputs are the body's targets. The kernel visits
    the positions of one space after the other, and computes in each the targets with the numbers given beside it.
    """

    by_identity = True
    body: Graph
    spaces: tuple[tuple[Space, tuple[int, ...]], ...]

    @property
    def parameters(self) -> list[Any]:
        """The body's placeholders, one for each input."""
        return [node.outputs[0] for node in self.body.nodes if node.type == "Placeholder"]

    @property
    def structure(self) -> Any:
        """What two kernels have in common that compute the same of other inputs: all but names."""
        places = {tensor: (n, tensor.value_index) for n, node in enumerate(self.body.nodes) for tensor in node.outputs}
        nodes = tuple(
            (
                None if node.type == "Placeholder" else node.kind,
                tuple(places[x] for x in node.inputs),
                tuple(tensor.type for tensor in node.outputs),
            )
            for node in self.body.nodes
        )
        return self.spaces, nodes, tuple(places[tensor] for tensor in self.body.targets)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return tuple(tensor.type for tensor in self.body.targets)

    def evaluate(self, *inputs: Any) -> tuple[Any, ...]:
        return tuple(evaluate(self.body, dict(zip(self.parameters, inputs, strict=True))))

    def attributes(self) -> dict[str, Any]:
        ops = [node.type for node in self.body.nodes if node.type not in ("Placeholder", "Const")]
        return {"ops": "+".join(ops)}
