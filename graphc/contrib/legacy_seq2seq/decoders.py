"""Encoders and decoders whose sequences are lists of steps."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from graphc import dtypes
from graphc.contrib.rnn.more_wrappers import EmbeddingWrapper, OutputProjectionWrapper
from graphc.nest import flatten, pack_as
from graphc.nn.activations import xw_plus_b
from graphc.nn.lookup import embedding_lookup
from graphc.nn.recurrent.unrolled import static_rnn
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor, is_tensor_like
from graphc.ops.branches import cond
from graphc.ops.elementwise import stop_gradient
from graphc.ops.reduction import argmax
from graphc.variable_scope import get_variable, get_variable_scope, variable_scope

LoopFunction = Callable[[Any, int], Any]  # the next input from an output and its place
Decoded = tuple[list[Any], Any]


def rnn_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    cell: Any,
    loop_function: LoopFunction | None = None,
    scope: Any = None,
) -> Decoded:
    """The outputs of ``cell`` for a list of inputs, and its last state.

    With a ``loop_function`` all inputs but the first are what it gives for the output before, and its place.
    """
    with variable_scope(scope or "rnn_decoder"):
        state, outputs, previous = initial_state, [], None
        for number, x in enumerate(decoder_inputs):
            if loop_function is not None and previous is not None:
                with variable_scope("loop_function", reuse=True):
                    x = loop_function(previous, number)
            if number:
                get_variable_scope().reuse_variables()
            output, state = cell(x, state)
            outputs.append(output)
            previous = output
    return outputs, state


def basic_rnn_seq2seq(
    encoder_inputs: Sequence[Any], decoder_inputs: Sequence[Any], cell: Any, dtype: Any = dtypes.float32,
    scope: Any = None,
) -> Decoded:  # fmt: skip
    """A decoder that begins with the last state of an encoder, each with a cell of its own."""
    with variable_scope(scope or "basic_rnn_seq2seq"):
        _, state = static_rnn(copy.deepcopy(cell), encoder_inputs, dtype=dtype)
        return rnn_decoder(decoder_inputs, state, cell)


def tied_rnn_seq2seq(
    encoder_inputs: Sequence[Any], decoder_inputs: Sequence[Any], cell: Any, loop_function: LoopFunction | None = None,
    dtype: Any = dtypes.float32, scope: Any = None,
) -> Decoded:  # fmt: skip
    """A decoder that begins with the last state of an encoder, both with the same cell."""
    with variable_scope("combined_tied_rnn_seq2seq"):
        own = scope or "tied_rnn_seq2seq"
        _, state = static_rnn(cell, encoder_inputs, dtype=dtype, scope=own)
        get_variable_scope().reuse_variables()
        return rnn_decoder(decoder_inputs, state, cell, loop_function, own)


def embedding_rnn_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: bool = False,
    update_embedding_for_previous: bool = True,
    scope: Any = None,
) -> Decoded:
    """:func:`rnn_decoder` of symbols [batch], looked up in the table ``embedding``.

    With ``feed_previous`` all inputs but the first are the symbols that scored highest, after ``output_projection``
    (a matrix and a vector) where the outputs are not scores themselves.
    """
    with variable_scope(scope or "embedding_rnn_decoder"):
        check_projection(output_projection, num_symbols)
        table = get_variable("embedding", [num_symbols, embedding_size])
        loop = best_embedded(table, output_projection, update_embedding_for_previous) if feed_previous else None
        inputs = [embedding_lookup(table, x) for x in decoder_inputs]
        return rnn_decoder(inputs, initial_state, cell, loop)


def check_projection(projection: Any, symbols: int) -> None:
    """``ValueError`` unless a projection gives scores for so many symbols."""
    if projection is None:
        return
    weights, biases = map(convert_to_tensor, projection)
    if weights.type.rank not in (2, None) or biases.type.rank not in (1, None) or biases.shape[0].value != symbols:
        raise ValueError(
            f"output_projection must be a matrix [size, {symbols}] and a vector [{symbols}], not {weights.type} and "
            f"{biases.type}"
        )


def best_embedded(table: Any, projection: Any = None, update: bool = True) -> LoopFunction:
    """The next input: the row of the symbol that scored highest; without ``update`` no gradient flows to the table."""

    def embedded(previous: Any, _: int) -> Tensor:
        scores = previous if projection is None else xw_plus_b(previous, projection[0], projection[1])
        rows = embedding_lookup(table, argmax(scores, 1))
        return rows if update else stop_gradient(rows)

    return embedded


def embedding_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    num_encoder_symbols: int,
    num_decoder_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
) -> Decoded:
    """:func:`basic_rnn_seq2seq` of symbols; without ``output_projection`` the outputs are scores of the symbols.

    ``feed_previous`` may be a bool tensor.
    """
    with variable_scope(scope or "embedding_rnn_seq2seq", dtype=dtype) as own:
        encoder = EmbeddingWrapper(copy.deepcopy(cell), num_encoder_symbols, embedding_size)
        _, state = static_rnn(encoder, encoder_inputs, dtype=dtype or own.dtype)
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)

        def decoder(feeds_previous: bool) -> Decoded:
            return embedding_rnn_decoder(
                decoder_inputs, state, cell, num_decoder_symbols, embedding_size, output_projection, feeds_previous
            )

        return either_way(feed_previous, decoder)


def embedding_tied_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    num_decoder_symbols: int | None = None,
    output_projection: Any = None,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
) -> Decoded:
    """:func:`tied_rnn_seq2seq` of symbols that encoder and decoder look up in one table."""
    wanted = num_symbols if num_decoder_symbols is None else num_decoder_symbols
    check_projection(output_projection, wanted)
    with variable_scope(scope or "embedding_tied_rnn_seq2seq", dtype=dtype) as own:
        table = get_variable("embedding", [num_symbols, embedding_size])
        encoded, decoded = ([embedding_lookup(table, x) for x in steps] for steps in (encoder_inputs, decoder_inputs))
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, wanted)

        def both(feeds_previous: bool) -> Decoded:
            loop = best_embedded(table, output_projection) if feeds_previous else None
            return tied_rnn_seq2seq(encoded, decoded, cell, loop, dtype or own.dtype)

        return either_way(feed_previous, both)


def either_way(feed_previous: Any, decoder: Callable[[bool], Decoded]) -> Decoded:
    """What the decoder gives with inputs or with its own outputs; a tensor chooses when the graph runs."""
    if not is_tensor_like(feed_previous):
        return decoder(bool(feed_previous))
    structure: list[Any] = []

    def branch(feeds_previous: bool) -> list[Any]:
        with variable_scope(get_variable_scope(), reuse=None if feeds_previous else True):
            found = decoder(feeds_previous)
        structure[:] = [found]
        return flatten(found)

    leaves = cond(feed_previous, lambda: branch(True), lambda: branch(False))
    outputs, state = pack_as(structure[0], leaves)
    return outputs, state
