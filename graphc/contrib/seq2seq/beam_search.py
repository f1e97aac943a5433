"""Beam search: the likeliest sequences, several kept at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc import dtypes
from graphc.contrib.seq2seq.decoder import Decoder, Unsized
from graphc.contrib.seq2seq.helpers import embedding_function, tokens
from graphc.nest import flatten, map_leaves
from graphc.nn.classification import log_softmax
from graphc.nn.recurrent.cell import batch_size_of, check_cell
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import tile, zeros
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.indexing import one_hot
from graphc.ops.lookup import batch_gather, gather
from graphc.ops.loops import while_loop
from graphc.ops.reduction import reduce_max
from graphc.ops.reshaping import broadcast_to, expand_dims, reshape, shape
from graphc.ops.sequences import range as positions
from graphc.ops.sorting import top_k
from graphc.scopes import get_default_graph
from graphc.shapes import TensorShape
from graphc.tensor_array import TensorArray


class BeamSearchDecoderState(NamedTuple):
    """The state of a beam search; all but the cell's part is [batch, beam]."""

    cell_state: Any
    log_probs: Any
    finished: Any
    lengths: Any
    accumulated_attention_probs: Any = ()


class BeamSearchDecoderOutput(NamedTuple):
    """What a step gives, each [batch, beam]: scores, ids, and the beam that each goes on from."""

    scores: Any
    predicted_ids: Any
    parent_ids: Any


class FinalBeamSearchDecoderOutput(NamedTuple):
    """The sequences found [batch, time, beam], the best first, and the outputs of all steps."""

    predicted_ids: Any
    beam_search_decoder_output: Any


def tile_batch(t: Any, multiplier: int, name: str | None = None) -> Any:
    """Nested tensors [batch, ...], each row ``multiplier`` times in a row: [batch * multiplier, ...]."""

    def tiled(x: Any) -> Tensor:
        tensor = convert_to_tensor(x)
        if tensor.type.rank is None or tensor.type.rank < 1:
            raise ValueError(f"tile_batch needs tensors with a batch axis, not {tensor.type}")
        rows = tile(expand_dims(tensor, 1), [1, multiplier] + [1] * (tensor.type.rank - 1))
        sizes, entries = tensor.type.shape, shape(tensor)
        count = sizes[0] * multiplier if isinstance(sizes[0], int) else None  # type: ignore[index]
        result = reshape(rows, [-1 if count is None else count, *(
            size if isinstance(size, int) else entries[n] for n, size in enumerate(sizes[1:], 1))])  # type: ignore[index]  # fmt: skip
        result.set_shape([count, *sizes[1:]])  # type: ignore[index]
        return result

    with get_default_graph().name_scope(name or "tile_batch"):
        return map_leaves(tiled, t)


def gather_tree(
    step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any, name: str | None = None
) -> Tensor:
    """The sequences [time, batch, beam] that end in each beam, from ids and parents of all steps of that shape.

    They are followed back from the last step, ``max_sequence_lengths`` [batch]; behind the first ``end_token`` of a
    sequence, and behind its length, there are end tokens.
    """
    ids, parents = convert_to_tensor(step_ids), convert_to_tensor(parent_ids)
    lengths, end = convert_to_tensor(max_sequence_lengths), convert_to_tensor(end_token, dtypes.int32)
    if ids.type.rank not in (3, None) or parents.type.rank not in (3, None):
        raise ValueError(f"gather_tree needs ids and parents [time, batch, beam], not {ids.type} and {parents.type}")
    with get_default_graph().name_scope(name or "GatherTree"):
        steps, beams = batch_size_of(ids), batch_size_of(ids, 2)
        own = broadcast_to(positions(beams), shape(ids)[1:])

        def back(left: Tensor, beam: Tensor, array: TensorArray) -> Any:
            time = left - 1
            is_inside = expand_dims(e.less(time, e.cast(lengths, dtypes.int32)), 1)
            found = batch_gather(gather(ids, time, axis=0), beam)
            above = batch_gather(gather(parents, time, axis=0), beam)
            return time, e.select(is_inside, above, beam), array.write(time, e.select(is_inside, found, end))

        rows = TensorArray(dtypes.int32, size=steps, element_shape=ids.type.shape[1:] if ids.type.shape else None)
        _, _, rows = while_loop(lambda left, *_: left > 0, back, (convert_to_tensor(steps), own, rows))

        def forth(time: Tensor, is_over: Tensor, array: TensorArray) -> Any:
            found = e.select(is_over, end, rows.read(time))
            return time + 1, e.logical_or(is_over, e.equal(found, end)), array.write(time, found)

        never = e.less(own, 0)
        ended = TensorArray(dtypes.int32, size=steps, element_shape=ids.type.shape[1:] if ids.type.shape else None)
        _, _, ended = while_loop(lambda time, *_: time < steps, forth, (constant(0), never, ended))
        return ended.stack()


class BeamSearchDecoder(Decoder):
    """A decoder that keeps the ``beam_width`` likeliest sequences.

    Its states are [batch * beam_width, ...]: see :func:`tile_batch`. Scores are log probabilities divided by
    ``((5 + length) / 6) ** length_penalty_weight`` (Wu and others, Google's Neural Machine Translation System,
    arXiv:1609.08144).
    """

    def __init__(
        self, cell: Any, embedding: Any, start_tokens: Any, end_token: Any, initial_state: Any, beam_width: int,
        output_layer: Any = None, length_penalty_weight: float = 0.0, coverage_penalty_weight: float = 0.0,
        reorder_tensor_arrays: bool = True,
    ):  # fmt: skip
        check_cell(cell)
        if coverage_penalty_weight:
            raise NotImplementedError(
                "BeamSearchDecoder has no coverage penalty; use length_penalty_weight, and 0.0 for "
                "coverage_penalty_weight"
            )
        if any(isinstance(x, Unsized) or hasattr(x, "with_flow") for x in flatten(initial_state)):
            raise NotImplementedError(
                "BeamSearchDecoder keeps no history of alignments; use AttentionWrapper(alignment_history=False)"
            )
        self._cell, self._output_layer = cell, output_layer
        self._embedding = embedding_function(embedding)
        self._start_tokens, self._end_token = tokens(start_tokens, end_token)
        self._beam_width, self._penalty = beam_width, length_penalty_weight
        self._batch_size = batch_size_of(self._start_tokens)
        self._initial_state = map_leaves(self._apart, initial_state)

    # -- beams apart and together ------------------------------------------------------------------------------------

    def _apart(self, x: Any) -> Any:
        """``[batch * beam, ...] -> [batch, beam, ...]``; scalars and arrays stay."""
        if not isinstance(x, Tensor) or x.type.rank == 0:
            return x
        return self._with_front(x, [self._batch_size, self._beam_width], 1)

    def _together(self, x: Any) -> Any:
        """``[batch, beam, ...] -> [batch * beam, ...]``"""
        if not isinstance(x, Tensor) or x.type.rank == 0:
            return x
        return self._with_front(x, [self._batch_size * self._beam_width], 2)

    def _with_front(self, x: Tensor, front: list[Any], axes: int) -> Tensor:
        rest, entries = x.type.shape[axes:], shape(x)  # type: ignore[index]
        sizes = [size if isinstance(size, int) else entries[n] for n, size in enumerate(rest, axes)]
        result = reshape(x, [*front, *sizes])
        result.set_shape([*(size if isinstance(size, int) else None for size in front), *rest])
        return result

    # -- what decoders say -------------------------------------------------------------------------------------------

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    @property
    def tracks_own_finished(self) -> bool:
        return True

    @property
    def output_size(self) -> BeamSearchDecoderOutput:
        size = TensorShape([self._beam_width])
        return BeamSearchDecoderOutput(size, size, size)

    @property
    def output_dtype(self) -> BeamSearchDecoderOutput:
        dtype = flatten(self._initial_state)[0].dtype
        return BeamSearchDecoderOutput(dtype, dtypes.int32, dtypes.int32)

    def initialize(self, name: str | None = None) -> Any:
        dtype = flatten(self._initial_state)[0].dtype
        sizes = [self._batch_size, self._beam_width]
        # Only the first beam is alive: all begin alike, and would find the same sequences.
        first = np.where(np.arange(self._beam_width) == 0, 0, -np.inf).astype(dtype.numpy)
        log_probs = zeros(sizes, dtype) + constant(first)
        finished = e.cast(zeros(sizes, dtypes.int32) + constant(np.int32(np.arange(self._beam_width) > 0)), "bool")
        state = BeamSearchDecoderState(self._initial_state, log_probs, finished, zeros(sizes, dtypes.int64))
        tokens = tile(expand_dims(self._start_tokens, 1), [1, self._beam_width])
        return finished, self._embedding(tokens), state

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> Any:
        cell_state = map_leaves(self._together, state.cell_state)
        outputs, following = self._cell(map_leaves(self._together, inputs), cell_state)
        if self._output_layer is not None:
            outputs = self._output_layer(outputs)
        found, after = self._chosen(self._apart(outputs), map_leaves(self._apart, following), state)
        return found, after, self._embedding(found.predicted_ids), after.finished

    def _chosen(self, logits: Tensor, cell_state: Any, state: BeamSearchDecoderState) -> Any:
        """The best continuations of all beams, of logits [batch, beam, classes]."""
        classes, beams = logits.shape[-1].value, self._beam_width
        if classes is None:
            raise ValueError("BeamSearchDecoder needs a known number of classes; give it with set_shape")
        # A sequence that has ended goes on with its end token alone, for certain.
        finished = expand_dims(state.finished, 2)
        is_end = one_hot(self._end_token, classes, dtype=logits.dtype)
        only_end = e.select(is_end > 0, 0, convert_to_tensor(logits.dtype.min, logits.dtype))
        steps = e.select(finished, only_end, log_softmax(logits))
        totals = expand_dims(state.log_probs, 2) + steps
        is_longer = e.logical_and(e.logical_not(finished), e.logical_not(is_end > 0))
        lengths = expand_dims(state.lengths, 2) + e.cast(is_longer, dtypes.int64)
        scores = totals if self._penalty == 0 else totals / self._penalised(lengths, logits.dtype)
        flat = reshape(scores, [self._batch_size, beams * classes])
        best, places = top_k(flat, beams)
        ids, parents = e.floormod(places, classes), e.floordiv(places, classes)
        log_probs = batch_gather(reshape(totals, [self._batch_size, beams * classes]), places)
        was_finished = batch_gather(state.finished, parents)
        is_finished = e.logical_or(was_finished, e.equal(ids, self._end_token))
        new_lengths = batch_gather(state.lengths, parents) + e.cast(e.logical_not(was_finished), dtypes.int64)

        def of_parents(x: Any) -> Any:
            return batch_gather(x, parents) if isinstance(x, Tensor) and (x.type.rank or 0) > 1 else x

        after = BeamSearchDecoderState(
            map_leaves(of_parents, cell_state), log_probs, is_finished, new_lengths, state.accumulated_attention_probs
        )
        return BeamSearchDecoderOutput(best, ids, parents), after

    def _penalised(self, lengths: Tensor, dtype: Any) -> Tensor:
        """``((5 + length) / 6) ** weight``"""
        return e.pow((e.cast(lengths, dtype) + 5.0) / 6.0, convert_to_tensor(self._penalty, dtype))

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> Any:
        """The sequences found, each followed back from its last step."""
        longest = reduce_max(e.cast(final_state.lengths, dtypes.int32), [1])
        ids = gather_tree(outputs.predicted_ids, outputs.parent_ids, longest, self._end_token)
        return FinalBeamSearchDecoderOutput(ids, outputs), final_state
