"""Recurrent cells whose inputs and states are pictures, and whose products are convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.initializers import Zeros
from graphc.nn.convolution import convolution
from graphc.nn.recurrent.cell import RNNCell
from graphc.nn.recurrent.cells import LSTMStateTuple
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, split
from graphc.shapes import TensorShape
from graphc.variable_scope import get_variable


class ConvLSTMCell(RNNCell):
    """An LSTM over pictures: ``conv(concat(x, h), kernel) + biases`` gives its gates.

    (Shi and others, Convolutional LSTM Network, arXiv:1506.04214, without peepholes.) ``input_shape`` is that of inputs
    without the batch axis, its last size their channels; with ``skip_connection`` the inputs follow the outputs'
    channels.
    """

    def __init__(
        self, conv_ndims: int, input_shape: Sequence[int], output_channels: int, kernel_shape: Sequence[int],
        use_bias: bool = True, skip_connection: bool = False, forget_bias: float = 1.0, initializers: Any = None,
        name: str = "conv_lstm_cell",
    ):  # fmt: skip
        super().__init__(name=name)
        if conv_ndims != len(input_shape) - 1:
            raise ValueError(f"Invalid input_shape {list(input_shape)} for conv_ndims={conv_ndims}.")
        self._places = [int(size) for size in input_shape[:-1]]
        self._input_channels, self._output_channels = int(input_shape[-1]), int(output_channels)
        self._kernel_shape = list(kernel_shape)
        if len(self._kernel_shape) != conv_ndims:
            raise ValueError(f"kernel_shape {self._kernel_shape} must have {conv_ndims} sizes, one for each axis")
        self._use_bias, self._skip, self._forget_bias = use_bias, skip_connection, forget_bias
        self._initializers = initializers

    @property
    def output_size(self) -> TensorShape:
        extra = self._input_channels if self._skip else 0
        return TensorShape([*self._places, self._output_channels + extra])

    @property
    def state_size(self) -> LSTMStateTuple:
        state = TensorShape([*self._places, self._output_channels])
        return LSTMStateTuple(state, state)

    def call(self, inputs: Any, state: Any) -> Any:
        cell, hidden = state
        gates = self._convolved([inputs, hidden], 4 * self._output_channels)
        i, new, f, o = split(gates, 4, axis=gates.type.rank - 1)  # type: ignore[operator]
        new_cell = e.sigmoid(f + self._forget_bias) * cell + e.sigmoid(i) * e.tanh(new)
        new_hidden = e.tanh(new_cell) * e.sigmoid(o)
        outputs = concat([new_hidden, inputs], -1) if self._skip else new_hidden
        return outputs, LSTMStateTuple(new_cell, new_hidden)

    def _convolved(self, parts: Sequence[Tensor], channels: int) -> Tensor:
        together = concat(list(parts), -1)
        depth = self._input_channels + self._output_channels
        given = self._initializers
        of = given.get if isinstance(given, dict) else lambda _, default=given: default
        kernel = get_variable("kernel", [*self._kernel_shape, depth, channels], together.dtype, of("kernel"))
        result = convolution(together, kernel, "SAME")
        if not self._use_bias:
            return result
        return result + get_variable("biases", [channels], together.dtype, of("biases") or Zeros(dtype=together.dtype))


class Conv1DLSTMCell(ConvLSTMCell):
    """A :class:`ConvLSTMCell` over sequences [length, channels]."""

    def __init__(self, name: str = "conv_1d_lstm_cell", **kwargs: Any):
        super().__init__(conv_ndims=1, name=name, **kwargs)


class Conv2DLSTMCell(ConvLSTMCell):
    """A :class:`ConvLSTMCell` over pictures [height, width, channels]."""

    def __init__(self, name: str = "conv_2d_lstm_cell", **kwargs: Any):
        super().__init__(conv_ndims=2, name=name, **kwargs)


class Conv3DLSTMCell(ConvLSTMCell):
    """A :class:`ConvLSTMCell` over volumes [depth, height, width, channels]."""

    def __init__(self, name: str = "conv_3d_lstm_cell", **kwargs: Any):
        super().__init__(conv_ndims=3, name=name, **kwargs)
