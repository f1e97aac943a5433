"""Drawing from what is there: classes by their probability, rows in another order, a part at another place.

The same seeds give the numbers of TensorFlow 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, constant, convert_to_tensor, graph_of
from graphc.ops.lookup import gather
from graphc.ops.random import MultinomialUniform, ShuffleDraws, draw, random_uniform
from graphc.ops.reduction import reduce_max, reduce_sum
from graphc.ops.reshaping import expand_dims, shape
from graphc.ops.sequences import cumsum
from graphc.ops.slicing import slice as part_of
from graphc.records import record
from graphc.shapes import TensorType

# A draw stands for the 32 random bits that it is above this: what TensorFlow divides by the number of rows left. The
# greatest number of 32 bits, one in four thousand million, counts as the least one here.
LOWEST = -(2**31)
HIGHEST = 2**31 - 1


@record
class Permutation(Op):
    """The numbers from 0 on in another order: number i changes places with number ``i + bits[i] % (n - i)``.

    (Fisher and Yates; Durstenfeld, Communications of the ACM 7, 1964, algorithm 235.)
    """

    def infer(self, draws: TensorType) -> TensorType:
        if draws.rank != 1 or draws.dtype is not dtypes.int32:
            raise ValueError(f"a permutation takes a vector of random bits as int32, not {draws}")
        return TensorType(dtypes.int32, draws.shape)

    def evaluate(self, draws: Any) -> Any:
        order = np.arange(len(draws), dtype=np.int32)
        for i, bits in enumerate(draws.astype(np.int64) - LOWEST):
            j = i + bits % (len(draws) - i)
            order[[i, j]] = order[[j, i]]
        return order

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None]


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The rows (along the first axis) in a random order."""
    x = convert_to_tensor(value)
    if x.type.rank == 0:
        return e.identity(x, name=name)
    with graph_of([x]).name_scope(name or "RandomShuffle") as scope:
        rows = x.type.shape[0] if x.type.shape else None
        sizes = [rows if isinstance(rows, int) else shape(x)[0]]
        limits = (constant(limit, dtypes.int32) for limit in (LOWEST, HIGHEST))
        order = apply(Permutation(), draw(ShuffleDraws, sizes, dtypes.int32, seed, *limits, name="draws"))
        return gather(x, order, name=scope)


@telling_line
def multinomial(
    logits: Any, num_samples: Any, seed: int | None = None, name: str | None = None, output_dtype: Any = None
) -> Tensor:
    """``[batch, num_samples]`` classes, each drawn with the probability ``softmax(logits)`` of its row.

    ``logits`` is ``[batch, classes]``; classes with a logit that is not finite are never drawn. int64 where
    ``output_dtype`` is None.
    """
    uniform = lambda sizes: draw(MultinomialUniform, sizes, dtypes.float64, seed, name="uniform")  # noqa: E731
    return classes_of(logits, num_samples, uniform, output_dtype, name or "multinomial")


def classes_of(logits: Any, num_samples: Any, uniform: Callable[[Any], Tensor], output_dtype: Any, name: str) -> Tensor:
    """Classes by ``uniform``, which gives numbers in [0, 1) of a shape: the first whose sum lies above the draw."""
    scores = convert_to_tensor(logits)
    if scores.type.rank is not None and scores.type.rank != 2:
        raise ValueError(f"multinomial: logits must be a matrix [batch, classes], not {scores.type}")
    if scores.type.shape and scores.type.shape[1] == 0:
        raise ValueError(f"multinomial: there must be a class to draw, but logits are {scores.type}")
    wanted = dtypes.int64 if output_dtype is None else dtypes.as_dtype(output_dtype)
    if wanted not in (dtypes.int32, dtypes.int64):
        raise TypeError(f"multinomial gives int32 or int64, not {wanted.name}")
    with graph_of([scores]).name_scope(name) as scope:
        rows = scores.type.shape[0] if scores.type.shape else None
        sizes = [rows if isinstance(rows, int) else shape(scores)[0], num_samples]
        drawn = uniform(sizes)
        finite = e.is_finite(scores)
        lowest = constant(np.finfo(scores.dtype.numpy).min, scores.dtype)
        greatest = reduce_max(e.select(finite, scores, lowest), 1, keepdims=True)
        shifted = e.cast(scores, dtypes.float64) - e.cast(greatest, dtypes.float64)
        summed = cumsum(e.select(finite, e.exp(shifted), constant(0, dtypes.float64)), 1)
        # The class is the first whose sum lies above the draw: as many as do not.
        below = e.less_equal(expand_dims(summed, 1), expand_dims(drawn * summed[:, -1:], 2))
        return e.cast(reduce_sum(e.cast(below, dtypes.int32), 2), wanted, name=scope)


def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: int | None = None, name: str | None = None
) -> Tensor:
    """The newer spelling of :func:`multinomial`."""
    return multinomial(logits, num_samples, seed, name or "categorical", dtype)


def random_crop(value: Any, size: Sequence[Any], seed: int | None = None, name: str | None = None) -> Tensor:
    """A part of this size at a random place; ``ValueError`` where it is greater than the whole."""
    x = convert_to_tensor(value)
    with graph_of([x]).name_scope(name or "random_crop") as scope:
        wanted = convert_to_tensor(size, dtypes.int32)
        _check_fits(x, size)
        limit = shape(x) - wanted + 1
        drawn = random_uniform(shape(limit), maxval=np.iinfo(np.int32).max, dtype=dtypes.int32, seed=seed)
        return part_of(x, drawn % limit, size, name=scope)


def _check_fits(x: Tensor, size: Any) -> None:
    known = x.type.shape
    if known is None or not isinstance(size, (list, tuple, np.ndarray)):
        return
    if len(size) != len(known):
        raise ValueError(f"random_crop: {x.type} has {len(known)} axes, and size {list(size)} has {len(size)}")
    if any(isinstance(n, int) and isinstance(most, int) and n > most for n, most in zip(size, known)):
        raise ValueError(f"Need value.shape >= size, got {x.shape} and {list(size)}")
