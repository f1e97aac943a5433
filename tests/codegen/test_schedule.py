"""Scheduled loops: what the steps make of known kernels, and that values stay."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.codegen.interpret import run
from graphc.codegen.loops import Buffer, For, Kernel, Load, Store
from graphc.codegen.schedule import schedule
from graphc.codegen.schedule_collapse import collapse, drop_single
from graphc.codegen.schedule_split import _match, split, split_reduction
from graphc.codegen.target import named
from graphc.dims import evaluate, symbol
from tests.codegen.loop_cases import CASES, Arrays, Case, same
from tests.codegen.plain_kernels import (
    apply,
    bias,
    channels,
    columns,
    elementwise,
    loop,
    pooled,
    running_sum,
    scatter,
    several,
    softmax,
    total,
    transpose,
)

AVX512 = named("avx512")


@pytest.mark.parametrize("target", ["avx512", "sse2"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_stay(case: Case, target: str):
    for n in (0, 1, 17):
        arrays = case.arrays(np.random.default_rng(n), n)
        for kernel, sizes in ((case.build(n), {}), (case.build(symbol("n")), {"n": n})):
            results = {name: array.copy() for name, array in arrays.items()}
            run(schedule(kernel, named(target)), results, sizes)
            same(case, results, arrays, n)


def lines(kernel: Kernel) -> list[str]:
    """The scheduled statements."""
    text = str(schedule(kernel, AVX512)).splitlines()
    return [line[2:] for line in text[1:] if not line.startswith(("  <", "   >"))]


def test_elementwise_in_fixed_and_in_unknown_size():
    assert lines(elementwise(100))[0] == "vector(16) for i < 100:"
    assert lines(elementwise(4096))[0] == "vector(64) for i < 4096:"
    head = lines(elementwise(symbol("n")))[0]
    assert head.startswith("parallel(") and head.endswith(") vector(64, then 16) for i < n:")


def test_rows_of_ten_are_one_masked_vector_each():
    assert lines(softmax(64)) == [
        "for i < 64:",
        "  accumulator f32 top = f32 -inf",
        "  vector(16) for j < 10:",
        "    top = maximum(top, x[10*i+j])",
        "  accumulator f32 bottom = f32 0.0",
        "  vector(16) for j < 10:",
        "    bottom = add(bottom, exp(sub(x[10*i+j], top)))",
        "  vector(16) for j < 10:",
        "    y[10*i+j] = div(exp(sub(x[10*i+j], top)), bottom)",
    ]


def test_sums_over_columns_run_along_the_columns():
    assert lines(columns(64))[:4] == [
        "vector(64) for j < 37:",
        "  accumulator f32 total = f32 0.0",
        "  accumulator f32 square = f32 0.0",
        "  for i < 64:",
    ]


def test_a_sum_over_everything_is_one_loop():
    assert lines(total(100)) == [
        "accumulator f32 total = f32 0.0",
        "vector(64) for j < 700:",
        "  total = add(total, x[j])",
        "y[0] = total",
    ]


def test_what_depends_on_its_order_stays_serial():
    assert lines(running_sum(64))[:3] == ["vector(8) for j < 5:", "  accumulator f32 sum = f32 0.0", "  for i < 64:"]
    assert lines(scatter(symbol("n")))[:2] == ["for i < n:", "  vector(8) for j < 6:"]


def test_the_loop_with_neighbours_becomes_the_inner_one():
    assert lines(transpose(16))[:2] == ["for j < 5:", "  vector(16) for i < 16:"]


def test_windows_are_written_out():
    assert [line.strip() for line in lines(pooled(8)) if "unrolled" in line] == [
        "unrolled for a < 2:",
        "unrolled for b < 2:",
    ]


def test_independent_updates_share_tasks():
    kernel = schedule(several(symbol("n")), AVX512)
    assert all(isinstance(statement, For) and statement.grain for statement in kernel.body)
    assert evaluate(kernel.tasks, {"n": 10}) == 2
    assert evaluate(kernel.tasks, {"n": 1_000_000}) > 20


def test_small_work_is_one_task_and_large_work_some_dozens():
    assert schedule(elementwise(1000), AVX512).tasks == 1
    tasks = schedule(elementwise(10_000_000), AVX512).tasks
    assert isinstance(tasks, int) and 32 <= tasks <= 64


def test_tasks_begin_at_whole_vectors():
    (statement,) = schedule(elementwise(1_000_003), AVX512).body
    assert isinstance(statement, For) and statement.grain is not None and statement.grain % statement.width == 0


def test_loops_collapse_only_where_all_accesses_walk_as_one():
    n = symbol("n")
    x, y = Buffer("x", "f32", n * 12), Buffer("y", "f32", n * 12)
    (i, row), (j, col) = loop("i", n), loop("j", 12)
    copy = For(i, (For(j, (Store(y, row * 12 + col, Load(x, row * 12 + col)),)),))
    (one,) = collapse((copy,))
    assert isinstance(one, For) and one.extent == n * 12 and isinstance(one.body[0], Store)
    (two,) = collapse(bias(n).body)
    assert isinstance(two, For) and isinstance(two.body[0], For)


def test_collapse_sees_through_quotients():
    (i, row), (j, col) = loop("i", 4), loop("j", 6)
    x, y = Buffer("x", "f32", 24), Buffer("y", "f32", 24)
    flat = row * 6 + col
    body = (For(i, (For(j, (Store(y, flat, Load(x, flat // 8 + flat % 8 * 3)),)),)),)
    (one,) = collapse(body)
    assert isinstance(one, For) and one.extent == 24
    (two,) = collapse((For(i, (For(j, (Store(y, flat, Load(x, row // 3 * 12 + col)),)),)),))
    assert isinstance(two, For) and isinstance(two.body[0], For)


def test_loops_that_run_once_are_dropped():
    (i, row), (j, col) = loop("i", 1), loop("j", 8)
    x, y = Buffer("x", "f32", 8), Buffer("y", "f32", 8)
    store = Store(y, row * 8 + col, apply("neg", Load(x, row * 8 + col)))
    (kept,) = drop_single((For(i, (For(j, (store,)),)),))
    assert isinstance(kept, For) and kept.variable == j and kept.body[0].offset == symbol("j", 8)  # type: ignore[union-attr]


def run_both(pair: tuple[Kernel, Kernel], arrays: Arrays, sizes: dict[str, int]) -> Arrays:
    """The arrays after two kernels that hand partial results over."""
    partials = {b.name: b for part in pair for b in part.arguments if b.name.startswith("partials")}
    memory = {**arrays, **{name: np.zeros(evaluate(b.size, sizes), "f4") for name, b in partials.items()}}
    for part in pair:
        run(schedule(part, AVX512), {b.name: memory[b.name] for b in part.arguments}, sizes)
    return memory


def heads(rows: int, piece: int) -> Kernel:
    """Rows of four pieces, which lie far from each other in memory."""
    (i, row), (j, col) = loop("i", rows), loop("j", 4 * piece)
    x, y = Buffer("x", "f32", 4 * piece * rows), Buffer("y", "f32", 4 * piece * rows)
    value = Load(x, col // piece * (piece * rows) + piece * row + col % piece)
    return Kernel("heads", (x, y), (For(i, (For(j, (Store(y, 4 * piece * row + col, value),)),)),))


def test_loops_that_walk_in_pieces_are_taken_apart():
    kernel = heads(6, 32)
    scheduled = schedule(kernel, AVX512)
    assert "//" in kernel.text and "//" not in scheduled.text
    x = np.arange(4 * 32 * 6, dtype="f4")
    found = {}
    for each in (kernel, scheduled):
        found[each.name, each is kernel] = np.zeros_like(x)
        run(each, {"x": x, "y": found[each.name, each is kernel]}, {})
    wanted = x.reshape(4, 6, 32).transpose(1, 0, 2).reshape(-1)
    assert all((y == wanted).all() for y in found.values())
    assert "//" in schedule(heads(6, 4), AVX512).text  # pieces too short to be worth a loop


@pytest.mark.parametrize("build", [total, columns, channels])
def test_a_long_reduction_in_two_kernels(build):
    case = next(case for case in CASES if case.build is build)
    for piece, n in ((100, 64), (3, 16), (5, 1), (7, 0)):
        for kernel, sizes in ((build(n), {}), (build(symbol("n")), {"n": n})):
            reduction = _match(collapse(drop_single(kernel.body)))
            assert reduction is not None or n == 1
            if reduction is not None:
                arrays = case.arrays(np.random.default_rng(n), n)
                same(case, run_both(split(kernel, reduction, piece), arrays, sizes), arrays, n)


def test_only_long_reductions_with_few_results_are_split():
    assert split_reduction(total(1000), AVX512) is None
    assert split_reduction(elementwise(10_000_000), AVX512) is None
    assert split_reduction(softmax(100_000), AVX512) is None
    assert split_reduction(running_sum(10_000_000), AVX512) is None
    pair = split_reduction(columns(100_000), AVX512)
    assert pair is not None
    first, second = (schedule(part, AVX512) for part in pair)
    assert isinstance(first.tasks, int) and first.tasks > 8 and second.tasks == 1
    assert [b.name for b in first.arguments] == ["x", "partials0", "partials1"]
    assert [b.name for b in second.arguments] == ["y", "z", "partials0", "partials1"]
