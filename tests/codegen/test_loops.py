"""Loop IR as data: its text, what it reads and writes."""

from __future__ import annotations

from graphc.codegen.loops import (
    Buffer,
    For,
    Kernel,
    Load,
    LoadedIndex,
    Store,
    identity,
    postorder,
)
from graphc.codegen.traverse import Renaming, read_buffers, rewrite_body, written_buffers
from graphc.dims import atom, symbol
from tests.codegen.plain_kernels import apply, elementwise, loop, several, softmax


def test_text_of_rows_with_reductions():
    assert (
        str(softmax(symbol("n")))
        == """\
kernel softmax: 1 tasks
  <  f32 x[10*n]
   > f32 y[10*n]
  for i < n:
    accumulator f32 top = f32 -inf
    for j < 10:
      top = maximum(top, x[10*i+j])
    accumulator f32 bottom = f32 0.0
    for j < 10:
      bottom = add(bottom, exp(sub(x[10*i+j], top)))
    for j < 10:
      y[10*i+j] = div(exp(sub(x[10*i+j], top)), bottom)"""
    )


def test_shared_and_long_values_have_lines_of_their_own():
    i, at = loop("i", 8)
    x, y = Buffer("x", "f32", 8), Buffer("y", "f32", 8)
    shared = apply("exp", Load(x, at))
    kernel = Kernel("shared", (x, y), (For(i, (Store(y, at, apply("mul", shared, shared)),)),))
    assert str(kernel).splitlines()[3:] == ["  for i < 8:", "    %0 = exp(x[i])", "    y[i] = mul(%0, %0)"]


def test_loaded_positions_are_equal_by_what_they_load():
    place = Buffer("place", "i32", 4)
    row = symbol("i", 4)
    left, right = atom(LoadedIndex(Load(place, row))), atom(LoadedIndex(Load(place, row)))
    assert left == right and left * 3 - right * 2 == left
    assert left != atom(LoadedIndex(Load(place, row + 1)))
    assert str(left * 6 + 1) == "6*<place[i]>+1"


def test_what_a_kernel_reads_and_writes():
    kernel = several(symbol("n"))
    assert {buffer.name for buffer in read_buffers(kernel)} == {"v", "w", "rate"}
    assert {buffer.name for buffer in written_buffers(kernel)} == {"v", "w"}


def test_tasks_count_through_independent_loops():
    n = symbol("n")
    first, second = several(n).body
    assert isinstance(first, For) and isinstance(second, For)
    cut = Kernel("cut", (), (For(first.variable, first.body, grain=8), For(second.variable, second.body, grain=4)))
    assert str(cut.tasks) == "((3*n+3)//(4))+((n+7)//(8))"
    assert Kernel("serial", (), (first, second)).tasks == 1


def test_identities():
    assert identity("add", "f32") == 0 and identity("mul", "i64") == 1
    assert identity("maximum", "i32") == -(2**31) and identity("minimum", "u8") == 255
    assert identity("logical_and", "bool") is True and identity("logical_or", "bool") is False
    assert identity("maximum", "f64") == float("-inf")


def test_long_chains_need_no_recursion():
    x = Buffer("x", "f32", 1)
    value = Load(x, 0)
    for _ in range(20_000):
        value = apply("add", value, value)
    kernel = Kernel("chain", (x,), rewrite_body((Store(x, 0, value),), Renaming({})))
    assert sum(1 for _ in postorder([value])) == 20_001
    assert len(str(kernel).splitlines()) == 3 + 19_999
    assert len(LoadedIndex(value).text) < 80


def test_elementwise_text_names_what_is_written():
    assert str(elementwise(5)).splitlines()[1:4] == ["  <  f32 x[5]", "  <  f32 y[5]", "   > f32 z[5]"]
