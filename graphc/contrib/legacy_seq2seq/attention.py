"""A decoder that attends to the outputs of an encoder. (Vinyals and others, Grammar as a Foreign Language,
arXiv:1412.7449.)"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from graphc.contrib.legacy_seq2seq.decoders import (
    Decoded,
    LoopFunction,
    best_embedded,
    check_projection,
    either_way,
)
from graphc.contrib.rnn.more_wrappers import EmbeddingWrapper, OutputProjectionWrapper
from graphc.nest import flatten
from graphc.nn.classification import softmax
from graphc.nn.lookup import embedding_lookup
from graphc.nn.recurrent.cell import linear
from graphc.nn.recurrent.unrolled import static_rnn
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, zeros
from graphc.ops.base import convert_to_tensor
from graphc.ops.contraction import tensordot
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import expand_dims, reshape, shape
from graphc.variable_scope import get_variable, get_variable_scope, variable_scope


class _Heads:
    """What the heads of attention look at: states [batch, length, size]."""

    def __init__(self, states: Tensor, heads: int):
        self.states = states
        size = states.shape[2].value
        if size is None:
            raise ValueError(f"Shape[2] of attention_states must be known: {states.shape}")
        self.size = size
        self.features, self.v = [], []
        for head in range(heads):
            kernel = get_variable(f"AttnW_{head}", [1, 1, size, size], dtype=states.dtype)
            self.features.append(tensordot(states, reshape(kernel, [size, size]), 1))
            self.v.append(get_variable(f"AttnV_{head}", [size], dtype=states.dtype))

    def attend(self, query: Any) -> list[Tensor]:
        """For each head the mean of the states, weighted by how well they fit the query."""
        parts = [convert_to_tensor(x) for x in flatten(query)]
        together = parts[0] if len(parts) == 1 else concat(parts, 1)
        found = []
        for head, (features, v) in enumerate(zip(self.features, self.v, strict=True)):
            with variable_scope(f"Attention_{head}"):
                wanted = expand_dims(linear(together, self.size, True), 1)
                weights = softmax(reduce_sum(v * e.tanh(features + wanted), 2))
                found.append(reduce_sum(expand_dims(weights, 2) * self.states, 1))
        return found


def attention_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    attention_states: Any,
    cell: Any,
    output_size: int | None = None,
    num_heads: int = 1,
    loop_function: LoopFunction | None = None,
    dtype: Any = None,
    scope: Any = None,
    initial_state_attention: bool = False,
) -> Decoded:
    """:func:`rnn_decoder` whose inputs and outputs are joined with what attends to ``attention_states``.

    These are [batch, length, size]. The first step attends to nothing, unless ``initial_state_attention``.
    """
    if not decoder_inputs:
        raise ValueError("Must provide at least 1 input to attention decoder.")
    if num_heads < 1:
        raise ValueError("With less than 1 heads, use a non-attention decoder.")
    size = cell.output_size if output_size is None else output_size
    with variable_scope(scope or "attention_decoder", dtype=dtype):
        heads = _Heads(convert_to_tensor(attention_states), num_heads)
        state, outputs, previous = initial_state, [], None
        if initial_state_attention:
            attended = heads.attend(state)
        else:
            batch = shape(convert_to_tensor(decoder_inputs[0]))[0]
            attended = [zeros([batch, heads.size], heads.states.dtype) for _ in range(num_heads)]
            for zero in attended:
                zero.set_shape([None, heads.size])
        for number, x in enumerate(decoder_inputs):
            if number:
                get_variable_scope().reuse_variables()
            if loop_function is not None and previous is not None:
                with variable_scope("loop_function", reuse=True):
                    x = loop_function(previous, number)
            x = convert_to_tensor(x)
            if x.type.rank is None or x.shape[-1].value is None:
                raise ValueError(f"Could not infer input size from input: {x.name}")
            output, state = cell(linear([x, *attended], x.shape[-1].value, True), state)
            with variable_scope(get_variable_scope(), reuse=True if initial_state_attention or number else None):
                attended = heads.attend(state)
            with variable_scope("AttnOutputProjection"):
                previous = linear([output, *attended], size, True)
            outputs.append(previous)
    return outputs, state


def embedding_attention_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    attention_states: Any,
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    num_heads: int = 1,
    output_size: int | None = None,
    output_projection: Any = None,
    feed_previous: bool = False,
    update_embedding_for_previous: bool = True,
    dtype: Any = None,
    scope: Any = None,
    initial_state_attention: bool = False,
) -> Decoded:
    """:func:`attention_decoder` of symbols [batch], looked up in the table ``embedding``."""
    with variable_scope(scope or "embedding_attention_decoder", dtype=dtype):
        check_projection(output_projection, num_symbols)
        table = get_variable("embedding", [num_symbols, embedding_size])
        loop = best_embedded(table, output_projection, update_embedding_for_previous) if feed_previous else None
        return attention_decoder(
            [embedding_lookup(table, x) for x in decoder_inputs], initial_state, attention_states, cell, output_size,
            num_heads, loop, initial_state_attention=initial_state_attention,
        )  # fmt: skip


def embedding_attention_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    num_encoder_symbols: int,
    num_decoder_symbols: int,
    embedding_size: int,
    num_heads: int = 1,
    output_projection: Any = None,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
    initial_state_attention: bool = False,
) -> Decoded:
    """:func:`embedding_rnn_seq2seq` whose decoder attends to all outputs of the encoder."""
    with variable_scope(scope or "embedding_attention_seq2seq", dtype=dtype) as own:
        encoder = EmbeddingWrapper(copy.deepcopy(cell), num_encoder_symbols, embedding_size)
        encoded, state = static_rnn(encoder, encoder_inputs, dtype=dtype or own.dtype)
        states = concat([expand_dims(x, 1) for x in encoded], 1)
        size = None
        if output_projection is None:
            cell, size = OutputProjectionWrapper(cell, num_decoder_symbols), num_decoder_symbols

        def decoder(feeds_previous: bool) -> Decoded:
            return embedding_attention_decoder(
                decoder_inputs, state, states, cell, num_decoder_symbols, embedding_size, num_heads, size,
                output_projection, feeds_previous, initial_state_attention=initial_state_attention,
            )  # fmt: skip

        return either_way(feed_previous, decoder)
