"""Mechanisms of attention: how well the states of a memory fit a query."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphc import dtypes
from graphc.initializers import Constant, Ones, Zeros
from graphc.layers.core import Dense
from graphc.nn.classification import softmax
from graphc.nn.recurrent.cell import batch_size_of, zeros_of
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import zeros
from graphc.ops.base import convert_to_tensor
from graphc.ops.contraction import matmul
from graphc.ops.indexing import one_hot
from graphc.ops.reduction import argmax, reduce_sum
from graphc.ops.reshaping import expand_dims, shape, squeeze
from graphc.ops.sequence_lengths import sequence_mask
from graphc.variable_scope import get_variable, variable_scope

Probability = Callable[[Tensor], Tensor]


class AttentionMechanism:
    """A memory [batch, length, depth], with keys made of it, that is asked for weights [batch, length] for a query.

    States behind ``memory_sequence_length`` are zero and have no weight.
    """

    def __init__(
        self, query_layer: Any, memory_layer: Any, memory: Any, memory_sequence_length: Any,
        probability_fn: Probability | None, score_mask_value: float | None,
    ):  # fmt: skip
        if probability_fn is not None and not callable(probability_fn):
            raise TypeError("probability_fn must be callable")
        self._query_layer, self._memory_layer = query_layer, memory_layer
        self._probability = probability_fn or softmax
        self._lengths = None if memory_sequence_length is None else convert_to_tensor(memory_sequence_length)
        self._mask_value = -math.inf if score_mask_value is None else score_mask_value
        self._values = self._prepared(convert_to_tensor(memory))
        self._keys = self._values if memory_layer is None else memory_layer(self._values)

    def _prepared(self, memory: Tensor) -> Tensor:
        if memory.type.rank is None or memory.type.rank < 3:
            raise ValueError(f"attention needs a memory [batch, length, depth], not {memory.type}")
        if None in memory.type.shape[2:]:  # type: ignore[index]
            raise ValueError(
                f"Expected memory {memory.name} to have fully defined inner dims, but saw shape: {memory.shape}"
            )
        if self._lengths is None:
            return memory
        mask = sequence_mask(self._lengths, shape(memory)[1], memory.dtype)
        for _ in range(memory.type.rank - 2):
            mask = expand_dims(mask, -1)
        return memory * mask

    @property
    def memory_layer(self) -> Any:
        """The layer that makes keys of the memory."""
        return self._memory_layer

    @property
    def query_layer(self) -> Any:
        """The layer that the query goes through, or None."""
        return self._query_layer

    @property
    def values(self) -> Tensor:
        """The memory, zero behind the lengths."""
        return self._values

    @property
    def keys(self) -> Tensor:
        """What a query is compared with."""
        return self._keys

    @property
    def batch_size(self) -> Any:
        """How many memories there are."""
        return batch_size_of(self._keys)

    @property
    def alignments_size(self) -> Any:
        """The length of the memory."""
        return batch_size_of(self._keys, 1)

    state_size = alignments_size

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Tensor:
        """The weights before the first step: none."""
        size = self.alignments_size
        if isinstance(size, int):
            return zeros_of(size, batch_size, dtype)
        return zeros([batch_size, size], dtype)

    initial_state = initial_alignments

    def _weights(self, score: Tensor) -> Tensor:
        if self._lengths is not None:
            mask = sequence_mask(self._lengths, shape(score)[1])
            score = e.select(mask, score, convert_to_tensor(self._mask_value, score.dtype))
        return self._probability(score)


class BahdanauAttention(AttentionMechanism):
    """``softmax(sum(v * tanh(keys + query)))``: additive.

    (Bahdanau, Cho and Bengio, Neural Machine Translation by Jointly Learning to Align and Translate, arXiv:1409.0473.)
    ``normalize`` gives v a length of its own (Salimans and Kingma, Weight Normalization, arXiv:1602.07868).
    """

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, normalize: bool = False,
        probability_fn: Probability | None = None, score_mask_value: float | None = None, dtype: Any = None,
        name: str = "BahdanauAttention",
    ):  # fmt: skip
        wanted = dtypes.float32 if dtype is None else dtype
        query_layer = Dense(num_units, name="query_layer", use_bias=False, dtype=wanted)
        memory_layer = Dense(num_units, name="memory_layer", use_bias=False, dtype=wanted)
        self._num_units, self._normalize = num_units, normalize
        super().__init__(query_layer, memory_layer, memory, memory_sequence_length, probability_fn, score_mask_value)

    def __call__(self, query: Any, state: Any) -> tuple[Tensor, Tensor]:
        """The weights for a query [batch, depth], twice: they are the next state too."""
        with variable_scope(None, "bahdanau_attention", [query]):
            wanted = expand_dims(self._query_layer(query), 1)
            shape, dtype = [self._num_units], wanted.dtype
            v = get_variable("attention_v", shape, dtype=dtype)
            together = self._keys + wanted
            if self._normalize:
                first = Constant(math.sqrt(1 / self._num_units), dtype=dtype)
                g = get_variable("attention_g", (), dtype=dtype, initializer=first)
                b = get_variable("attention_b", shape, dtype=dtype, initializer=Zeros(dtype=dtype))
                v, together = g * v * e.rsqrt(reduce_sum(e.square(v))), together + b
            weights = self._weights(reduce_sum(v * e.tanh(together), 2))
        return weights, weights


class LuongAttention(AttentionMechanism):
    """``softmax(keys . query)``: multiplicative; ``scale`` multiplies the scores by a variable.

    (Luong, Pham and Manning, Effective Approaches to Attention-based Neural Machine Translation, arXiv:1508.04025.)
    """

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, scale: bool = False,
        probability_fn: Probability | None = None, score_mask_value: float | None = None, dtype: Any = None,
        name: str = "LuongAttention",
    ):  # fmt: skip
        wanted = dtypes.float32 if dtype is None else dtype
        memory_layer = Dense(num_units, name="memory_layer", use_bias=False, dtype=wanted)
        self._num_units, self._scale = num_units, scale
        super().__init__(None, memory_layer, memory, memory_sequence_length, probability_fn, score_mask_value)

    def __call__(self, query: Any, state: Any) -> tuple[Tensor, Tensor]:
        """The weights for a query [batch, units], twice: they are the next state too."""
        with variable_scope(None, "luong_attention", [query]):
            depth, units = query.shape[-1].value, self._keys.shape[-1].value
            if depth != units:
                raise ValueError(
                    "Incompatible or unknown inner dimensions between query and keys: the query has units "
                    f"{depth}, the keys have units {units}; perhaps num_units must be {depth}"
                )
            score = squeeze(matmul(expand_dims(query, 1), self._keys, transpose_b=True), [1])
            if self._scale:
                first = Ones(dtype=query.dtype)
                score = get_variable("attention_g", (), dtype=query.dtype, initializer=first) * score
            weights = self._weights(score)
        return weights, weights


def hardmax(logits: Any, name: str | None = None) -> Tensor:
    """1 where a row of logits is highest, else 0."""
    scores = convert_to_tensor(logits)
    depth = scores.shape[-1].value
    return one_hot(argmax(scores, -1), shape(scores)[-1] if depth is None else depth, dtype=scores.dtype)
