"""Recurrent cells of single papers: layer normalised, searched for, gated otherwise, with a rhythm."""

from __future__ import annotations

import math
from typing import Any

from graphc import dtypes
from graphc.initializers import Constant, RandomUniform, Zeros
from graphc.nn.normalisation import batch_normalization, moments
from graphc.nn.recurrent.cell import BIAS, KERNEL, LayerRNNCell, RNNCell, activation_of, check_matrix, depth_of, linear
from graphc.nn.recurrent.cells import LSTMStateTuple
from graphc.nn.recurrent.wrappers import drops
from graphc.nn.regularisation import dropout
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import split
from graphc.ops.contraction import matmul
from graphc.ops.random import random_uniform
from graphc.shapes import TensorShape
from graphc.variable_scope import get_variable, get_variable_scope, variable_scope


class LayerNormBasicLSTMCell(RNNCell):
    """An LSTM with layer normalisation of its gates and cells, and dropout of what enters the cells.

    (Ba, Kiros and Hinton, Layer Normalization, arXiv:1607.06450; Semeniuta and others, Recurrent Dropout without Memory
    Loss, arXiv:1603.05118.)
    """

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, input_size: Any = None, activation: Any = e.tanh,
        layer_norm: bool = True, norm_gain: float = 1.0, norm_shift: float = 0.0, dropout_keep_prob: Any = 1.0,
        dropout_prob_seed: int | None = None, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._activation = activation_of(activation, e.tanh)
        self._layer_norm = layer_norm
        self._norm_gain, self._norm_shift = norm_gain, norm_shift
        self._keep_prob, self._seed = dropout_keep_prob, dropout_prob_seed

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> int:
        return self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        c, h = state
        gates = split(linear([inputs, h], 4 * self._num_units, not self._layer_norm), 4, 1)
        i, j, f, o = map(self._normal, gates, ("input", "transform", "forget", "output"))
        entering = self._activation(j)
        if drops(self._keep_prob):
            entering = dropout(entering, keep_prob=self._keep_prob, seed=self._seed)
        new_c = self._normal(c * e.sigmoid(f + self._forget_bias) + e.sigmoid(i) * entering, "state")
        new_h = self._activation(new_c) * e.sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h)

    def _normal(self, x: Tensor, scope: str) -> Tensor:
        """``gamma * (x - mean) / deviation + beta`` over the units, where asked for."""
        if not self._layer_norm:
            return x
        with variable_scope(scope):
            shape, dtype = [self._num_units], x.dtype
            gamma = get_variable("gamma", shape, dtype, Constant(self._norm_gain, dtype=dtype))
            beta = get_variable("beta", shape, dtype, Constant(self._norm_shift, dtype=dtype))
            mean, variance = moments(x, [1], keep_dims=True)
            return batch_normalization(x, mean, variance, beta, gamma, 1e-12)


class NASCell(LayerRNNCell):
    """The cell that a search found. (Zoph and Le, Neural Architecture Search with Reinforcement Learning,
    arXiv:1611.01578, figure 8.)"""

    def __init__(
        self, num_units: int, num_proj: int | None = None, use_bias: bool = False, reuse: Any = None, **settings: Any
    ):
        super().__init__(_reuse=reuse, **settings)
        self._num_units = num_units
        self._num_proj = num_proj
        self._use_bias = use_bias

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self.output_size)

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units

    def build(self, input_shape: TensorShape) -> None:
        depth, units = depth_of(self, input_shape), self._num_units
        self._recurrent = self.add_variable(f"recurrent_{KERNEL}", [self.output_size, 8 * units])
        self._kernel = self.add_variable(KERNEL, [depth, 8 * units])
        self._bias = self.add_variable(BIAS, [8 * units], initializer=Zeros) if self._use_bias else None
        if self._num_proj:
            self._projection = self.add_variable("projection_weights", [units, self._num_proj])

    def call(self, inputs: Any, state: Any) -> Any:
        check_matrix(self, inputs)
        c, m = state
        from_m = matmul(m, self._recurrent)
        if self._bias is not None:
            from_m = from_m + self._bias
        ms, xs = split(from_m, 8, 1), split(matmul(inputs, self._kernel), 8, 1)
        first = e.tanh(e.sigmoid(xs[0] + ms[0]) * e.relu(xs[1] + ms[1]))
        second = e.tanh(e.sigmoid(xs[2] + ms[2]) + e.relu(xs[3] * ms[3]))
        third = e.tanh(e.tanh(xs[4] + ms[4]) * e.sigmoid(xs[5] + ms[5]))
        fourth = e.sigmoid(e.tanh(xs[6] + ms[6]) + e.sigmoid(xs[7] + ms[7]))
        new_c = e.tanh(first + c) * second
        new_m = e.tanh(new_c * e.tanh(third + fourth))
        if self._num_proj:
            new_m = matmul(new_m, self._projection)
        return new_m, LSTMStateTuple(new_c, new_m)


class UGRNNCell(RNNCell):
    """``h' = g * h + (1 - g) * tanh(c)`` with g, c of [x, h] @ kernel + bias: one gate. (Collins, Sohl-Dickstein and
    Sussillo, Capacity and Trainability in Recurrent Neural Networks, arXiv:1611.09913.)"""

    def __init__(
        self, num_units: int, initializer: Any = None, forget_bias: float = 1.0, activation: Any = e.tanh,
        reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._initializer = initializer
        self._forget_bias = forget_bias
        self._activation = activation_of(activation, e.tanh)

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        depth_of(self, inputs.shape)
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            gate, candidate = split(linear([inputs, state], 2 * self._num_units, True), 2, 1)
        g = e.sigmoid(gate + self._forget_bias)
        output = g * state + (1 - g) * self._activation(candidate)
        return output, output


class IntersectionRNNCell(RNNCell):
    """A cell with a gated state and gated outputs beside its inputs. (Collins, Sohl-Dickstein and Sussillo, Capacity
    and Trainability in Recurrent Neural Networks, arXiv:1611.09913.)

    Inputs have as many units as the cell, or ``num_in_proj`` brings them to that.
    """

    def __init__(
        self, num_units: int, num_in_proj: int | None = None, initializer: Any = None, forget_bias: float = 1.0,
        y_activation: Any = e.relu, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._num_in_proj = num_in_proj
        self._initializer = initializer
        self._forget_bias = forget_bias
        self._y_activation = activation_of(y_activation, e.relu)

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        depth = depth_of(self, inputs.shape)
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            if depth != self._num_units:
                if not self._num_in_proj:
                    raise ValueError(
                        "Must have input size == output size for Intersection RNN. To fix, num_in_proj should be set "
                        f"to num_units at cell init: {depth} inputs, {self._num_units} units"
                    )
                with variable_scope("in_projection"):
                    inputs = linear(inputs, self._num_in_proj, True)
            gh, h, gy, y = split(linear([inputs, state], 4 * self._num_units, True), 4, 1)
        of_state, of_output = e.sigmoid(gh + self._forget_bias), e.sigmoid(gy + self._forget_bias)
        new_state = of_state * state + (1 - of_state) * e.tanh(h)
        return of_output * inputs + (1 - of_output) * self._y_activation(y), new_state


class PhasedLSTMCell(RNNCell):
    """An LSTM whose units open in a rhythm of their own; inputs are (times [batch, 1], x [batch, depth]).

    (Neil, Pfeiffer and Liu, Phased LSTM: Accelerating Recurrent Network Training for Long or Event-based Sequences,
    arXiv:1610.09513.)
    """

    def __init__(
        self, num_units: int, use_peepholes: bool = False, leak: float = 0.001, ratio_on: float = 0.1,
        trainable_ratio_on: bool = True, period_init_min: float = 1.0, period_init_max: float = 1000.0,
        reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._leak, self._ratio_on, self._trainable_ratio_on = leak, ratio_on, trainable_ratio_on
        self._period_range = period_init_min, period_init_max

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> int:
        return self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        (time, x), (c, h), units = inputs, state, self._num_units
        with variable_scope("mask_gates"):
            peephole = [c] if self._use_peepholes else []
            i, f = split(e.sigmoid(linear([x, h, *peephole], 2 * units, True)), 2, 1)
        with variable_scope("new_input"):
            entering = e.tanh(linear([x, h], units, True))
        new_c = c * f + i * entering
        with variable_scope("output_gate"):
            peephole = [new_c] if self._use_peepholes else []
            o = e.sigmoid(linear([x, h, *peephole], units, True))
        new_h = e.tanh(new_c) * o
        k = self._openness(e.cast(time, x.dtype))
        new_c, new_h = k * new_c + (1 - k) * c, k * new_h + (1 - k) * h
        return new_h, LSTMStateTuple(new_c, new_h)

    def _openness(self, time: Tensor) -> Tensor:
        """How far each unit is open at each sequence's time: up and down in its open part of a period, else a leak."""
        shape, dtype = [self._num_units], time.dtype
        period = get_variable("period", shape, dtype, self._periods)
        phase = get_variable("phase", shape, dtype, lambda shape, dtype: self._periods(shape, dtype) * random_uniform(
            shape, dtype=dtype))  # fmt: skip
        ratio_on = get_variable(
            "ratio_on", shape, dtype, Constant(self._ratio_on, dtype=dtype), trainable=self._trainable_ratio_on
        )
        cycle = e.floormod(time - phase, period) / period
        up = 2 * cycle / ratio_on
        shut = e.select(cycle < ratio_on, 2 - up, self._leak * cycle)
        return e.select(cycle < 0.5 * ratio_on, up, shut)

    def _periods(self, shape: Any, dtype: Any = dtypes.float32, partition_info: Any = None) -> Tensor:
        """Periods whose logarithms are spread evenly."""
        low, high = map(math.log, self._period_range)
        return e.exp(RandomUniform(low, high, dtype=dtype)(shape, dtype=dtype))
