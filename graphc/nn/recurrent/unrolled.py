"""A cell run over a list of steps, each declared of its own: ``static_rnn``, also in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.mistakes import telling_line
from graphc.nest import flatten, map_leaves, pack_as
from graphc.nn.recurrent.cell import check_cell
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
from graphc.ops.arrays import concat, stack, unstack
from graphc.ops.base import convert_to_tensor
from graphc.ops.sequence_lengths import reverse_sequence
from graphc.variable_scope import variable_scope


@telling_line
def static_rnn(
    cell: Any,
    inputs: Sequence[Any],
    initial_state: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """The list of outputs of ``cell`` for the list ``inputs``, each [batch, ...], and its state after the last step.

    Past the ``sequence_length`` [batch] of a sequence its outputs are zero and its state stays. The first state is
    ``initial_state``, or zeros of ``dtype``. Inputs, outputs and states may be nested.
    """
    check_cell(cell)
    _check_list(inputs)
    outputs = []
    with variable_scope(scope or "rnn") as own:
        steps = [map_leaves(convert_to_tensor, x) for x in inputs]
        leaves = flatten(steps[0])
        batch_size = common_batch_size(leaves)
        state = first_state(cell, initial_state, batch_size, dtype)
        lengths = lengths_of(sequence_length, leaves[0], 0)
        for time, x in enumerate(steps):
            if time:
                own.reuse_variables()
            output, following = cell(x, state)
            goes_on = None if lengths is None else e.less(time, lengths)
            state = within(goes_on, same_state(state, following), state)
            outputs.append(within_or_zero(goes_on, output))
    return outputs, state


def _check_list(inputs: Any) -> None:
    if not isinstance(inputs, (list, tuple)):
        raise TypeError(f"inputs must be a sequence of tensors, one for each step, not {inputs!r}; see tf.unstack")
    if not inputs:
        raise ValueError("inputs must not be empty")


@telling_line
def static_bidirectional_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Sequence[Any],
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any, Any]:
    """``(outputs, state_fw, state_bw)`` of two cells, of which the second reads the list from its end.

    The outputs of both stand side by side along the last axis, in the order of the inputs.
    """
    check_cell(cell_fw, "cell_fw")
    check_cell(cell_bw, "cell_bw")
    _check_list(inputs)
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as forwards:
            output_fw, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, forwards)
        with variable_scope("bw") as backwards:
            turned = _reversed(inputs, sequence_length)
            output_bw, state_bw = static_rnn(cell_bw, turned, initial_state_bw, dtype, sequence_length, backwards)
    pairs = zip(output_fw, _reversed(output_bw, sequence_length), strict=True)
    return [map_leaves(_side_by_side, fw, bw) for fw, bw in pairs], state_fw, state_bw


def _side_by_side(fw: Any, bw: Any) -> Tensor:
    return concat([fw, bw], 1)


def _reversed(steps: Sequence[Any], lengths: Any) -> list[Any]:
    """The list backwards, or each sequence in it up to its length."""
    if lengths is None:
        return list(reversed(steps))
    columns = [[convert_to_tensor(x) for x in column] for column in zip(*map(flatten, steps), strict=True)]
    turned = [unstack(reverse_sequence(stack(column), lengths, 0, 1), len(steps)) for column in columns]
    return [pack_as(steps[0], list(row)) for row in zip(*turned, strict=True)]


def static_state_saving_rnn(*_: Any, **__: Any) -> Any:
    """Not there: it keeps states in queues between runs; keep them in variables, with tf.nn.static_rnn."""
    raise NotImplementedError(
        "static_state_saving_rnn keeps states in a queue between runs; use tf.nn.static_rnn or tf.nn.dynamic_rnn and "
        "feed the state, or keep it in variables"
    )
