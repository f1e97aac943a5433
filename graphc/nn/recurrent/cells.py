"""The cells of ``tf.nn.rnn_cell``: basic, gated and long short-term memory."""

from __future__ import annotations

from typing import Any, NamedTuple

from graphc.initializers import Constant, Zeros
from graphc.nn.recurrent.cell import BIAS, KERNEL, LayerRNNCell, activation_of, affine, check_matrix, depth_of
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, split
from graphc.ops.contraction import matmul
from graphc.shapes import TensorShape


class LSTMStateTuple(NamedTuple):
    """The state of an LSTM: its cells ``c`` and its outputs ``h``, each [batch, units]."""

    c: Any
    h: Any

    @property
    def dtype(self) -> Any:
        """The dtype of both."""
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent internal state: {self.c.dtype} vs {self.h.dtype}")
        return self.c.dtype


class BasicRNNCell(LayerRNNCell):
    """``h' = activation([x, h] @ kernel + bias)``"""

    def __init__(
        self, num_units: int, activation: Any = None, reuse: Any = None, name: str | None = None, dtype: Any = None,
        **settings: Any,
    ):  # fmt: skip
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **settings)
        self._num_units = num_units
        self._activation = activation_of(activation, e.tanh)

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: TensorShape) -> None:
        depth = depth_of(self, input_shape)
        self._kernel = self.add_variable(KERNEL, [depth + self._num_units, self._num_units])
        self._bias = self.add_variable(BIAS, [self._num_units], initializer=Zeros(dtype=self.dtype))

    def call(self, inputs: Any, state: Any) -> Any:
        check_matrix(self, inputs)
        output = self._activation(affine([inputs, state], self._kernel, self._bias))
        return output, output


class GRUCell(LayerRNNCell):
    """``h' = u * h + (1 - u) * activation([x, r * h] @ candidate)`` with gates r, u = sigmoid([x, h] @ gates).

    (Cho and others, Learning Phrase Representations using RNN Encoder-Decoder, arXiv:1406.1078.)
    """

    def __init__(
        self, num_units: int, activation: Any = None, reuse: Any = None, kernel_initializer: Any = None,
        bias_initializer: Any = None, name: str | None = None, dtype: Any = None, **settings: Any,
    ):  # fmt: skip
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **settings)
        self._num_units = num_units
        self._activation = activation_of(activation, e.tanh)
        self._kernel_initializer = kernel_initializer
        self._bias_initializer = bias_initializer

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: TensorShape) -> None:
        rows, units = depth_of(self, input_shape) + self._num_units, self._num_units
        of_kernel, of_bias = self._kernel_initializer, self._bias_initializer
        # Gates that begin open (1.0) neither reset nor update.
        open_gates = Constant(1.0, dtype=self.dtype) if of_bias is None else of_bias
        zeros = Zeros(dtype=self.dtype) if of_bias is None else of_bias
        self._gate_kernel = self.add_variable(f"gates/{KERNEL}", [rows, 2 * units], initializer=of_kernel)
        self._gate_bias = self.add_variable(f"gates/{BIAS}", [2 * units], initializer=open_gates)
        self._candidate_kernel = self.add_variable(f"candidate/{KERNEL}", [rows, units], initializer=of_kernel)
        self._candidate_bias = self.add_variable(f"candidate/{BIAS}", [units], initializer=zeros)

    def call(self, inputs: Any, state: Any) -> Any:
        check_matrix(self, inputs)
        gates = e.sigmoid(affine([inputs, state], self._gate_kernel, self._gate_bias))
        r, u = split(gates, 2, 1)
        candidate = self._activation(affine([inputs, r * state], self._candidate_kernel, self._candidate_bias))
        output = u * state + (1 - u) * candidate
        return output, output


class BasicLSTMCell(LayerRNNCell):
    """``c' = sigmoid(f + forget_bias) * c + sigmoid(i) * tanh(j); h' = sigmoid(o) * tanh(c')``

    with i, j, f, o = [x, h] @ kernel + bias. (Zaremba and others, Recurrent Neural Network Regularization,
    arXiv:1409.2329.) The state is an LSTMStateTuple, or [c, h] along the last axis without ``state_is_tuple``.
    """

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None,
        reuse: Any = None, name: str | None = None, dtype: Any = None, **settings: Any,
    ):  # fmt: skip
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **settings)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation_of(activation, e.tanh)

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self._num_units) if self._state_is_tuple else 2 * self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: TensorShape) -> None:
        depth, units = depth_of(self, input_shape), self._num_units
        self._kernel = self.add_variable(KERNEL, [depth + units, 4 * units])
        self._bias = self.add_variable(BIAS, [4 * units], initializer=Zeros(dtype=self.dtype))

    def call(self, inputs: Any, state: Any) -> Any:
        check_matrix(self, inputs)
        c, h = halves(state, self._state_is_tuple)
        i, j, f, o = split(affine([inputs, h], self._kernel, self._bias), 4, 1)
        new_c = c * e.sigmoid(f + self._forget_bias) + e.sigmoid(i) * self._activation(j)
        new_h = self._activation(new_c) * e.sigmoid(o)
        return new_h, joined(new_c, new_h, self._state_is_tuple)


class LSTMCell(LayerRNNCell):
    """:class:`BasicLSTMCell` with peepholes, clipped cells and a projection of its outputs, each where asked for.

    Peepholes add ``w * c`` to the gates i and f, and ``w * c'`` to o; ``num_proj`` multiplies the outputs by a matrix.
    (Sak and others, Long Short-Term Memory Recurrent Neural Network Architectures, Interspeech 2014.) Weights are never
    cut into shards: ``num_unit_shards`` and ``num_proj_shards`` are accepted and without effect.
    """

    def __init__(
        self, num_units: int, use_peepholes: bool = False, cell_clip: float | None = None, initializer: Any = None,
        num_proj: int | None = None, proj_clip: float | None = None, num_unit_shards: Any = None,
        num_proj_shards: Any = None, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None,
        reuse: Any = None, name: str | None = None, dtype: Any = None, **settings: Any,
    ):  # fmt: skip
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **settings)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation_of(activation, e.tanh)

    @property
    def state_size(self) -> Any:
        sizes = self._num_units, self.output_size
        return LSTMStateTuple(*sizes) if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units

    def build(self, input_shape: TensorShape) -> None:
        rows, units, first = depth_of(self, input_shape) + self.output_size, self._num_units, self._initializer
        self._kernel = self.add_variable(KERNEL, [rows, 4 * units], initializer=first)
        of_bias = Zeros(dtype=self.dtype) if first is None else Zeros
        self._bias = self.add_variable(BIAS, [4 * units], initializer=of_bias)
        if self._use_peepholes:
            self._w_f_diag = self.add_variable("w_f_diag", [units], initializer=first)
            self._w_i_diag = self.add_variable("w_i_diag", [units], initializer=first)
            self._w_o_diag = self.add_variable("w_o_diag", [units], initializer=first)
        if self._num_proj:
            self._projection = self.add_variable(f"projection/{KERNEL}", [units, self._num_proj], initializer=first)

    def call(self, inputs: Any, state: Any) -> Any:
        check_matrix(self, inputs)
        c, h = halves(state, self._state_is_tuple, self._num_units)
        i, j, f, o = split(affine([inputs, h], self._kernel, self._bias), 4, 1)
        if self._use_peepholes:
            i, f = i + self._w_i_diag * c, f + self._w_f_diag * c
        new_c = clipped(e.sigmoid(f + self._forget_bias) * c + e.sigmoid(i) * self._activation(j), self._cell_clip)
        if self._use_peepholes:
            o = o + self._w_o_diag * new_c
        new_h = e.sigmoid(o) * self._activation(new_c)
        if self._num_proj:
            new_h = clipped(matmul(new_h, self._projection), self._proj_clip)
        return new_h, joined(new_c, new_h, self._state_is_tuple)


def halves(state: Any, is_tuple: bool, units: int | None = None) -> Any:
    """The cells and the outputs of a state; ``units`` is the size of the first, half of all unless given."""
    if is_tuple:
        c, h = state
        return c, h
    if units is None:
        return split(state, 2, 1)
    return state[:, :units], state[:, units:]


def joined(c: Tensor, h: Tensor, is_tuple: bool) -> Any:
    """The state of these cells and outputs."""
    return LSTMStateTuple(c, h) if is_tuple else concat([c, h], 1)


def clipped(x: Tensor, limit: float | None) -> Tensor:
    """``x`` between ``-limit`` and ``limit``; as it is where there is no limit."""
    return e.maximum(e.minimum(x, limit), -limit) if limit is not None else x
