"""Cells around cells that add variables: projections, an embedding, a highway, attention to states that were."""

from __future__ import annotations

import math
from typing import Any

from graphc.initializers import Constant, RandomUniform
from graphc.nest import flatten
from graphc.nn.classification import softmax
from graphc.nn.lookup import embedding_lookup
from graphc.nn.recurrent.cell import RNNCell, activation_of, check_cell, depth_of, linear
from graphc.nn.recurrent.wrappers import Wrapper
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat
from graphc.ops.base import convert_to_tensor
from graphc.ops.contraction import tensordot
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import expand_dims, reshape
from graphc.variable_scope import get_variable, variable_scope


class _Around(RNNCell):
    """A cell around another one, with a scope and variables of its own."""

    def __init__(self, cell: Any, reuse: Any = None):
        super().__init__(_reuse=reuse)
        check_cell(cell)
        self._cell = cell

    @property
    def state_size(self) -> Any:
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        return self._cell.output_size


class OutputProjectionWrapper(_Around):
    """A cell whose outputs go through ``activation(outputs @ kernel + bias)``, ``output_size`` of them."""

    def __init__(self, cell: Any, output_size: int, activation: Any = None, reuse: Any = None):
        super().__init__(cell, reuse)
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        self._output_size = output_size
        self._activation = activation_of(activation, e.identity)

    @property
    def output_size(self) -> int:
        return self._output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        return self._cell.zero_state(batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> Any:
        output, following = self._cell(inputs, state)
        return self._activation(linear(output, self._output_size, True)), following


class InputProjectionWrapper(_Around):
    """A cell whose inputs come as ``activation(inputs @ kernel + bias)``, ``num_proj`` of them."""

    def __init__(self, cell: Any, num_proj: int, activation: Any = None, input_size: Any = None, reuse: Any = None):
        super().__init__(cell, reuse)
        self._num_proj = num_proj
        self._activation = activation_of(activation, e.identity)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        return self._cell.zero_state(batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> Any:
        return self._cell(self._activation(linear(inputs, self._num_proj, True)), state)


class EmbeddingWrapper(_Around):
    """A cell whose inputs are numbers of classes [batch] or [batch, 1], looked up in the table ``embedding``."""

    def __init__(
        self, cell: Any, embedding_classes: int, embedding_size: int, initializer: Any = None, reuse: Any = None
    ):
        super().__init__(cell, reuse)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(
                f"Both embedding_classes and embedding_size must be > 0: {embedding_classes}, {embedding_size}."
            )
        self._table_shape = [embedding_classes, embedding_size]
        # Of variance 1.
        self._initializer = initializer or RandomUniform(-math.sqrt(3), math.sqrt(3))

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        return self._cell.zero_state(batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> Any:
        dtype = flatten(state)[0].dtype
        table = get_variable("embedding", self._table_shape, initializer=self._initializer, dtype=dtype)
        return self._cell(embedding_lookup(table, reshape(inputs, [-1])), state)


class HighwayWrapper(Wrapper):
    """``carry * inputs + (1 - carry) * outputs`` of a cell, with carry = sigmoid(inputs @ carry_w + carry_b).

    (Srivastava, Greff and Schmidhuber, Highway Networks, arXiv:1505.00387.)
    """

    def __init__(self, cell: Any, couple_carry_transform_gates: bool = True, carry_bias_init: float = 1.0):
        super().__init__(cell)
        self._coupled = couple_carry_transform_gates
        self._carry_bias = carry_bias_init

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """A step of the cell inside, mixed with its inputs."""
        outputs, following = self.cell(inputs, state, *([] if scope is None else [scope]))
        x, y = convert_to_tensor(inputs), convert_to_tensor(outputs)
        if not x.shape.is_compatible_with(y.shape):
            raise ValueError(f"HighwayWrapper: the inputs are {x.type} and the outputs {y.type}; wanted one shape")
        carry = self._gate("carry", x, self._carry_bias)
        transform = 1 - carry if self._coupled else self._gate("transform", x, -self._carry_bias)
        return x * carry + y * transform, following

    apply = __call__

    def _gate(self, name: str, x: Tensor, bias: float) -> Tensor:
        size = depth_of(self, x.shape)
        weight = get_variable(f"{name}_w", [size, size], dtype=x.dtype)
        shift = get_variable(f"{name}_b", [size], dtype=x.dtype, initializer=Constant(bias, dtype=x.dtype))
        return e.sigmoid(tensordot(x, weight, 1) + shift)


class AttentionCellWrapper(_Around):
    """A cell that attends to its own last ``attn_length`` outputs. (Rocktäschel and others, Reasoning about Entailment
    with Neural Attention, arXiv:1509.06664.) The state is (the cell's, what was attended to, the last outputs)."""

    def __init__(
        self, cell: Any, attn_length: int, attn_size: int | None = None, attn_vec_size: int | None = None,
        input_size: int | None = None, state_is_tuple: bool = True, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(cell, reuse)
        if attn_length <= 0:
            raise ValueError(f"attn_length should be greater than zero, got {attn_length}")
        if not state_is_tuple:
            raise NotImplementedError("AttentionCellWrapper has its state as a tuple; use state_is_tuple=True")
        self._length = attn_length
        self._size = cell.output_size if attn_size is None else attn_size
        self._vec_size = self._size if attn_vec_size is None else attn_vec_size
        self._input_size = input_size

    @property
    def state_size(self) -> Any:
        return self._cell.state_size, self._size, self._size * self._length

    @property
    def output_size(self) -> int:
        return self._size

    def call(self, inputs: Any, state: Any) -> Any:
        own, attended, flat = state
        outputs = reshape(flat, [-1, self._length, self._size])
        entering = linear([inputs, attended], self._input_size or depth_of(self, inputs.shape), True)
        cell_output, following = self._cell(entering, own)
        attended = self._attended(concat(flatten(following), 1), outputs)
        with variable_scope("attn_output_projection"):
            output = linear([cell_output, attended], self._size, True)
        last = concat([outputs[:, 1:], expand_dims(output, 1)], 1)
        return output, (following, attended, reshape(last, [-1, self._length * self._size]))

    def _attended(self, query: Tensor, outputs: Tensor) -> Tensor:
        """The mean of outputs [batch, length, size], weighted by how well they fit the query [batch, depth]."""
        with variable_scope("attention"):
            dtype = query.dtype
            kernel = get_variable("attn_w", [1, 1, self._size, self._vec_size], dtype=dtype)
            v = get_variable("attn_v", [self._vec_size], dtype=dtype)
            features = tensordot(outputs, reshape(kernel, [self._size, self._vec_size]), 1)
            wanted = expand_dims(linear(query, self._vec_size, True), 1)
            weights = softmax(reduce_sum(v * e.tanh(features + wanted), 2))
            return reduce_sum(expand_dims(weights, 2) * outputs, 1)
