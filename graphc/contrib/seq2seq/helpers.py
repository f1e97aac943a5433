"""What feeds a decoder: the next inputs, from a sequence that is given or from the decoder's own outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import dtypes
from graphc.nest import flatten, map_leaves, pack_as
from graphc.nn.lookup import embedding_lookup
from graphc.nn.recurrent.cell import batch_size_of
from graphc.nn.recurrent.dynamic import batch_and_time_swapped
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import zeros
from graphc.ops.base import convert_to_tensor
from graphc.ops.lookup import gather
from graphc.ops.random import random_uniform
from graphc.ops.reduction import argmax, reduce_max
from graphc.ops.reshaping import expand_dims, shape
from graphc.shapes import TensorShape


class Helper:
    """What a decoder asks for its inputs: the first ones, a sample of its outputs, and the next ones."""

    @property
    def batch_size(self) -> Any:
        """How many sequences there are."""
        raise NotImplementedError(f"{type(self).__name__} does not say its batch_size")

    @property
    def sample_ids_shape(self) -> Any:
        """The shape of a sample without its batch axis."""
        raise NotImplementedError(f"{type(self).__name__} does not say its sample_ids_shape")

    @property
    def sample_ids_dtype(self) -> Any:
        """The dtype of a sample."""
        raise NotImplementedError(f"{type(self).__name__} does not say its sample_ids_dtype")

    @property
    def steps(self) -> Any:
        """How many steps there are; None where only the outputs tell."""
        return None

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """``(finished, first_inputs)``"""
        raise NotImplementedError(f"{type(self).__name__} has no initialize")

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """A sample of the outputs of a step."""
        raise NotImplementedError(f"{type(self).__name__} has no sample")

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None) -> Any:
        """``(finished, next_inputs, next_state)``"""
        raise NotImplementedError(f"{type(self).__name__} has no next_inputs")


class CustomHelper(Helper):
    """A helper of three functions."""

    def __init__(
        self, initialize_fn: Callable[[], Any], sample_fn: Callable[..., Any], next_inputs_fn: Callable[..., Any],
        sample_ids_shape: Any = None, sample_ids_dtype: Any = None,
    ):  # fmt: skip
        self._initialize_fn, self._sample_fn, self._next_inputs_fn = initialize_fn, sample_fn, next_inputs_fn
        self._batch_size: Any = None
        self._shape = TensorShape([] if sample_ids_shape is None else sample_ids_shape)
        self._dtype = sample_ids_dtype or dtypes.int32

    @property
    def batch_size(self) -> Any:
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._batch_size

    @property
    def sample_ids_shape(self) -> Any:
        return self._shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        finished, inputs = self._initialize_fn()
        self._batch_size = batch_size_of(convert_to_tensor(finished))
        return finished, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._sample_fn(time=time, outputs=outputs, state=state)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None) -> Any:
        return self._next_inputs_fn(time=time, outputs=outputs, state=state, sample_ids=sample_ids)


class _OfIds(Helper):
    """A helper whose samples are numbers of classes."""

    _batch_size: Any

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    @property
    def sample_ids_shape(self) -> Any:
        return TensorShape([])

    @property
    def sample_ids_dtype(self) -> Any:
        return dtypes.int32

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """The class that scores highest."""
        return _best(self, outputs)


def _best(helper: Helper, outputs: Any) -> Tensor:
    if not isinstance(outputs, Tensor):
        raise TypeError(f"{type(helper).__name__}: expected outputs to be a single Tensor, got: {type(outputs)}")
    return argmax(outputs, -1, output_type=dtypes.int32)


class TrainingHelper(_OfIds):
    """The inputs are given: [batch, time, ...], or [time, batch, ...] with ``time_major``, with lengths [batch]."""

    def __init__(self, inputs: Any, sequence_length: Any, time_major: bool = False, name: str | None = None):
        self._inputs = map_leaves(convert_to_tensor, inputs)
        lengths = convert_to_tensor(sequence_length, name="sequence_length")
        if lengths.type.rank not in (1, None):
            raise ValueError(f"Expected vector for sequence_length. Shape: {lengths.shape}")
        self._sequence_length = e.cast(lengths, dtypes.int32)
        self._steps_first = self._inputs if time_major else map_leaves(batch_and_time_swapped, self._inputs)
        self._batch_size = batch_size_of(lengths)

    @property
    def inputs(self) -> Any:
        """The inputs as they were given."""
        return self._inputs

    @property
    def sequence_length(self) -> Tensor:
        """The lengths [batch]."""
        return self._sequence_length

    @property
    def steps(self) -> Any:
        return reduce_max(self._sequence_length)

    @property
    def most_steps(self) -> Any:
        """How many steps the inputs have."""
        first = flatten(self._steps_first)[0]
        return batch_size_of(first)

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return e.equal(self._sequence_length, 0), self._at(convert_to_tensor(0))

    def _at(self, time: Tensor) -> Any:
        """The inputs of a step; those of the last one where all sequences have ended, which nobody reads."""

        def read(x: Tensor) -> Tensor:
            return gather(x, e.minimum(time, shape(x)[0] - 1), axis=0)

        return map_leaves(read, self._steps_first)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None) -> Any:
        following = e.add(time, 1)
        return e.greater_equal(following, self._sequence_length), self._at(following), state


class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """A :class:`TrainingHelper` that now and then feeds a sample of the outputs, looked up, in place of what is given.

    (Bengio and others, Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks, arXiv:1506.03099.)
    ``embedding`` is a table or a function of ids. A sample is -1 where none was taken.
    """

    def __init__(
        self, inputs: Any, sequence_length: Any, embedding: Any, sampling_probability: Any, time_major: bool = False,
        seed: int | None = None, scheduling_seed: int | None = None, name: str | None = None,
    ):  # fmt: skip
        self._embedding = embedding_function(embedding)
        self._probability = convert_to_tensor(sampling_probability, name="sampling_probability")
        if self._probability.type.rank not in (0, 1):
            raise ValueError(
                f"sampling_probability must be either a scalar or a vector. saw shape: {self._probability.shape}"
            )
        self._seed, self._scheduling_seed = seed, scheduling_seed
        super().__init__(inputs, sequence_length, time_major, name)

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        chosen = e.less(random_uniform([self._batch_size], seed=self._scheduling_seed), self._probability)
        return e.select(chosen, sample_of_classes(outputs, self._seed), -1)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None) -> Any:
        finished, given, state = super().next_inputs(time, outputs, state, sample_ids)
        sampled = self._embedding(e.maximum(sample_ids, 0))

        def mixed(x: Tensor, y: Tensor) -> Tensor:
            chosen = e.greater_equal(sample_ids, 0)
            for _ in range((x.type.rank or 1) - 1):
                chosen = expand_dims(chosen, -1)
            return e.select(chosen, y, x)

        return finished, pack_as(given, [mixed(flatten(given)[0], sampled)]), state


def sample_of_classes(logits: Any, seed: int | None = None) -> Tensor:
    """A class for each row of logits [batch, classes], by its probability: the highest logit with Gumbel noise."""
    scores = convert_to_tensor(logits)
    noise = random_uniform(shape(scores), dtype=scores.dtype, seed=seed)
    # Uniform numbers may be 0, whose logarithm is not finite.
    tiny = convert_to_tensor(1e-30, scores.dtype)
    return argmax(scores - e.log(-e.log(e.maximum(noise, tiny))), -1, output_type=dtypes.int32)


def embedding_function(embedding: Any) -> Callable[[Any], Any]:
    """A table or a function of ids, as a function."""
    return embedding if callable(embedding) else lambda ids: embedding_lookup(embedding, ids)


def tokens(start_tokens: Any, end_token: Any) -> tuple[Tensor, Tensor]:
    """The ids with which sequences start, a vector, and the one with which they end, as tensors."""
    starts = convert_to_tensor(start_tokens, dtypes.int32, name="start_tokens")
    end = convert_to_tensor(end_token, dtypes.int32, name="end_token")
    if starts.type.rank != 1:
        raise ValueError("start_tokens must be a vector")
    if end.type.rank != 0:
        raise ValueError("end_token must be a scalar")
    return starts, end


class GreedyEmbeddingHelper(_OfIds):
    """The next input is the class that scored highest, looked up; a sequence ends with ``end_token``.

    ``embedding`` is a table or a function of ids; ``start_tokens`` are [batch].
    """

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any):
        self._embedding = embedding_function(embedding)
        self._start_tokens, self._end_token = tokens(start_tokens, end_token)
        self._batch_size = batch_size_of(self._start_tokens)

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return zeros([self._batch_size], dtypes.bool), self._embedding(self._start_tokens)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None) -> Any:
        return e.equal(sample_ids, self._end_token), self._embedding(sample_ids), state


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """A :class:`GreedyEmbeddingHelper` that draws a class by its probability, at ``softmax_temperature``."""

    def __init__(
        self, embedding: Any, start_tokens: Any, end_token: Any, softmax_temperature: Any = None,
        seed: int | None = None,
    ):  # fmt: skip
        super().__init__(embedding, start_tokens, end_token)
        self._temperature, self._seed = softmax_temperature, seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        if not isinstance(outputs, Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        logits = outputs if self._temperature is None else outputs / self._temperature
        return sample_of_classes(logits, self._seed)


class InferenceHelper(Helper):
    """The next inputs are what ``sample_fn`` makes of the outputs; ``end_fn`` of a sample says which have ended."""

    def __init__(
        self, sample_fn: Callable[[Any], Any], sample_shape: Any, sample_dtype: Any, start_inputs: Any,
        end_fn: Callable[[Any], Any], next_inputs_fn: Callable[[Any], Any] | None = None,
    ):  # fmt: skip
        self._sample_fn, self._end_fn, self._next_inputs_fn = sample_fn, end_fn, next_inputs_fn
        self._shape, self._dtype = TensorShape(sample_shape), dtypes.as_dtype(sample_dtype)
        self._start_inputs = convert_to_tensor(start_inputs, name="start_inputs")

    @property
    def batch_size(self) -> Any:
        return batch_size_of(self._start_inputs)

    @property
    def sample_ids_shape(self) -> Any:
        return self._shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return zeros([self.batch_size], dtypes.bool), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._sample_fn(outputs)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None) -> Any:
        following = sample_ids if self._next_inputs_fn is None else self._next_inputs_fn(sample_ids)
        return self._end_fn(sample_ids), following, state
