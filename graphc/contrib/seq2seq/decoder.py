"""What all decoders say, and the loop that runs them until all sequences have ended."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from graphc import dtypes
from graphc.nest import flatten, map_leaves, pack_as
from graphc.nn.recurrent.dynamic import batch_and_time_swapped
from graphc.nn.recurrent.stepping import same_state, within, within_or_zero
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import zeros_like
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.loops import while_loop
from graphc.ops.positions import boolean_mask
from graphc.ops.reduction import reduce_all
from graphc.ops.sequences import range as positions
from graphc.tensor_array import TensorArray
from graphc.variable_scope import variable_scope


class Decoder:
    """What gives outputs step by step: see :func:`dynamic_decode`."""

    @property
    def batch_size(self) -> Any:
        """How many sequences there are."""
        raise NotImplementedError(f"{type(self).__name__} does not say its batch_size")

    @property
    def output_size(self) -> Any:
        """The sizes of the outputs of a step without the batch axis, nested."""
        raise NotImplementedError(f"{type(self).__name__} does not say its output_size")

    @property
    def output_dtype(self) -> Any:
        """The dtypes of the outputs of a step, nested."""
        raise NotImplementedError(f"{type(self).__name__} does not say its output_dtype")

    @property
    def tracks_own_finished(self) -> bool:
        """Whether a sequence that has ended may go on, as when beams change places."""
        return False

    @property
    def steps(self) -> Any:
        """How many steps there are, where that is known before the first; else None."""
        return None

    @property
    def most_steps(self) -> Any:
        """A number of steps that is never exceeded, where there is one; else None."""
        return None

    def initialize(self, name: str | None = None) -> Any:
        """``(finished, first_inputs, initial_state)``"""
        raise NotImplementedError(f"{type(self).__name__} has no initialize")

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> Any:
        """``(outputs, next_state, next_inputs, finished)``"""
        raise NotImplementedError(f"{type(self).__name__} has no step")

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> Any:
        """``(outputs, state)`` as the caller gets them, from the outputs of all steps [time, batch, ...]."""
        raise NotImplementedError


def dynamic_decode(
    decoder: Any,
    output_time_major: bool = False,
    impute_finished: bool = False,
    maximum_iterations: Any = None,
    parallel_iterations: int = 32,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Tensor]:
    """The outputs of a decoder in all steps until all sequences have ended, its last state, and their lengths [batch].

    Outputs are [batch, time, ...], or [time, batch, ...] with ``output_time_major``. With ``impute_finished`` they are
    zero past the end of a sequence, and its state stays. ``maximum_iterations`` ends all sequences; without it, memory
    is taken as the loop runs where only the outputs tell when they end.
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder)}")
    with variable_scope(scope or "decoder"):
        return _Decoding(decoder, impute_finished, maximum_iterations).run(output_time_major)


class _Decoding:
    """One loop over a decoder's steps."""

    def __init__(self, decoder: Decoder, impute_finished: bool, maximum_iterations: Any):
        self.decoder = decoder
        self.imputes = impute_finished
        self.limit = None
        if maximum_iterations is not None:
            self.limit = convert_to_tensor(maximum_iterations, dtypes.int32, name="maximum_iterations")
            if self.limit.type.rank != 0:
                raise ValueError("maximum_iterations must be a scalar")
        self.room, self.is_exact = self._room()

    def _room(self) -> tuple[Any, bool]:
        """For how many steps there is room in memory (None: for any number), and whether that many are run."""
        steps = self.decoder.steps
        is_known = steps is not None and _follows_from_feeds(convert_to_tensor(steps))
        most = steps if is_known else self.decoder.most_steps
        if most is None or self.limit is None:
            return (self.limit if most is None else most), is_known
        return e.minimum(most, self.limit), is_known

    def run(self, steps_first: bool) -> tuple[Any, Any, Tensor]:
        finished, inputs, state = self.decoder.initialize()
        finished = convert_to_tensor(finished)
        if self.limit is not None:
            finished = e.logical_or(finished, e.less_equal(self.limit, 0))
        lengths = zeros_like(finished, dtypes.int32)
        structure = self.decoder.output_dtype
        arrays = [_array(dtype, self.room) for dtype in flatten(structure)]
        starts = (constant(0, dtypes.int32), arrays, map_leaves(_sized(self.room), state), inputs, finished, lengths)
        time, arrays, state, _, _, lengths = while_loop(
            lambda time, arrays, state, inputs, finished, _: e.logical_not(reduce_all(finished)),
            self._step, starts, maximum_iterations=self.limit,
        )  # fmt: skip
        outputs = pack_as(structure, [self._cut(array.stack(), time) for array in arrays])
        with suppress(NotImplementedError):
            outputs, state = self.decoder.finalize(outputs, state, lengths)
        return (outputs if steps_first else map_leaves(_batch_first, outputs)), state, lengths

    def _step(self, time: Tensor, arrays: Any, state: Any, inputs: Any, finished: Tensor, lengths: Tensor) -> Any:
        outputs, following, next_inputs, ended = self.decoder.step(time, inputs, state)
        following = same_state(state, following)
        if not self.decoder.tracks_own_finished:
            ended = e.logical_or(ended, finished)
        goes_on = e.logical_not(finished)
        if self.imputes:
            outputs, following = within_or_zero(goes_on, outputs), within(goes_on, following, state)
        lengths = e.select(goes_on, time + 1, lengths)
        written = [array.write(time, x) for array, x in zip(arrays, flatten(outputs), strict=True)]
        return time + 1, written, following, pack_as(inputs, flatten(next_inputs)), ended, lengths

    def _cut(self, outputs: Tensor, steps: Tensor) -> Tensor:
        """The outputs of the steps that were run."""
        if self.is_exact or self.room is None:
            return outputs
        return boolean_mask(outputs, e.less(positions(self.room), steps))


def _follows_from_feeds(tensor: Tensor) -> bool:
    """Whether what is fed decides a tensor: sizes may follow from it."""
    seen = {tensor.op}
    waiting = [tensor.op]
    while waiting:
        node = waiting.pop()
        if not node.inputs and node.type not in ("Placeholder", "Const"):
            return False
        more = {x.op for x in node.inputs} - seen
        seen |= more
        waiting.extend(more)
    return True


class Unsized:
    """A TensorArray in a decoder's state that takes a row in each step: its size is known when the loop is."""

    def __init__(self, dtype: Any, row: Any = None):
        self.dtype, self.row = dtype, row


def _array(dtype: Any, room: Any, row: Any = None) -> TensorArray:
    """An array with room for so many steps, or for any number."""
    return TensorArray(dtype, size=0 if room is None else room, dynamic_size=room is None, element_shape=row)


def _sized(room: Any) -> Any:
    def sized(x: Any) -> Any:
        if isinstance(x, Unsized):
            return _array(x.dtype, room, x.row)
        return x if hasattr(x, "with_flow") else convert_to_tensor(x)

    return sized


def _batch_first(x: Any) -> Any:
    return batch_and_time_swapped(x) if isinstance(x, Tensor) and (x.type.rank or 0) > 1 else x
