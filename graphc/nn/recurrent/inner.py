"""What programs took from TensorFlow's inner modules ``rnn_cell_impl``, ``core_rnn_cell`` and ``rnn``."""

from __future__ import annotations

from typing import Any

from graphc.initializers import Zeros
from graphc.nn.recurrent.cell import (
    BIAS,
    KERNEL,
    LayerRNNCell,
    affine,
    check_cell,
    is_cell,
    linear,
    sizes_of,
    zeros_of,
)
from graphc.nn.recurrent.dynamic import batch_and_time_swapped
from graphc.nn.recurrent.stepping import common_batch_size
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.variable_scope import get_variable

__all__ = [
    "LayerRNNCell",
    "_Linear",
    "_best_effort_input_batch_size",
    "_concat",
    "_like_rnncell",
    "_linear",
    "_transpose_batch_time",
    "_zero_state_tensors",
    "assert_like_rnncell",
    "transpose_batch_time",
]

transpose_batch_time = _transpose_batch_time = batch_and_time_swapped
_best_effort_input_batch_size = common_batch_size
_zero_state_tensors = zeros_of
_like_rnncell = is_cell
_linear = linear


class _Linear:
    """``concat(args) @ kernel + bias``, whose variables are made of the first arguments."""

    def __init__(
        self, args: Any, output_size: int, build_bias: bool, bias_initializer: Any = None,
        kernel_initializer: Any = None,
    ):  # fmt: skip
        parts = _parts(args)
        depth = sum(part.shape[1].value or 0 for part in parts)
        dtype = parts[0].dtype
        self._kernel = get_variable(KERNEL, [depth, output_size], dtype=dtype, initializer=kernel_initializer)
        first = Zeros(dtype=dtype) if bias_initializer is None else bias_initializer
        self._bias = get_variable(BIAS, [output_size], dtype=dtype, initializer=first) if build_bias else None

    def __call__(self, args: Any) -> Tensor:
        return affine(_parts(args), self._kernel, self._bias)


def _parts(args: Any) -> list[Tensor]:
    return [convert_to_tensor(x) for x in (args if isinstance(args, (list, tuple)) else [args])]


def assert_like_rnncell(cell_name: str, cell: Any) -> None:
    """``TypeError`` unless it is a cell."""
    check_cell(cell, cell_name)


def _concat(prefix: Any, suffix: Any, static: bool = False) -> list[Any]:
    """A shape: the batch sizes ``prefix`` before the sizes ``suffix``."""
    front = list(prefix) if isinstance(prefix, (list, tuple)) else [prefix]
    return [*front, *sizes_of(suffix)]
