"""Numbers that take as many random ones as they need: gamma and Poisson draws, element by element.

Of ``n`` draws for each parameter, draw ``i`` of parameter ``k`` owns 256 groups of its op's stream
(:mod:`graphc.philox`), from group ``256 (k n + i)`` on: so every element follows from its own place alone. The order in
which an element takes its numbers was found by comparing with TensorFlow, whose numbers these are, but for the rounding
of logarithms.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops import meaning_draws as meaning
from graphc.ops.arrays import concat
from graphc.ops.base import apply, constant, convert_to_tensor
from graphc.ops.bits import bitcast
from graphc.ops.elementwise import Elementwise, Record
from graphc.ops.random import GROUPS_PER_ELEMENT, Random, seeds_of
from graphc.ops.reduction import reduce_prod
from graphc.ops.reshaping import count, expand_dims, reshape
from graphc.ops.reshaping import shape as shape_of
from graphc.ops.sequences import range as sequence
from graphc.records import record
from graphc.shapes import TensorType

_INT64 = (dtypes.int64,)

# Inputs are int64: the bits of the parameter, a double; two seeds; the number of the element's first group.
DRAWS: dict[str, Record] = {record.type: record for record in [
    Record("GammaDraw", "gamma_draw", meaning.gamma_draw, _INT64, flops=1500),
    Record("PoissonDraw", "poisson_draw", meaning.poisson_draw, _INT64, flops=1500),
]}  # fmt: skip


@record
class Draw(Elementwise):
    """The bits of one drawn double for each element; ``fn`` is a record of this file."""

    @cached_property
    def record(self) -> Record:
        """The row of this page."""
        return DRAWS[self.fn]


@record(eq=False)
class StreamState(Random):
    """Two seeds and the number of the next group, ``int64[3]``; the input says for how many elements they will do."""

    def infer(self, *inputs: TensorType) -> TensorType:
        return TensorType(dtypes.int64, (3,))

    def placed(self, number: Tensor, seeds: Tensor, counter: Tensor) -> tuple[Tensor, Tensor]:
        """The value in a step, and the counter after it."""
        after = e.add(counter, e.multiply(number, constant(GROUPS_PER_ELEMENT, dtypes.int64)))
        return concat([seeds, expand_dims(counter, 0)], 0), after


def sizes_of_draws(shape: Any, parameter: Tensor) -> list[Any]:
    """What ``shape`` says, numbers or scalars, then the shape of ``parameter``."""
    given = shape.as_list() if hasattr(shape, "as_list") else shape
    if not isinstance(given, (list, tuple)):
        vector = e.cast(convert_to_tensor(given), dtypes.int64)
        length = 1 if vector.type.rank == 0 else vector.type.shape[0] if vector.type.shape else None
        if not isinstance(length, int):
            raise ValueError(f"the length of shape must be known, but shape is {vector.type}")
        given = [reshape(vector, [length])[axis] for axis in range(length)]
    known = parameter.type.shape or ()
    wide = shape_of(parameter, out_type=dtypes.int64)
    return [
        *(n if isinstance(n, int) else e.cast(n, dtypes.int64) for n in given),
        *(wide[axis] if n is None else n for axis, n in enumerate(known)),
    ]


def standard_gammas(alpha: Tensor, sizes: list[Any], seed: int | None) -> Tensor:
    """Gamma draws of rate 1 (float64) of the shape ``sizes``, which ends in that of ``alpha``."""
    return _drawn("GammaDraw", alpha, sizes, seed)


def poissons(mean: Tensor, sizes: list[Any], seed: int | None) -> Tensor:
    """Poisson draws (float64) of the shape ``sizes``, which ends in that of ``mean``."""
    return _drawn("PoissonDraw", mean, sizes, seed)


def _drawn(fn: str, parameter: Tensor, sizes: list[Any], seed: int | None) -> Tensor:
    each = reshape(e.cast(e.stop_gradient(parameter), dtypes.float64), [-1])
    wide = convert_to_tensor([e.cast(n, dtypes.int64) for n in sizes] if sizes else np.zeros(0, np.int64))
    number = reduce_prod(wide)
    rows = count(each, None, dtypes.int64)
    # No parameters, no draws: what is divided by is then of no account.
    for_each = e.floordiv(number, e.maximum(rows, constant(1, dtypes.int64)))
    state = apply(StreamState(dtypes.int64, *seeds_of(seed)), number)
    draws = expand_dims(sequence(for_each, dtype=dtypes.int64), 1)
    place = e.add(e.multiply(sequence(rows, dtype=dtypes.int64), for_each), draws)  # [draws, parameters]
    group = e.add(state[2], e.multiply(place, constant(GROUPS_PER_ELEMENT, dtypes.int64)))
    bits = apply(Draw(fn), bitcast(each, dtypes.int64), state[0], state[1], group)
    return reshape(bitcast(bits, dtypes.float64), wide)
