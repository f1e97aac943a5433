"""Random numbers by TensorFlow's counter-based generator: the same seeds give the same stream.

A random op keeps a counter in the Session: how many groups of 128 bits it has used up. Capture turns seeds and counter
into two more, last, inputs of the node; how many groups a run reserves follows from the shape.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.assertions import provided
from graphc.ops.base import Const, apply, check_dtype, convert_to_tensor, graph_of
from graphc.ops.reduction import reduce_all, reduce_any
from graphc.ops.reshaping import count
from graphc.ops.shape_values import shape_from, static_sizes
from graphc.records import record, replace
from graphc.scopes import checked_seed, get_default_graph
from graphc.shapes import Shape, TensorType

DEFAULT_GRAPH_SEED = 87654321  # TensorFlow's, for an op seed without a graph seed
_MAX_INT32 = 2**31 - 1
GROUPS_PER_ELEMENT = 256  # what TensorFlow's kernels reserve, whatever they use


@record(eq=False)
class Seeds(Const):
    """The pair of seeds of a random op in a step: a constant like no other, so that no program depends on its value."""

    __hash__ = object.__hash__

    @property
    def type(self) -> str:
        return "Const"

    def __eq__(self, other: object) -> bool:
        return self is other


@record(eq=False)
class Random(Op):
    """Numbers from the stream of ``(seed, seed2)``; without ``shape``, the first input gives it."""

    by_identity = True
    dtype: DType = dtypes.float32
    seed: int = 0
    seed2: int = 0
    shape: Shape = None

    size_inputs: ClassVar[slice] = slice(0, 1)
    sampler: ClassVar[str] = ""  # the function of graphc.philox that gives the numbers
    keeps_counter: ClassVar[bool] = True  # else its last two inputs, seeds and counter, are declared

    def infer(self, *inputs: TensorType) -> TensorType:
        if self.shape is not None:
            return TensorType(self.dtype, self.shape)
        vector = inputs[0].shape
        known = vector is not None and isinstance(vector[0], int)
        return TensorType(self.dtype, (None,) * vector[0] if known else None)  # type: ignore[operator, index]

    def evaluate(self, *inputs: Any) -> Any:
        from graphc import philox  # only interpreting needs it

        *rest, seeds, counter = inputs
        sizes: Any = self.shape if self.shape is not None else rest.pop(0)
        numbers = (int(number) for number in (*seeds, counter, *rest))
        drawn = dtypes.float32 if self.dtype in dtypes.HALVES else self.dtype  # halves are rounded from float32
        found = getattr(philox, self.sampler)(tuple(int(size) for size in sizes), drawn.numpy, *numbers)
        return found.astype(self.dtype.numpy, copy=False)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None] * len(node.inputs)

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in."""
        if self.shape is not None and None not in self.shape:
            return None
        return apply(replace(self, shape=shape_from(values[0], self.type)), *inputs[1:])

    def advanced(self, counter: Tensor, output: Tensor) -> Tensor:
        """The counter after a run that gave ``output``."""
        each = convert_to_tensor(GROUPS_PER_ELEMENT, dtypes.int64)
        return e.add(counter, e.multiply(count(output, None, dtypes.int64), each))

    def attributes(self) -> dict[str, Any]:
        return {"seed": self.seed, "seed2": self.seed2} if self.seed or self.seed2 else {}


@record(eq=False)
class RandomUniform(Random):
    """Evenly spread in ``[0, 1)``."""

    sampler = "uniform"


@record(eq=False)
class MultinomialUniform(RandomUniform):
    """Evenly spread in ``[0, 1)``, ``[batch, samples]``: from which classes are chosen."""

    def advanced(self, counter: Tensor, output: Tensor) -> Tensor:
        # TensorFlow's kernel reserves for a multiple of four, and twice as much since it draws float64.
        samples = (count(output, (1,), dtypes.int64) + 3) // 4 * 4
        return e.add(counter, count(output, (0,), dtypes.int64) * samples * (2 * GROUPS_PER_ELEMENT))


@record(eq=False)
class ShuffleDraws(Random):
    """Whole numbers evenly spread in ``[minval, maxval)``, which are inputs after the shape: for a permutation."""

    sampler = "uniform_int"

    def advanced(self, counter: Tensor, output: Tensor) -> Tensor:
        # TensorFlow reserves what it uses: the last row has nothing left to change places with.
        return e.add(counter, (count(output, None, dtypes.int64) + 2) // 4)


@record(eq=False)
class CandidateUniform(RandomUniform):
    """Evenly spread in ``[0, 1)``: of which ``number`` different candidates are made, however many draws that takes."""

    number: int = 0

    def advanced(self, counter: Tensor, output: Tensor) -> Tensor:
        return _after_candidates(counter, self.number)


@record(eq=False)
class RandomStandardNormal(Random):
    """Normal with mean 0 and standard deviation 1."""

    sampler = "normal"


@record(eq=False)
class TruncatedNormal(Random):
    """Normal, drawn again until within two standard deviations."""

    sampler = "truncated_normal"


@record(eq=False)
class RandomUniformInt(Random):
    """Whole numbers evenly spread in ``[minval, maxval)``, which are inputs after the shape."""

    sampler = "uniform_int"


@record(eq=False)
class CandidateInt(RandomUniformInt):
    """Whole numbers evenly spread in ``[minval, maxval)``, of which ``number`` different candidates are made."""

    number: int = 0

    def advanced(self, counter: Tensor, output: Tensor) -> Tensor:
        return _after_candidates(counter, self.number)


def _after_candidates(counter: Tensor, number: int) -> Tensor:
    # TensorFlow's samplers reserve 2048 words for each candidate.
    return e.add(counter, convert_to_tensor(number * 2048 // 4, dtypes.int64))


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """TensorFlow's pair of seeds for an op, from the graph's seed and its own."""
    op_seed = checked_seed(op_seed)
    graph = get_default_graph()
    if graph.seed is not None:
        own = graph.version if op_seed is None else op_seed
        pair = graph.seed % _MAX_INT32, own % _MAX_INT32
    elif op_seed is not None:
        pair = DEFAULT_GRAPH_SEED, op_seed % _MAX_INT32
    else:
        return None, None
    return (0, _MAX_INT32) if pair == (0, 0) else pair


def seeds_of(seed: int | None) -> tuple[int, int]:
    """The pair of seeds of an op: chosen by the program, or fresh."""
    first, second = get_seed(seed)
    return fresh_seeds() if first is None or second is None else (first, second)


def fresh_seeds() -> tuple[int, int]:
    """Seeds that nobody chose: other ones each time."""
    return int.from_bytes(os.urandom(8), "little") >> 1, int.from_bytes(os.urandom(8), "little") >> 1


def draw(kind: type[Random], shape: Any, dtype: DType, seed: int | None, *limits: Tensor, name: str | None) -> Tensor:
    """Numbers of a shape that may be a tensor, from the stream of the graph's seed and this one."""
    return draw_from(kind, shape, dtype, seeds_of(seed), *limits, name=name)


def draw_from(
    kind: type[Random], shape: Any, dtype: DType, seeds: tuple[int, int], *limits: Tensor, name: str | None = None
) -> Tensor:
    """The same from the stream of two seeds."""
    sizes = static_sizes(shape)
    if sizes is not None and None not in sizes:
        return apply(kind(dtype, *seeds, sizes), *limits, name=name)
    result = apply(kind(dtype, *seeds), convert_to_tensor(shape), *limits, name=name)
    if sizes is not None:
        result.set_shape(sizes)
    return result


@telling_line
def random_uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Numbers evenly spread from ``minval`` (included) to ``maxval`` (excluded; 1 for floats where None)."""
    wanted = dtypes.as_dtype(dtype)
    if maxval is None:
        if wanted.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {wanted.name}")
        maxval = 1
    with graph_of([]).name_scope(name or "random_uniform") as scope:
        if wanted.is_integer:
            return _whole_numbers(shape, minval, maxval, wanted, seed, scope)
        _check_float(wanted, "random_uniform")
        if wanted in dtypes.HALVES:
            return _halves(shape, minval, maxval, wanted, seed, scope)
        if _is_number(minval, 0) and _is_number(maxval, 1):
            return draw(RandomUniform, shape, wanted, seed, name=scope)
        low, high = convert_to_tensor(minval, wanted), convert_to_tensor(maxval, wanted)
        drawn = draw(RandomUniform, shape, wanted, seed, name="RandomUniform")
        return e.add(e.multiply(drawn, e.subtract(high, low)), low, name=scope)


def _halves(shape: Any, minval: Any, maxval: Any, dtype: DType, seed: int | None, scope: str) -> Tensor:
    """The lowest random bits as the mantissa: 10 of float16, 7 of bfloat16."""
    steps = 2**10 if dtype is dtypes.float16 else 2**7
    limits = (convert_to_tensor(limit, dtypes.int32) for limit in (0, steps))
    bits = draw(RandomUniformInt, shape, dtypes.int32, seed, *limits, name="RandomUniform")
    drawn = e.cast(e.multiply(e.cast(bits, dtypes.float32), convert_to_tensor(1 / steps, dtypes.float32)), dtype)
    low, high = convert_to_tensor(minval, dtype), convert_to_tensor(maxval, dtype)
    return e.add(e.multiply(drawn, e.subtract(high, low)), low, name=scope)


def _whole_numbers(shape: Any, minval: Any, maxval: Any, dtype: DType, seed: int | None, scope: str) -> Tensor:
    check_dtype(TensorType(dtype, ()), (dtypes.int32, dtypes.int64), "random_uniform")
    limits = range_of(convert_to_tensor(minval, dtype), convert_to_tensor(maxval, dtype), shape, "random_uniform")
    return draw(RandomUniformInt, shape, dtype, seed, *limits, name=scope)


def range_of(low: Tensor, high: Tensor, shape: Any, called: str) -> tuple[Tensor, Tensor]:
    """The limits of whole numbers, the first below the second where any is drawn; else an error now or of the step."""
    sizes = static_sizes(shape)
    if sizes is not None and 0 in sizes:
        return low, high
    said = "Need minval < maxval, got"
    if isinstance(low.op.kind, Const) and isinstance(high.op.kind, Const) and sizes is not None and None not in sizes:
        if np.any(low.op.kind.value >= high.op.kind.value):
            raise ValueError(f"{called}: {said} {low.op.kind.value} >= {high.op.kind.value}")
        return low, high
    fits = reduce_all(e.less(low, high))
    if sizes is None or None in sizes:
        vector = convert_to_tensor(shape)
        fits = e.logical_or(fits, reduce_any(e.equal(vector, convert_to_tensor(0, vector.dtype))))
    return provided(low, fits, called, [said, low, ">=", high]), high


@telling_line
def random_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normal numbers with this mean and standard deviation."""
    return _scaled(RandomStandardNormal, shape, mean, stddev, dtype, seed, name or "random_normal")


@telling_line
def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normal numbers, drawn again where they are more than two standard deviations from the mean."""
    return _scaled(TruncatedNormal, shape, mean, stddev, dtype, seed, name or "truncated_normal")


def _scaled(kind: type[Random], shape: Any, mean: Any, stddev: Any, dtype: Any, seed: int | None, name: str) -> Tensor:
    """``draw * stddev + mean``, written only as far as needed."""
    wanted = dtypes.as_dtype(dtype)
    _check_float(wanted, name)
    with graph_of([]).name_scope(name) as scope:
        scales, moves = not _is_number(stddev, 1), not _is_number(mean, 0)
        drawn = draw(kind, shape, wanted, seed, name=kind.__name__ if scales or moves else scope)
        if scales:
            deviation = convert_to_tensor(stddev, wanted)
            drawn = e.multiply(drawn, deviation, name="mul" if moves else scope)
        return e.add(drawn, convert_to_tensor(mean, wanted), name=scope) if moves else drawn


def _check_float(dtype: DType, what: str) -> None:
    if not dtype.is_floating:
        raise TypeError(f"{what} gives float32 or float64, not {dtype.name}")


def _is_number(value: Any, number: int) -> bool:
    return isinstance(value, (int, float)) and value == number
