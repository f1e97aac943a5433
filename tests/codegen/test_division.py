"""Rows divided by a number each, without the divider: bit for bit what it gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from graphc.codegen.loops import Apply, Buffer, For, Kernel, Load, Store
from graphc.codegen.schedule import schedule
from graphc.codegen.target import Target, host, named
from graphc.dims import Symbol, atom
from graphc.records import replace
from tests.codegen.native import native_text, run_native

WIDE = replace(host(), vector_bytes=64, vector_registers=32)  # Where vectors are narrower, each is several.
pytestmark = pytest.mark.skipif(not WIDE.fma, reason="this processor rounds a product before it adds")


def quotients(rows: int, columns: int, dtype: str, target: Target, work: str = "") -> Kernel:
    """y[i, j] = a[i, j] / b[i], or of a function of a."""
    i, j = Symbol("i", rows), Symbol("j", columns)
    a, b, y = Buffer("a", dtype, rows * columns), Buffer("b", dtype, rows), Buffer("y", dtype, rows * columns)
    place = atom(i) * columns + atom(j)
    dividend = Apply(work, (Load(a, place),), dtype) if work else Load(a, place)
    store = Store(y, place, Apply("div", (dividend, Load(b, atom(i))), dtype))
    loops = For(i, (For(j, (store,)),))
    return schedule(Kernel("quotients", (a, b, y), (loops,)), target)


@pytest.mark.parametrize("columns", [1, 16, 17, 100, 256])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_quotients_are_those_of_the_divider(dtype: str, columns: int) -> None:
    """Zeros, infinities, NaN, the largest and smallest numbers, and magnitudes where nothing underflows."""
    kind = np.dtype("float" + dtype[1:])
    limits = np.finfo(kind)
    special = np.array([0, np.inf, np.nan, limits.max, limits.tiny, 1, 3, 49, 2.0**100], kind)
    special = np.concatenate([special, -special])
    rng = np.random.default_rng(columns)
    rows = len(special) + 40
    b = np.concatenate([special, rng.standard_normal(40) * 10.0 ** rng.uniform(-12, 12, 40)]).astype(kind)
    a = (rng.standard_normal((rows, columns)) * 10.0 ** rng.uniform(-12, 12, (rows, columns))).astype(kind)
    a.flat[: rows * columns // 2] = list(itertools.islice(itertools.cycle(special), rows * columns // 2))
    np.copyto(a[:, -1], b)  # x / x is 1
    found = np.zeros_like(a)
    run_native(quotients(rows, columns, dtype, WIDE), {"a": a.ravel(), "b": b, "y": found.ravel()}, WIDE)
    with np.errstate(all="ignore"):
        wanted = a / b[:, np.newaxis]
    small = 2.0**24 * limits.tiny / limits.eps  # The rest of smaller ones may underflow.
    exact = ~(np.abs(wanted) < small)
    np.testing.assert_array_equal(found[exact], wanted[exact])
    np.testing.assert_array_equal(np.signbit(found[wanted == 0]), np.signbit(wanted[wanted == 0]))
    np.testing.assert_allclose(found[~exact], wanted[~exact], rtol=4 * limits.eps, atol=4 * limits.tiny)


@pytest.mark.parametrize(
    ("name", "work", "left"), [("avx512", "", 0), ("avx512", "tanh", 1), ("avx2", "", 1), ("sse2", "", 1)]
)
def test_the_divider_is_used_where_it_keeps_nobody_waiting(name: str, work: str, left: int) -> None:
    """Beside a long function, or for half a vector, a division costs fewer instructions."""
    text = native_text(quotients(8, 256, "f32", named(name), work), named(name))
    assert text.count("fdiv <") == left + (work == "tanh")  # tanh divides too
