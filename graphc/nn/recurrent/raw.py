"""A cell run by a loop whose steps the user writes: ``raw_rnn``.

The number of steps is known when all sequences have ended, and TensorArrays have their sizes before a loop begins. So
the loop is declared twice: once for the number of its steps, of which nothing but what decides the end is left when it
runs, and once for what it computes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nest import flatten, is_nested, pack_as
from graphc.nn.recurrent.cell import batch_size_of, check_cell, sizes_of
from graphc.nn.recurrent.stepping import same_state, within, within_or_zero
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.loops import while_loop
from graphc.ops.reduction import reduce_all
from graphc.tensor_array import TensorArray
from graphc.variable_scope import variable_scope

LoopFunction = Callable[[Tensor, Any, Any, Any], tuple[Any, Any, Any, Any, Any]]


@telling_line
def raw_rnn(
    cell: Any,
    loop_fn: LoopFunction,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """TensorArrays of what ``loop_fn`` emits in each step, the last state of ``cell``, and the last loop state.

    ``loop_fn(time, cell_output, cell_state, loop_state)`` gives ``(finished, next_input, next_state, emit,
    loop_state)``: which sequences have ended (bool [batch]), the input and state of the next step, what to emit, and
    anything to carry along. It is first called with time 0 and None for the others; what it emits then has the shape
    (without the batch axis) and dtype of what is emitted later, or is None for the cell's outputs. Past its end a
    sequence emits zeros and keeps its state.

    When all sequences have ended must follow from what is fed: sizes are known before a step runs.
    """
    check_cell(cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with variable_scope(scope or "rnn") as own:
        loop = _Loop(cell, loop_fn)
        steps = loop.declared([])[0]
        with variable_scope(own, reuse=True, auxiliary_name_scope=False):
            arrays = [
                TensorArray(one.dtype, size=steps, element_shape=[None, *sizes]) for one, sizes in loop.emitted_as()
            ]
            _, _, _, arrays, state, loop_state = loop.declared(arrays)
    return pack_as(loop.emits, arrays), state, None if loop.loop_state is None else loop_state


class _Loop:
    """The first call of the user's function, and the loops that go on from there."""

    def __init__(self, cell: Any, loop_fn: LoopFunction):
        self.cell, self.loop_fn = cell, loop_fn
        first = loop_fn(constant(0, dtypes.int32), None, None, None)
        self.finished, self.inputs, self.state, emits, self.loop_state = first
        self.inputs = _tensors(self.inputs)
        self.state = _tensors(self.state)
        self.batch_size = batch_size_of(flatten(self.inputs)[0])
        self.emits = cell.output_size if emits is None else _tensors(emits)
        self.emits_outputs = emits is None

    def emitted_as(self) -> list[tuple[Any, list[int]]]:
        """For each thing emitted something of its dtype, and its sizes without the batch axis."""
        if self.emits_outputs:
            like = flatten(self.state)[0]
            return [(like, sizes_of(size)) for size in flatten(self.emits)]
        return [(x, sizes_of(x.shape)) for x in flatten(self.emits)]

    def declared(self, arrays: list[TensorArray]) -> Any:
        """The loop variables after a loop that writes what is emitted into these arrays, if there are any."""
        loop_state = 0 if self.loop_state is None else self.loop_state
        starts = (constant(0, dtypes.int32), self.finished, self.inputs, arrays, self.state, loop_state)
        return while_loop(lambda time, finished, *_: e.logical_not(reduce_all(finished)), self._step, starts)

    def _step(self, time: Tensor, finished: Tensor, inputs: Any, arrays: Any, state: Any, loop_state: Any) -> Any:
        output, following = self.cell(inputs, state)
        given = None if self.loop_state is None else loop_state
        ended, next_input, next_state, emit, next_loop_state = self.loop_fn(time + 1, output, following, given)
        goes_on = e.logical_not(finished)
        emitted = within_or_zero(goes_on, pack_as(self.emits, flatten(emit)))
        next_state = within(goes_on, same_state(state, next_state), state)
        written = [array.write(time, x) for array, x in zip(arrays, flatten(emitted), strict=False)]
        carried = loop_state if self.loop_state is None else next_loop_state
        next_input = pack_as(self.inputs, flatten(_tensors(next_input)))
        return time + 1, e.logical_or(finished, ended), next_input, written, next_state, carried


def _tensors(value: Any) -> Any:
    def tensor(x: Any) -> Any:
        return x if hasattr(x, "with_flow") else convert_to_tensor(x)

    return pack_as(value, [tensor(x) for x in flatten(value)]) if is_nested(value) else tensor(value)
