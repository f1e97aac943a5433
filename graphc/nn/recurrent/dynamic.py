"""A cell run over sequences by a loop: ``dynamic_rnn``, in both directions, and with a step that the user writes."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nest import flatten, is_nested, map_leaves, pack_as
from graphc.nn.recurrent.cell import check_cell, sizes_of
from graphc.nn.recurrent.stepping import (
    common_batch_size,
    first_state,
    lengths_of,
    same_state,
    within,
    within_or_zero,
)
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.lookup import gather
from graphc.ops.loops import while_loop
from graphc.ops.reduction import reduce_max
from graphc.ops.reshaping import shape, transpose
from graphc.ops.sequence_lengths import reverse_sequence
from graphc.ops.slicing import reverse
from graphc.tensor_array import TensorArray
from graphc.variable_scope import variable_scope


@telling_line
def dynamic_rnn(
    cell: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """The outputs [batch, time, ...] of ``cell`` for ``inputs`` [batch, time, ...], and its state after the last step.

    With ``time_major`` the first two axes of both are [time, batch]. Past the ``sequence_length`` [batch] of a sequence
    its outputs are zero and its state stays. The first state is ``initial_state``, or zeros of ``dtype``. Inputs,
    outputs and states may be nested. ``parallel_iterations`` and ``swap_memory`` are without effect.
    """
    check_cell(cell)
    with variable_scope(scope or "rnn"):
        loop = _Sequences(inputs, sequence_length, time_major)
        state = first_state(cell, initial_state, loop.batch_size, dtype)
        return loop.run(cell, state, dtype)


class _Sequences:
    """Sequences side by side, and the loop over their steps."""

    def __init__(self, inputs: Any, sequence_length: Any, time_major: bool):
        self.structure = inputs
        self.time_axis = 0 if time_major else 1
        self.tensors = [convert_to_tensor(x) for x in flatten(inputs)]
        if not self.tensors:
            raise ValueError("dynamic_rnn needs at least one input")
        for x in self.tensors:
            self._check(x)
        self.lengths = lengths_of(sequence_length, self.tensors[0], 1 - self.time_axis)
        self.batch_size = common_batch_size(self.tensors, 1 - self.time_axis)
        known: Any = {x.type.shape[self.time_axis] for x in self.tensors if x.type.shape is not None} - {None}
        if len(known) > 1:
            raise ValueError(f"the inputs of dynamic_rnn have different numbers of steps: {known}")
        self.static_steps = known.pop() if known else None
        self.steps = (
            constant(self.static_steps, dtypes.int32)
            if self.static_steps is not None
            else shape(self.tensors[0])[self.time_axis]
        )

    def _check(self, x: Tensor) -> None:
        if x.type.rank is None or x.type.rank < 3:
            raise ValueError(
                f"the input {x.op.describe()} of dynamic_rnn is {x.type}; wanted at least 3 axes: batch, time and depth"
            )
        if None in x.type.shape[2:]:  # type: ignore[index]
            raise ValueError(
                "Input size (depth of inputs) must be accessible via shape inference, but saw value None: "
                f"{x.op.describe()} is {x.type}"
            )

    def at(self, time: Tensor) -> Any:
        """The inputs of a step."""
        return pack_as(self.structure, [gather(x, time, axis=self.time_axis) for x in self.tensors])

    def run(self, cell: Any, state: Any, dtype: Any) -> tuple[Any, Any]:
        output_dtype = dtype or _one_dtype(state)
        sizes = flatten(cell.output_size)
        dtypes_ = flatten(output_dtype) if is_nested(output_dtype) else [output_dtype] * len(sizes)
        batch = self.batch_size if isinstance(self.batch_size, int) else None
        arrays = [
            TensorArray(one, size=self.steps, element_shape=[batch, *sizes_of(size)], name="dynamic_rnn/output")
            for one, size in zip(dtypes_, sizes, strict=True)
        ]
        # Past the longest sequence nothing changes: outputs are zero there as they were made.
        end = self.steps
        if self.lengths is not None:
            end = e.minimum(self.steps, e.maximum(1, reduce_max(self.lengths)))

        def step(time: Tensor, arrays: Any, state: Any) -> Any:
            output, following = cell(self.at(time), state)
            goes_on = None if self.lengths is None else e.less(time, self.lengths)
            following = within(goes_on, same_state(state, following), state)
            outputs = flatten(within_or_zero(goes_on, output))
            if len(outputs) != len(sizes):
                raise ValueError(f"the cell gives {len(outputs)} outputs, and its output_size is {cell.output_size}")
            written = [array.write(time, x) for array, x in zip(arrays, outputs, strict=True)]
            return e.add(time, 1), written, following

        first = constant(0, dtypes.int32, name="time")
        _, arrays, last = while_loop(lambda time, *_: e.less(time, end), step, (first, arrays, state))
        return pack_as(cell.output_size, [self._stacked(array) for array in arrays]), last

    def _stacked(self, array: TensorArray) -> Tensor:
        result = array.stack()
        if result.type.shape is not None:
            result.set_shape((self.static_steps, *result.type.shape[1:]))
        return result if self.time_axis == 0 else batch_and_time_swapped(result)


def _one_dtype(state: Any) -> Any:
    """The dtype of a state; ``ValueError`` where it has several."""
    found = {x.dtype for x in flatten(state)}
    if len(found) != 1:
        names = sorted(dtype.name for dtype in found)
        raise ValueError(f"State has tensors of different inferred_dtypes {names}; say which the outputs have: dtype=")
    return found.pop()


def batch_and_time_swapped(x: Tensor) -> Tensor:
    """``[batch, time, ...] -> [time, batch, ...]`` and back."""
    return transpose(x, [1, 0, *range(2, x.type.rank or 2)])


@telling_line
def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """Both outputs and both states of two cells, of which the second reads each sequence backwards.

    ``((outputs_fw, outputs_bw), (state_fw, state_bw))``; the outputs of the second stand in the order of the inputs.
    """
    check_cell(cell_fw, "cell_fw")
    check_cell(cell_bw, "cell_bw")
    time_axis = 0 if time_major else 1

    def turned(x: Any) -> Tensor:
        if sequence_length is None:
            return reverse(x, [time_axis])
        return reverse_sequence(x, sequence_length, seq_axis=time_axis, batch_axis=1 - time_axis)

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as forwards:
            output_fw, state_fw = dynamic_rnn(
                cell_fw, inputs, sequence_length, initial_state_fw, dtype, time_major=time_major, scope=forwards
            )
        with variable_scope("bw") as backwards:
            output_bw, state_bw = dynamic_rnn(
                cell_bw, map_leaves(lambda x: turned(convert_to_tensor(x)), inputs), sequence_length,
                initial_state_bw, dtype, time_major=time_major, scope=backwards,
            )  # fmt: skip
    return (output_fw, map_leaves(turned, output_bw)), (state_fw, state_bw)
