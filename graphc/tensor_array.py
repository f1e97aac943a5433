"""TensorArray: an array that a loop writes element by element.

It is a tensor, ``flow``, whose first axis counts the elements; each write gives a further array, with more elements
where it writes behind the last and the array is of ``dynamic_size``. All elements have one shape, learnt from the first
that is written where it is not given. Elements that may differ in their first size (``infer_shape=False``) stand in
pieces beside it (:mod:`graphc.ops.row_pieces`); what nobody asks for of the two is not computed.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from graphc import dtypes
from graphc.nodes import Operation, Tensor
from graphc.ops.arrays import concat as _concat
from graphc.ops.arrays import split as _split
from graphc.ops.arrays import stack as _stack
from graphc.ops.arrays import zeros_like
from graphc.ops.base import apply, convert_to_tensor, graph_of
from graphc.ops.elementwise import add, cast, identity
from graphc.ops.grown_rows import GrownRows
from graphc.ops.lookup import gather
from graphc.ops.reshaping import reshape, shape
from graphc.ops.row_pieces import Pieces
from graphc.ops.row_writes import NewRows, WriteRows
from graphc.ops.shape_values import static_sizes
from graphc.ops.state import no_op
from graphc.records import replace
from graphc.shapes import Size, TensorShape, as_shape, shape_text


class TensorArray:
    """``size`` elements of one dtype and shape: written one at a time, read or stacked.

    array = tf.TensorArray(tf.float32, size=10)
    _, array = tf.while_loop(lambda i, _: i < 10, lambda i, a: (i + 1, a.write(i, f(i))), (0, array))
    result = array.stack()
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ):
        if handle is not None:
            raise NotImplementedError("a TensorArray has no handle: it is the tensor `flow`; give that")
        if size is None and flow is None:
            raise ValueError("Either an explicit size, or a flow must be provided to TensorArray")
        self._dtype = dtypes.as_dtype(dtype)
        self._flow, self._size = flow, size
        self._grows = False  # whether a write beyond the last element adds elements
        self._pieces: Pieces | None = None
        self._unequal = [False]  # whether only the pieces tell the elements; one list for all that it becomes
        self._gradients: dict[str, TensorArray] = {}  # by their source; with_flow keeps them
        self._count: Size = None  # the number of elements, where it is known while declaring
        if flow is None:
            row = as_shape(element_shape)
            self._create(size, dynamic_size, row, name or "TensorArray")
            if not infer_shape and (row is None or (row and not isinstance(row[0], int))):
                self._pieces = Pieces.empty(self._dtype, self._size, self._count)

    def _create(self, size: Any, dynamic_size: bool | None, row: Any, name: str) -> None:
        known = static_sizes(size)
        if known and isinstance(known[0], int) and known[0] < 0:
            raise ValueError(f"a TensorArray has a size of at least 0, not {known[0]}")
        self._grows = bool(dynamic_size)
        self._size = cast(convert_to_tensor(size), dtypes.int32)
        self._count = known[0] if known and not dynamic_size else None
        self._flow = apply(NewRows(self._dtype, row, self._count), self._size, name=name)

    # -- what it is --------------------------------------------------------------------------------------------

    @property
    def dtype(self) -> dtypes.DType:
        """The element type."""
        return self._dtype

    @property
    def flow(self) -> Tensor:
        """The array itself, its elements along the first axis."""
        return self._flow

    @property
    def handle(self) -> Tensor:
        """The array itself."""
        return self.flow

    @property
    def element_shape(self) -> TensorShape:
        """What is known of the shape of an element."""
        known = self.flow.type.shape
        return TensorShape(None if known is None else known[1:])

    def with_flow(self, flow: Tensor) -> TensorArray:
        """The array with other elements."""
        other = copy.copy(self)
        other._flow = flow
        return other

    @property
    def flows(self) -> tuple[Tensor, ...]:
        """All that a loop carries of it: the array, and where elements may differ the pieces."""
        return (self.flow,) if self._pieces is None else (self.flow, *self._pieces.tensors)

    def with_flows(self, flows: Sequence[Tensor]) -> TensorArray:
        """The array with other elements."""
        other = self.with_flow(flows[0])
        other._pieces = Pieces(*flows[1:]) if len(flows) > 1 else None
        return other

    def after_branch(self, flows: Sequence[Tensor]) -> TensorArray:
        """The array that a branch gives, as it is behind the branch: that alone tells its size there."""
        other = self.with_flows(flows)
        other._size = None
        return other

    @staticmethod
    def learn_rows(flow: Tensor) -> None:
        """Notes the shape of the elements in the node that makes the array, now that it is known."""
        node, known = flow.op, flow.type.shape
        while node.type == "Identity":
            node = node.inputs[0].op
            node.outputs[0].set_shape(known)
        if isinstance(node.kind, NewRows) and known is not None:
            node.kind = replace(node.kind, row=known[1:])

    def size(self, name: str | None = None) -> Tensor:
        """The number of elements."""
        if self._pieces is not None and (self._grows or self._unequal[0]):
            return shape(self._pieces.lengths)[0]
        if self._grows and not isinstance(self.flow.op.kind, NewRows):
            return shape(self.flow)[0]
        if self._size is None:
            self._size = shape(self.flow)[0]
        return convert_to_tensor(self._size)

    # -- elements ------------------------------------------------------------------------------------------------

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """The element at ``index``."""
        if self._pieces is not None and self._may_differ():
            return self._pieces.read(convert_to_tensor(index), name or "TensorArrayReadV3")
        return gather(self._elements(), convert_to_tensor(index), name=name or "TensorArrayReadV3", axis=0)

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements at ``indices``, stacked."""
        return gather(self._elements(), convert_to_tensor(indices), name=name or "TensorArrayGatherV3", axis=0)

    def stack(self, name: str | None = None) -> Tensor:
        """All elements, stacked along a new first axis."""
        return identity(self._elements(), name=name or "TensorArrayStack")

    def _may_differ(self) -> bool:
        """Whether the elements are not known to have the same first size."""
        known = self.flow.type.shape
        return self._unequal[0] or (known is not None and len(known) > 1 and known[1] is None)

    def _elements(self) -> Tensor:
        """The array; ``ValueError`` where the shape of its elements cannot be known."""
        if self._unequal[0] and self._pieces is not None:
            return self._pieces.stacked()
        kind = self.flow.op.kind
        if isinstance(kind, NewRows) and kind.row is None:
            raise ValueError(
                f"TensorArray '{self.flow.op.name}': nothing was written to it, and it has no element_shape"
            )
        return self.flow

    def concat(self, name: str | None = None) -> Tensor:
        """All elements, one after the other along their first axis; they may differ in that size."""
        if self._pieces is not None and self._may_differ():
            return self._pieces.joined(name or "TensorArrayConcatV3")
        known = self.flow.type.shape
        if known is None or len(known) < 2:
            raise ValueError(f"concat needs elements with at least one axis, but they are {self.element_shape}")
        sizes = shape(self.flow)
        ends = [-1] if len(known) == 2 else _concat([convert_to_tensor([-1]), sizes[2:]], 0)
        return reshape(self.flow, ends, name=name or "TensorArrayConcatV3")

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with ``value`` at ``index``; an index outside is an error when the graph runs."""
        return self._written(convert_to_tensor(index), value, name or "TensorArrayWriteV3")

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with the elements of ``value`` at ``indices``."""
        return self._written(convert_to_tensor(indices), value, name or "TensorArrayScatterV3")

    def _written(self, indices: Tensor, value: Any, name: str) -> TensorArray:
        rows = self._converted(value)
        before = indices.type.rank  # axes of the rows that are before those of an element
        if self._pieces is None or before not in (0, 1) or not rows.type.rank or rows.type.rank == before:
            if self._unequal[0]:
                came = f"{rows.type} at {indices.type}"
                raise NotImplementedError(f"a TensorArray whose elements differ cannot take {came}; write one of them")
            other = copy.copy(self)
            other._pieces = None
            return other._written_alike(indices, rows, name)
        row = rows.type.shape[before + 1 :]  # type: ignore[index]
        self._learn(self._pieces.rows, (None, *row))
        try:
            other = self._written_alike(indices, rows, name)
        except ValueError:  # of another shape than those before
            if self._pieces.rows.type.shape[1:] != row:  # type: ignore[index]
                raise
            other, self._unequal[0] = copy.copy(self), True
        write = GrownRows() if self._grows else WriteRows()
        other._pieces = self._pieces.written(write, indices, rows)
        return other

    def _learn(self, tensor: Tensor, known: Sequence[Size]) -> None:
        """Notes the shape of rows that nothing was known of."""
        if tensor.type.shape is None:
            tensor.set_shape(known)
            self.learn_rows(tensor)

    def _written_alike(self, indices: Tensor, rows: Tensor, name: str) -> TensorArray:
        """Written where all elements have one shape."""
        if self.flow.type.shape is None and rows.type.shape is not None and indices.type.shape is not None:
            self._learn(self.flow, (self._count, *rows.type.shape[len(indices.type.shape) :]))
        if self._grows:
            return self.with_flow(apply(GrownRows(), self.flow, indices, rows, name=name))
        if self.flow.type.is_exact:
            return self.with_flow(apply(WriteRows(), self.flow, indices, rows, name=name))
        return self.with_flow(apply(WriteRows(), self.flow, indices, rows, self.size(), name=name))

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array whose elements are those of ``value`` along its first axis."""
        rows = self._converted(value)
        if rows.type.rank == 0:
            raise ValueError("unstack takes a value with at least one axis")
        return self._with_elements(identity(rows, name=name or "TensorArrayUnstack"))

    def _with_elements(self, rows: Tensor) -> TensorArray:
        """The array of the elements of ``rows``, so many as it was declared for unless it grows."""
        known = None if self._grows or self._size is None else static_sizes(self._size)
        count = rows.type.shape[0] if rows.type.shape else None
        if known and isinstance(known[0], int) and isinstance(count, int) and known[0] != count:
            came = shape_text(rows.type.shape)
            raise ValueError(f"a TensorArray of {known[0]} elements cannot take a value of shape {came}")
        other = self.with_flow(rows)
        if self._pieces is not None:
            other._pieces = Pieces.equal(rows) if (rows.type.rank or 0) > 1 else None
        return other

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array whose elements are the pieces of ``value`` along its first axis, so many rows each.

        ``ValueError`` where lengths differ but the array was declared for elements of one shape.
        """
        sizes, rows = static_sizes(lengths), self._converted(value)
        if rows.type.rank == 0:
            raise ValueError(f"split takes a value with at least one axis, not {rows.op.describe()} {rows.type}")
        if sizes and None not in sizes and len(set(sizes)) == 1:
            return self._with_elements(_stack(_split(rows, list(sizes), axis=0), name=name or "TensorArraySplitV3"))
        if self._pieces is None and sizes and None not in sizes:
            raise ValueError(f"a TensorArray for elements of one shape cannot be split by {sizes}; infer_shape=False")
        other = copy.copy(self)
        with graph_of([rows]).name_scope(name or "TensorArraySplitV3"):
            other._pieces = Pieces.of(rows, lengths, None if self._grows else self._size)
        other._unequal = [True]
        return other

    def _converted(self, value: Any) -> Tensor:
        tensor = convert_to_tensor(value, None if isinstance(value, Tensor) else self._dtype)
        if tensor.dtype is not self._dtype:
            raise ValueError(f"a TensorArray of {self._dtype.name} cannot hold {tensor.op.describe()} {tensor.type}")
        return tensor

    def identity(self) -> TensorArray:
        """The array with the same elements."""
        return self.with_flows([identity(flow) for flow in self.flows])

    def grad(self, source: str, flow: Any = None, name: str | None = None) -> TensorArray:
        """The array of the gradients of ``source``: as many elements, zeros at first, and what is written is added.

        ``flow`` is an array of that many elements of the same shape where this one has none yet.
        """
        if source not in self._gradients:
            like = self.flow if flow is None else convert_to_tensor(flow)
            self._gradients[source] = _GradientArray(self._dtype, zeros_like(like))
        return self._gradients[source]

    def close(self, name: str | None = None) -> Operation:
        """Nothing: its memory is part of the step."""
        with graph_of([self.flow]).control_dependencies([self.flow.op]):
            return no_op(name=name or "TensorArrayCloseV3")

    def __repr__(self) -> str:
        return f"<tf.TensorArray '{self.flow.op.name}' of {self.dtype.name}{self.element_shape}>"


class _GradientArray(TensorArray):
    """An array whose writes add; what has no write of its own yet shows the last one that any has."""

    def __init__(self, dtype: Any, zeros: Tensor):
        super().__init__(dtype, flow=zeros)
        self._last = [zeros]
        self._begins = True

    @property
    def flow(self) -> Tensor:
        return self._last[0] if self._begins else self._flow

    def with_flow(self, flow: Tensor) -> TensorArray:
        other: Any = super().with_flow(flow)
        other._begins = False
        return other

    def _written(self, indices: Tensor, value: Any, name: str) -> TensorArray:
        total = add(gather(self.flow, indices, axis=0), self._converted(value))
        self._last[0] = apply(WriteRows(), self.flow, indices, total, name=name)
        return self.with_flow(self._last[0])
