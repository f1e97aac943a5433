"""The promised errors of the special functions: float32 by sweeps, float64 at recorded values, and their limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.codegen import approx, jit
from graphc.codegen.scalar import OPS
from graphc.codegen.target import Target, host, named
from tests.codegen.native_lanes import Compiled, Function, module_text, same, ulps, undefined_symbols
from tests.codegen.special_values import VALUES

X86 = host().triple.startswith("x86_64")
TARGETS = [host(), named("sse2")] if X86 else [host()]
# Where to look: the range of each argument.
RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    "asin": ((-1, 1),), "acos": ((-1, 1),), "atan": ((-9, 9),), "atan2": ((-4, 4), (-4, 4)), "sinh": ((-9, 9),),
    "cosh": ((-9, 9),), "asinh": ((-9, 9),), "acosh": ((1, 9),), "atanh": ((-1, 1),), "erfc": ((-3, 9),),
    "lgamma": ((0, 30),), "digamma": ((0, 30),), "bessel_i0e": ((-20, 20),), "bessel_i1e": ((-20, 20),),
    "zeta": ((1.1, 9), (0.1, 30)), "igamma": ((0.1, 20), (0, 30)), "igammac": ((0.1, 20), (0, 30)),
    "igamma_grad_a": ((0.3, 20), (0.3, 30)),
}  # fmt: skip
GROWING = ("igamma", "igammac")


def compiled(name: str, dtype: str, width: int | None, target: Target) -> Compiled:
    function = getattr(approx, name)
    arguments = [dtype] * len(RANGES[name])
    return Compiled({name: Function(lambda b, *x: function(b, *x, fma=target.fma), arguments, dtype)}, width, target)


def promised(name: str) -> float:
    """The documented error in float64."""
    words = (approx.__doc__ or "").split()
    return float(words[words.index(name) + 1])


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", list(RANGES))
def test_float32_errors(name: str, target: Target) -> None:
    rng = np.random.default_rng(5)
    x = [rng.uniform(*limits, 3000).astype(np.float32) for limits in RANGES[name]]
    with np.errstate(all="ignore"):
        true = OPS[name].numpy(*(v.astype(np.float64) for v in x))
    got = compiled(name, "f32", 8, target)(name, *x)
    # where the slope by a is lost in the difference of two sums, it is measured against the function's own size
    absolute = np.abs(got - true) if name == "igamma_grad_a" else np.full(true.shape, np.inf)
    assert np.all((ulps(got, true) <= 0.51) | (absolute < 1e-12))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", list(RANGES))
def test_float64_errors(name: str, target: Target) -> None:
    rows = np.array(VALUES[name])
    *x, true = rows.T
    got = compiled(name, "f64", 4, target)(name, *x)
    apart = np.abs(got - true) / np.spacing(np.abs(true))
    if name == "igamma_grad_a":  # a difference of sums near 1
        assert np.all(np.abs(got - true) <= 1e-15)
    elif name in GROWING:
        assert np.all(apart <= 16 + 8 * np.maximum(*x))
    else:  # the recorded value is itself rounded
        assert np.max(apart) <= promised(name) + 0.5


@pytest.mark.parametrize("name", list(RANGES))
def test_all_widths_give_the_same_bits(name: str) -> None:
    x: list[Any] = [np.array(column) for column in np.array(VALUES[name]).T[:-1]]
    x = [np.concatenate([column, [0.0, -0.0, np.inf, -np.inf, np.nan, -3.0, 5e-324]]) for column in x]
    widest = compiled(name, "f64", 8, host())(name, *x)
    for width in (None, 2):
        assert np.all(same(compiled(name, "f64", width, host())(name, *x), widest)), width


@pytest.mark.parametrize("name, dtype", [("sse2", "f32"), ("neon", "f64")])
def test_objects_need_no_library(name: str, dtype: str) -> None:
    target = named(name)
    table = {
        case: Function(
            lambda b, *x, case=case: getattr(approx, case)(b, *x, fma=target.fma), [dtype] * len(limits), dtype
        )
        for case, limits in RANGES.items()
    }
    assert undefined_symbols(jit.compile_ir(module_text(table, 2), target)) == []
