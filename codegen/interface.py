"""What a step or a body takes and gives, and the memory that a value stands for."""

from __future__ import annotations

from graphc.dims import DimLike
from graphc.nodes import Tensor
from graphc.ops.recomputed import Barrier
from graphc.ops.reshaping import ExpandDims, Reshape, Squeeze
from graphc.ops.told import HistorySizes
from graphc.records import record
from graphc.shapes import TensorType


@record
class Interface:
    """Feeds (None where nothing reads one), states (their input, if read) and which states targets replace.

    The targets are the fetches, then the new values of those states; what comes after is computed and given to nobody.
    Those ``handed`` are of a size that only the body knows.
    """

    feeds: tuple[Tensor | None, ...]
    states: tuple[tuple[Tensor | None, TensorType], ...]
    fetches: int
    updates: tuple[int, ...] = ()
    handed: frozenset[int] = frozenset()

    def is_handed(self, state: int) -> bool:
        """Whether only the body knows the size of the new value of a state."""
        return self.fetches + self.updates.index(state) in self.handed


def source_of(tensor: Tensor) -> Tensor:
    """What a view is a view of."""
    while isinstance(tensor.op.kind, (Reshape, ExpandDims, Squeeze, Barrier, HistorySizes)):
        tensor = tensor.op.inputs[0]
    return tensor


def bytes_of(type: TensorType) -> DimLike:
    return type.elements * type.dtype.size
