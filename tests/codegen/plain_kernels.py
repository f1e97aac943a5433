"""Kernels in their plainest form, built for a size that may be a number or a symbol."""

from __future__ import annotations

from collections.abc import Callable

from graphc.codegen.loops import (
    Accumulate,
    AccumulateAt,
    Apply,
    Buffer,
    Check,
    Declare,
    Expression,
    For,
    IndexValue,
    Kernel,
    Let,
    Literal,
    Load,
    LoadedIndex,
    Local,
    Store,
)
from graphc.dims import DimLike, Symbol, atom


def apply(op: str, *operands: Expression, dtype: str | None = None) -> Apply:
    return Apply(op, operands, dtype or operands[0].dtype)


def loop(name: str, extent: DimLike) -> tuple[Symbol, DimLike]:
    symbol = Symbol(name, extent)
    return symbol, atom(symbol)


def f32(value: float) -> Literal:
    return Literal(value, "f32")


def elementwise(n: DimLike) -> Kernel:
    i, at = loop("i", n)
    x, y, z = (Buffer(name, "f32", n) for name in "xyz")
    value = apply("maximum", apply("add", apply("mul", Load(x, at), Load(y, at)), f32(0.5)), f32(0.0))
    return Kernel("elementwise", (x, y, z), (For(i, (Store(z, at, value),)),))


def doubles(n: DimLike) -> Kernel:
    """f64 from f32 and i32, so that element sizes differ."""
    i, at = loop("i", n)
    x, k, y = Buffer("x", "f32", n), Buffer("k", "i32", n), Buffer("y", "f64", n)
    value = apply("add", apply("cast", Load(x, at), dtype="f64"), apply("cast", Load(k, at), dtype="f64"))
    return Kernel("doubles", (x, k, y), (For(i, (Store(y, at, value),)),))


def masks(n: DimLike) -> Kernel:
    i, at = loop("i", n)
    x, y, p, q = Buffer("x", "f32", n), Buffer("y", "f32", n), Buffer("p", "bool", n), Buffer("q", "bool", n)
    less = apply("lt", Load(x, at), Load(y, at), dtype="bool")
    both = apply("logical_and", less, Load(p, at))
    chosen = apply("select", both, Load(x, at), Load(y, at), dtype="f32")
    z = Buffer("z", "f32", n)
    return Kernel("masks", (x, y, p, q, z), (For(i, (Store(q, at, both), Store(z, at, chosen))),))


def bias(n: DimLike) -> Kernel:
    """A broadcast along rows, which keeps the two loops apart, and a scalar one."""
    (i, row), (j, col) = loop("i", n), loop("j", 12)
    x, b, s, y = Buffer("x", "f32", n * 12), Buffer("b", "f32", 12), Buffer("s", "f32", 1), Buffer("y", "f32", n * 12)
    value = apply("mul", apply("add", Load(x, row * 12 + col), Load(b, col)), Load(s, 0))
    return Kernel("bias", (x, b, s, y), (For(i, (For(j, (Store(y, row * 12 + col, value),)),)),))


def transpose(n: DimLike) -> Kernel:
    (i, row), (j, col) = loop("i", n), loop("j", 5)
    x, y = Buffer("x", "f32", n * 5), Buffer("y", "f32", n * 5)
    return Kernel("transpose", (x, y), (For(j, (For(i, (Store(y, col * n + row, Load(x, row * 5 + col)),)),)),))


def reduction(combine: str, dtype: str, start: float) -> Callable[[DimLike], Kernel]:
    def build(n: DimLike) -> Kernel:
        (i, row), (j, col) = loop("i", 3), loop("j", n)
        x, y = Buffer("x", dtype, n * 3), Buffer("y", dtype, 3)
        total = Local("total", dtype)
        body = (
            Declare("total", dtype, Literal(start, dtype)),
            For(j, (Accumulate("total", combine, Load(x, row * n + col)),)),
            Store(y, row, total),
        )
        return Kernel(f"{combine}_{dtype}", (x, y), (For(i, body),))

    return build


def columns(n: DimLike) -> Kernel:
    """Sums over the outer axis, and their squares, as in the gradient of a bias."""
    (i, row), (j, col) = loop("i", n), loop("j", 37)
    x, y, z = Buffer("x", "f32", n * 37), Buffer("y", "f32", 37), Buffer("z", "f32", 37)
    value = Load(x, row * 37 + col)
    body = (
        Declare("total", "f32", f32(0.0)),
        Declare("square", "f32", f32(0.0)),
        For(i, (Accumulate("total", "add", value), Accumulate("square", "add", apply("mul", value, value)))),
        Store(y, col, Local("total", "f32")),
        Store(z, col, Local("square", "f32")),
    )
    return Kernel("columns", (x, y, z), (For(j, body),))


def total(n: DimLike) -> Kernel:
    """Everything to one number, over two loops that collapse."""
    (i, row), (j, col) = loop("i", n), loop("j", 7)
    x, y = Buffer("x", "f32", n * 7), Buffer("y", "f32", 1)
    body = (
        Declare("total", "f32", f32(0.0)),
        For(i, (For(j, (Accumulate("total", "add", Load(x, row * 7 + col)),)),)),
        Store(y, 0, Local("total", "f32")),
    )
    return Kernel("total", (x, y), body)


def channels(n: DimLike) -> Kernel:
    """Sums over the first and the last axis: the lanes of the inner loop are kept over the outer one."""
    (c, channel), (i, row), (j, col) = loop("c", 3), loop("i", n), loop("j", 20)
    x, y = Buffer("x", "f32", n * 60), Buffer("y", "f32", 3)
    body = (
        Declare("total", "f32", f32(0.0)),
        For(i, (For(j, (Accumulate("total", "add", Load(x, row * 60 + channel * 20 + col)),)),)),
        Store(y, channel, Local("total", "f32")),
    )
    return Kernel("channels", (x, y), (For(c, body),))


def softmax(n: DimLike) -> Kernel:
    (i, row), (j, col) = loop("i", n), loop("j", 10)
    x, y = Buffer("x", "f32", n * 10), Buffer("y", "f32", n * 10)
    top, bottom = Local("top", "f32"), Local("bottom", "f32")
    power = apply("exp", apply("sub", Load(x, row * 10 + col), top))
    body = (
        Declare("top", "f32", f32(float("-inf"))),
        For(j, (Accumulate("top", "maximum", Load(x, row * 10 + col)),)),
        Declare("bottom", "f32", f32(0.0)),
        For(j, (Accumulate("bottom", "add", power),)),
        For(j, (Store(y, row * 10 + col, apply("div", power, bottom)),)),
    )
    return Kernel("softmax", (x, y), (For(i, body),))


def normalise(n: DimLike) -> Kernel:
    """Rows of symbolic length with their mean taken off, through a scratch row."""
    (i, row), (j, col) = loop("i", 4), loop("j", n)
    x, y, s = Buffer("x", "f32", n * 4), Buffer("y", "f32", n * 4), Buffer("s", "f32", n, "scratch")
    body = (
        Declare("total", "f32", f32(0.0)),
        For(j, (Store(s, col, apply("mul", Load(x, row * n + col), f32(2.0))),)),
        For(j, (Accumulate("total", "add", Load(s, col)),)),
        Let("mean", apply("div", Local("total", "f32"), IndexValue(n, "f32"))),
        For(j, (Store(y, row * n + col, apply("sub", Load(s, col), Local("mean", "f32"))),)),
    )
    return Kernel("normalise", (x, y), (For(i, body),), (s,))


def best_place(combine: str) -> Callable[[DimLike], Kernel]:
    def build(n: DimLike) -> Kernel:
        (i, row), (j, col) = loop("i", 3), loop("j", n)
        x, y, p = Buffer("x", "f32", n * 3), Buffer("y", "f32", 3), Buffer("p", "i64", 3)
        start = float("-inf") if combine == "maximum" else float("inf")
        body = (
            Declare("best", "f32", f32(start)),
            Declare("place", "i64", Literal(0, "i64")),
            For(j, (AccumulateAt("best", "place", combine, Load(x, row * n + col), IndexValue(col, "i64")),)),
            Store(y, row, Local("best", "f32")),
            Store(p, row, Local("place", "i64")),
        )
        return Kernel(f"place_of_{combine}", (x, y, p), (For(i, body),))

    return build


def gather(n: DimLike) -> Kernel:
    """Rows by number; a number out of range reads row 0 and is reported."""
    (i, row), (j, col) = loop("i", n), loop("j", 6)
    table, place = Buffer("table", "f32", 9 * 6), Buffer("place", "i32", n)
    y, errors = Buffer("y", "f32", n * 6), Buffer("errors", "i64", 1)
    number = Load(place, row)
    bad = apply(
        "logical_or",
        apply("lt", number, Literal(0, "i32"), dtype="bool"),
        apply("lt", Literal(8, "i32"), number, dtype="bool"),
    )
    safe = atom(LoadedIndex(apply("select", bad, Literal(0, "i32"), number, dtype="i32")))
    body = (Check(bad, errors, 7), For(j, (Store(y, row * 6 + col, Load(table, safe * 6 + col)),)))
    return Kernel("gather", (table, place, y, errors), (For(i, body),))


def pick(n: DimLike) -> Kernel:
    """One element by number from each row: positions differ from lane to lane."""
    i, row = loop("i", n)
    x, place, y = Buffer("x", "f32", n * 6), Buffer("place", "i64", n), Buffer("y", "f32", n)
    column = atom(LoadedIndex(Load(place, row)))
    return Kernel("pick", (x, place, y), (For(i, (Store(y, row, Load(x, row * 6 + column)),)),))


def scatter(n: DimLike) -> Kernel:
    """The adjoint of gather: rows add up in their order."""
    (i, row), (j, col) = loop("i", n), loop("j", 6)
    g, place, y = Buffer("g", "f32", n * 6), Buffer("place", "i32", n), Buffer("y", "f32", 9 * 6)
    target = atom(LoadedIndex(Load(place, row))) * 6 + col
    return Kernel("scatter", (g, place, y), (For(i, (For(j, (Store(y, target, Load(g, row * 6 + col), "add"),)),)),))


def padded(n: DimLike) -> Kernel:
    """Two zeros before, one behind: loads under a condition."""
    i, at = loop("i", n + 3)
    x, y = Buffer("x", "f32", n), Buffer("y", "f32", n + 3)
    place = IndexValue(at, "i64")
    inside = apply(
        "logical_and",
        apply("ge", place, Literal(2, "i64"), dtype="bool"),
        apply("lt", place, IndexValue(n + 2, "i64"), dtype="bool"),
    )
    return Kernel("padded", (x, y), (For(i, (Store(y, at, Load(x, at - 2, inside)),)),))


def reshaped(n: DimLike) -> Kernel:
    """A transposed block read in another shape: quotients and remainders of the position."""
    i, at = loop("i", n * 6)
    x, y = Buffer("x", "f32", n * 6), Buffer("y", "f32", n * 6)
    return Kernel("reshaped", (x, y), (For(i, (Store(y, at, Load(x, at % 6 * n + at // 6)),)),))


def mirrored(n: DimLike) -> Kernel:
    """Rows read from their end."""
    (i, row), (j, col) = loop("i", 3), loop("j", n)
    x, y = Buffer("x", "f32", n * 3), Buffer("y", "f32", n * 3)
    body = (Store(y, row * n + col, Load(x, row * n + n - 1 - col)),)
    return Kernel("mirrored", (x, y), (For(i, (For(j, body),)),))


def interleaved(n: DimLike) -> Kernel:
    """Four results for each turn, side by side."""
    i, at = loop("i", n)
    x, y = Buffer("x", "i32", n), Buffer("y", "i32", n * 4)
    stores = tuple(Store(y, at * 4 + k, apply("add", Load(x, at), Literal(k, "i32"))) for k in range(4))
    return Kernel("interleaved", (x, y), (For(i, stores),))


def pooled(n: DimLike) -> Kernel:
    """Windows of 2 x 2, channels last."""
    (i, row), (j, col), (c, channel) = loop("i", n), loop("j", 3), loop("c", 5)
    (a, down), (b, right) = loop("a", 2), loop("b", 2)
    x, y = Buffer("x", "f32", n * 2 * 6 * 5), Buffer("y", "f32", n * 3 * 5)
    source = ((row * 2 + down) * 6 + col * 2 + right) * 5 + channel
    body = (
        Declare("top", "f32", f32(float("-inf"))),
        For(a, (For(b, (Accumulate("top", "maximum", Load(x, source)),)),)),
        Store(y, (row * 3 + col) * 5 + channel, Local("top", "f32")),
    )
    return Kernel("pooled", (x, y), (For(i, (For(j, (For(c, body),)),)),))


def running_sum(n: DimLike) -> Kernel:
    """A loop whose turns depend on each other, inside one whose turns do not."""
    (i, row), (j, col) = loop("i", n), loop("j", 5)
    x, y = Buffer("x", "f32", n * 5), Buffer("y", "f32", n * 5)
    body = (
        Declare("sum", "f32", f32(0.0)),
        For(i, (Accumulate("sum", "add", Load(x, row * 5 + col)), Store(y, row * 5 + col, Local("sum", "f32")))),
    )
    return Kernel("running_sum", (x, y), (For(j, body),))


def several(n: DimLike) -> Kernel:
    """Independent loops in one kernel, as the updates of several variables."""
    (i, at), (j, also) = loop("i", n), loop("j", n * 3)
    v, w, rate = Buffer("v", "f32", n), Buffer("w", "f32", n * 3), Buffer("rate", "f32", 1)
    first = For(i, (Store(v, at, apply("sub", Load(v, at), apply("mul", Load(rate, 0), Load(v, at)))),))
    second = For(j, (Store(w, also, apply("mul", Load(w, also), Load(rate, 0))),))
    return Kernel("several", (v, w, rate), (first, second))
