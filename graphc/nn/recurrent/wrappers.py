"""Cells made of cells: layers upon each other, dropout, residual connections."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from graphc import dtypes
from graphc.nest import flatten, is_nested, map_leaves, pack_as
from graphc.nn.recurrent.cell import RNNCell, check_cell, is_number, sizes_of
from graphc.nn.recurrent.cells import LSTMStateTuple
from graphc.nn.regularisation import dropout
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat
from graphc.ops.base import convert_to_tensor
from graphc.ops.random import random_uniform
from graphc.scopes import device, get_default_graph
from graphc.variable_scope import variable_scope


class MultiRNNCell(RNNCell):
    """Cells upon each other: each takes the outputs of the one before; the state is the tuple of theirs.

    Without ``state_is_tuple`` the states stand side by side in one matrix.
    """

    def __init__(self, cells: Sequence[Any], state_is_tuple: bool = True):
        super().__init__()
        if not isinstance(cells, (list, tuple)) or not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell, as a list or tuple.")
        for cell in cells:
            check_cell(cell, "cells")
        self._cells = list(cells)
        self._state_is_tuple = state_is_tuple
        if not state_is_tuple and any(is_nested(cell.state_size) for cell in cells):
            sizes = [cell.state_size for cell in cells]
            raise ValueError(f"Some cells return tuples of states, but the flag state_is_tuple is not set.  {sizes}")

    @property
    def state_size(self) -> Any:
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with get_default_graph().name_scope(f"{type(self).__name__}ZeroState"):
            if self._state_is_tuple:
                return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
            return super().zero_state(batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> Any:
        states = self._states(state)
        following = []
        for number, (cell, own) in enumerate(zip(self._cells, states, strict=True)):
            with variable_scope(f"cell_{number}"):
                inputs, after = cell(inputs, own)
            following.append(after)
        return inputs, tuple(following) if self._state_is_tuple else concat(following, 1)

    def _states(self, state: Any) -> list[Any]:
        """Each cell's part of the state."""
        if not self._state_is_tuple:
            ends = [0]
            for cell in self._cells:
                ends.append(ends[-1] + cell.state_size)
            return [state[:, begin:end] for begin, end in pairwise(ends)]
        if not is_nested(state) or len(state) != len(self._cells):
            raise ValueError(f"Expected state to be a tuple of length {len(self._cells)}, but received: {state}")
        return list(state)


class Wrapper(RNNCell):
    """A cell around another one: sizes, states and variables are that one's, and it opens no scope of its own."""

    def __init__(self, cell: Any):
        check_cell(cell)
        super().__init__()
        self.cell = self._cell = cell

    @property
    def wrapped_cell(self) -> Any:
        """The cell inside."""
        return self.cell

    @property
    def state_size(self) -> Any:
        return self.cell.state_size

    @property
    def output_size(self) -> Any:
        return self.cell.output_size

    @property
    def variables(self) -> list[Any]:
        """The variables of the cell inside."""
        return self.cell.variables

    @property
    def weights(self) -> list[Any]:
        """The variables of the cell inside."""
        return self.cell.weights

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables of the cell inside that optimizers change."""
        return self.cell.trainable_variables

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables of the cell inside that optimizers change."""
        return self.cell.trainable_weights

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with get_default_graph().name_scope(f"{type(self).__name__}ZeroState"):
            return self.cell.zero_state(batch_size, dtype)


def _scoped(scope: Any) -> dict[str, Any]:
    """The scope as an argument, for cells of users that may not take one."""
    return {} if scope is None else {"scope": scope}


class DropoutWrapper(Wrapper):
    """A cell with dropout of its inputs, state and outputs, each kept with a probability (a number or a tensor).

    With ``variational_recurrent`` one mask serves all steps, which needs ``dtype`` and, for inputs, ``input_size``.
    (Gal and Ghahramani, A Theoretically Grounded Application of Dropout in Recurrent Neural Networks,
    arXiv:1512.05287.) The cells of an LSTM state are never dropped, unless ``dropout_state_filter_visitor`` says so.
    """

    def __init__(
        self, cell: Any, input_keep_prob: Any = 1.0, output_keep_prob: Any = 1.0, state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False, input_size: Any = None, dtype: Any = None, seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
    ):  # fmt: skip
        super().__init__(cell)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        self._filter = dropout_state_filter_visitor or _not_the_cells
        self._input_keep_prob = _probability("input_keep_prob", input_keep_prob)
        self._output_keep_prob = _probability("output_keep_prob", output_keep_prob)
        self._state_keep_prob = _probability("state_keep_prob", state_keep_prob)
        self._seed = seed
        self._noise: dict[str, list[Any]] = {}
        self._variational = variational_recurrent
        if variational_recurrent:
            self._make_masks(input_size, dtype)

    def _make_masks(self, input_size: Any, dtype: Any) -> None:
        """The noise of all steps, one row for all sequences of a batch."""
        if dtype is None:
            raise ValueError("When variational_recurrent=True, dtype must be provided")
        sizes = {"state": self.cell.state_size, "output": self.cell.output_size}
        if not is_number(self._input_keep_prob) or self._input_keep_prob < 1:
            if input_size is None:
                raise ValueError(
                    "When variational_recurrent=True and input_keep_prob < 1.0 or is unknown, input_size must be "
                    "provided"
                )
            sizes["input"] = input_size
        wanted = dtypes.as_dtype(dtype)
        for what, size in sizes.items():
            self._noise[what] = [
                random_uniform([1, *sizes_of(one)], dtype=wanted, seed=self._seed_of(what, n))
                for n, one in enumerate(flatten(size))
            ]

    def _seed_of(self, what: str, number: int) -> int | None:
        """Another seed for each thing that is dropped, made of the one given."""
        if self._seed is None:
            return None
        text = f"{self._seed}{what}_{number}".encode()
        return int(hashlib.md5(text, usedforsecurity=False).hexdigest()[:8], 16) & 0x7FFFFFFF

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """A step of the cell inside, its inputs, state and outputs dropped out."""
        inputs = self._dropped(inputs, "input", self._input_keep_prob)
        output, following = self.cell(inputs, state, *args, **_scoped(scope), **kwargs)
        if drops(self._state_keep_prob):
            following = self._dropped(following, "state", self._state_keep_prob, _filtered(self._filter, following))
        return self._dropped(output, "output", self._output_keep_prob), following

    apply = __call__

    def _dropped(self, values: Any, what: str, keep_prob: Any, chosen: Any = None) -> Any:
        if not drops(keep_prob):
            return values
        leaves = [convert_to_tensor(x) for x in flatten(values)]
        wanted = [True] * len(leaves) if chosen is None else flatten(chosen)
        results = [
            self._one_dropped(x, what, n, keep_prob) if drop else x
            for n, (x, drop) in enumerate(zip(leaves, wanted, strict=True))
        ]
        return pack_as(values, results)

    def _one_dropped(self, x: Tensor, what: str, number: int, keep_prob: Any) -> Tensor:
        if not self._variational:
            return dropout(x, keep_prob=keep_prob, seed=self._seed_of(what, number))
        keep = convert_to_tensor(keep_prob, x.dtype)
        result = e.realdiv(x, keep) * e.floor(keep + self._noise[what][number])
        result.set_shape(x.shape)
        return result


def drops(keep_prob: Any) -> bool:
    """Whether anything is dropped: a tensor may say so."""
    return not is_number(keep_prob) or keep_prob < 1


def _probability(name: str, value: Any) -> Any:
    """A number in [0, 1], or a tensor of which nothing is known."""
    if is_number(value):
        value = float(value)
        if not 0 <= value <= 1:
            raise ValueError(f"Parameter {name} must be between 0 and 1: {value:g}")
    return value


def _not_the_cells(state: Any) -> Any:
    """What of a state is dropped: all but the cells of an LSTM and TensorArrays."""
    if isinstance(state, LSTMStateTuple):
        return LSTMStateTuple(c=False, h=True)
    return not hasattr(state, "with_flow")


def _filtered(visitor: Callable[[Any], Any], state: Any) -> Any:
    """For each leaf of a state whether it is dropped: the visitor is asked about the whole, then about its parts."""
    answer = visitor(state)
    if not is_nested(state):
        return bool(answer)
    if answer is False:
        return map_leaves(lambda _: False, state)
    parts = _parts(state)
    if answer is True:
        found = [_filtered(visitor, part) for part in parts]
    else:
        rows = zip(parts, _parts(answer), strict=True)
        found = [_filtered(visitor, part) if own and is_nested(part) else own for part, own in rows]
    return pack_as(state, flatten([
        map_leaves(lambda _, own=own: own, part) if isinstance(own, bool) else own
        for part, own in zip(parts, found, strict=True)
    ]))  # fmt: skip


def _parts(structure: Any) -> list[Any]:
    if isinstance(structure, dict):
        return [structure[key] for key in sorted(structure)]
    return list(structure)


class ResidualWrapper(Wrapper):
    """A cell whose inputs are added to its outputs, or ``residual_fn(inputs, outputs)``."""

    def __init__(self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None):
        super().__init__(cell)
        self._residual_fn = residual_fn

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """A step of the cell inside, with its inputs added to the outputs."""
        outputs, following = self.cell(inputs, state, *args, **_scoped(scope), **kwargs)
        return (self._residual_fn or _added)(inputs, outputs), following

    apply = __call__


def _added(inputs: Any, outputs: Any) -> Any:
    def add(x: Any, y: Any) -> Tensor:
        x, y = convert_to_tensor(x), convert_to_tensor(y)
        if not x.shape.is_compatible_with(y.shape):
            raise ValueError(f"ResidualWrapper: the inputs are {x.type} and the outputs {y.type}; wanted one shape")
        return e.add(x, y)

    return map_leaves(add, inputs, outputs)


class DeviceWrapper(Wrapper):
    """A cell as it is; devices are accepted and without effect."""

    def __init__(self, cell: Any, device: Any):
        super().__init__(cell)
        self._device = device

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """A step of the cell inside."""
        with device(self._device):
            return self.cell(inputs, state, *args, **_scoped(scope), **kwargs)

    apply = __call__
