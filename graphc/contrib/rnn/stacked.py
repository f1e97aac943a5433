"""Bidirectional layers upon each other: each reads the outputs of both directions of the one before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.nn.recurrent.cell import check_cell
from graphc.nn.recurrent.dynamic import bidirectional_dynamic_rnn
from graphc.nn.recurrent.unrolled import static_bidirectional_rnn
from graphc.ops.arrays import concat
from graphc.variable_scope import variable_scope

Layer = Callable[[Any, Any, Any, Any, Any], tuple[Any, Any, Any]]  # of two cells, inputs and two first states


def stack_bidirectional_dynamic_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Any,
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    parallel_iterations: int | None = None,
    time_major: bool = False,
    scope: Any = None,
    swap_memory: bool = False,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """The outputs of the last layer, both directions side by side, and the last states of all layers each way."""

    def layer(fw: Any, bw: Any, x: Any, state_fw: Any, state_bw: Any) -> tuple[Any, Any, Any]:
        outputs, states = bidirectional_dynamic_rnn(
            fw, bw, x, sequence_length, state_fw, state_bw, dtype, time_major=time_major
        )
        return concat(outputs, 2), *states

    return _stacked(layer, cells_fw, cells_bw, inputs, initial_states_fw, initial_states_bw, scope)


def stack_bidirectional_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Sequence[Any],
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """:func:`stack_bidirectional_dynamic_rnn` for a list of steps, each declared of its own."""

    def layer(fw: Any, bw: Any, x: Any, state_fw: Any, state_bw: Any) -> tuple[Any, Any, Any]:
        return static_bidirectional_rnn(fw, bw, x, state_fw, state_bw, dtype, sequence_length)

    return _stacked(layer, cells_fw, cells_bw, inputs, initial_states_fw, initial_states_bw, scope)


def _stacked(
    layer: Layer, cells_fw: Any, cells_bw: Any, inputs: Any, states_fw: Any, states_bw: Any, scope: Any
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    for cells, name in ((cells_fw, "cells_fw"), (cells_bw, "cells_bw")):
        if not isinstance(cells, list) or not cells:
            raise ValueError(f"{name} must be a list of cells, at least one, not {cells!r}")
        for cell in cells:
            check_cell(cell, name)
    if len(cells_fw) != len(cells_bw):
        raise ValueError("Forward and Backward cells must have the same depth.")
    for states, name in ((states_fw, "initial_states_fw"), (states_bw, "initial_states_bw")):
        if states is not None and len(states) != len(cells_fw):
            raise ValueError(f"{name} has {len(states)} states for {len(cells_fw)} cells")
    last_fw, last_bw, x = [], [], inputs
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for n, (fw, bw) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{n}"):
                first = (states and states[n] for states in (states_fw, states_bw))
                x, state_fw, state_bw = layer(fw, bw, x, *first)
            last_fw.append(state_fw)
            last_bw.append(state_bw)
    return x, tuple(last_fw), tuple(last_bw)
