"""Products, from where arrays come to how tiles are finished: copies of what is fed, asking ahead, registers."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.codegen import choose
from graphc.codegen.choose_tasks import with_tasks
from graphc.codegen.choose_tile import direct_rows
from graphc.codegen.kernels import contraction
from graphc.codegen.kernels.affine import Axis, Contraction
from graphc.codegen.kernels.building import ELEMENTS
from graphc.codegen.kernels.microtile import Tile
from graphc.codegen.loops import Apply, Buffer, Contract, Kernel, Load, Local, Store
from graphc.codegen.schedule import schedule
from graphc.codegen.target import Target, host, named
from graphc.compiler import build_program, capture
from graphc.dims import Symbol, atom
from graphc.records import replace
from tests.codegen.native import native_text, run_native


def product(m: int, k: int, n: int) -> Contraction:
    return Contraction("f32", (), (Axis(m, a=k),), (Axis(n, b=1),), (Axis(k, a=1, b=n),))


@pytest.mark.parametrize(
    ("rows", "inner", "columns", "target", "copied"),
    [
        (128, 128, 128, "avx512", True),
        (32, 784, 128, "avx512", True),
        (31, 784, 128, "avx512", False),  # too few rows to repay a copy
        (128, 64, 64, "avx512", False),  # stays in the first cache, where straddling costs little
        (128, 128, 128, "avx2", True),
        (128, 128, 128, "sse2", False),  # no wider than arrays are aligned
    ],
)
def test_b_is_copied_where_every_load_may_straddle(
    rows: int, inner: int, columns: int, target: str, copied: bool
) -> None:
    spec = product(rows, inner, columns)
    assert not choose.plan(spec, named(target)).pack_b
    assert choose.plan(replace(spec, fed_b=True), named(target)).pack_b == copied
    assert not choose.plan(replace(spec, fed_a=True), named(target)).pack_b


def fed(target: tf.Tensor) -> list[tuple[bool, bool]]:
    """Which operands of the products of a step are fed."""
    _, program = build_program(capture([target], [], []), {}, host())
    contracts = [s for call in program.calls for s in call.kernel.body if isinstance(s, Contract)]
    return [(contract.spec.fed_a, contract.spec.fed_b) for contract in contracts]


def test_only_what_the_caller_hands_in_is_fed() -> None:
    x, y = (tf.placeholder(tf.float32, [64, 64]) for _ in range(2))
    w = tf.Variable(np.ones((64, 64), np.float32))
    assert fed(x @ w) == [(True, False)]
    assert fed(w @ x) == [(False, True)]
    assert fed(tf.reshape(x, [32, 128]) @ tf.reshape(y, [128, 32])) == [(True, True)]
    assert fed(tf.tanh(x) @ w) == [(False, False)]


def test_equal_products_differ_where_one_is_fed() -> None:
    x = tf.placeholder(tf.float32, [128, 128])
    w = tf.Variable(np.ones((128, 128), np.float32))
    assert sorted(fed(x @ (w @ x))) == [(False, True), (True, False)]


@pytest.mark.parametrize("shift", [0, 1, 7])
def test_values_do_not_depend_on_where_an_array_begins(shift: int) -> None:
    rng = np.random.default_rng(shift)
    a = rng.integers(-3, 4, (128, 160)).astype(np.float32)
    b = rng.integers(-3, 4, 160 * 144 + shift).astype(np.float32)[shift:].reshape(160, 144)
    x, y = tf.placeholder(tf.float32, a.shape), tf.placeholder(tf.float32, b.shape)
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(x @ y, {x: a, y: b}), a @ b)  # whole numbers: exact


def product_kernel(m: int, k: int, n: int, transposed: bool = False, kept: bool = False, dtype: str = "f32") -> Kernel:
    """y = a b, and where something is ``kept`` y = y + a b."""
    i, j = Symbol("i", m), Symbol("j", n)
    a, b, y = Buffer("a", dtype, m * k), Buffer("b", dtype, k * n), Buffer("y", dtype, m * n)
    rows, inner = (Axis(m, a=1), Axis(k, a=m, b=n)) if transposed else (Axis(m, a=k), Axis(k, a=1, b=n))
    spec = Contraction(dtype, (), (rows,), (Axis(n, b=1),), (inner,))
    place, total = atom(i) * n + atom(j), Local("sum", dtype)
    value = Apply("add", (Load(y, place), total), dtype) if kept else total
    return Kernel("product", (a, b, y), (Contract(spec, a, b, (i, j), "sum", (Store(y, place, value),)),))


@pytest.mark.parametrize(
    ("name", "m", "k", "n", "transposed", "streams"),
    [
        ("avx512", 64, 784, 128, False, True),  # read in place, from the second cache
        ("avx512", 64, 64, 64, False, False),  # stays in the first
        ("avx512", 1, 784, 128, False, False),  # every product is a load already
        ("avx512", 512, 512, 512, False, False),  # groups of panels
        ("avx2", 512, 512, 512, False, True),
        ("avx2", 512, 512, 512, True, True),
    ],
)
def test_b_is_asked_for_ahead_where_it_comes_from_the_second_cache(
    name: str, m: int, k: int, n: int, transposed: bool, streams: bool
) -> None:
    kernel, target = product_kernel(m, k, n, transposed), named(name)
    (contract,) = kernel.body
    assert isinstance(contract, Contract)
    chosen = choose.plan(contract.spec, target)
    assert chosen.streams == streams
    asked = native_text(kernel, target).count('call void @"llvm.prefetch.p0"')
    assert asked >= chosen.nv if streams else transposed or asked == 0 or chosen.pack_b


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("m", "k", "n"), [(65, 70, 128), (33, 300, 384), (7, 40, 64), (64, 64, 80), (50, 784, 140)])
def test_tiles_are_finished_from_registers_and_from_scratch(
    m: int, k: int, n: int, transposed: bool, kept: bool
) -> None:
    kernel = schedule(product_kernel(m, k, n, transposed, kept), host())
    rng = np.random.default_rng(m)
    a, b, y = (rng.integers(-4, 5, shape).astype(np.float32) for shape in ((m, k), (k, n), (m, n)))
    arrays = {"a": (a.T if transposed else a).ravel().copy(), "b": b.ravel(), "y": y.ravel().copy()}
    run_native(kernel, arrays, host(), {}, [(task, task + 1) for task in reversed(range(kernel.tasks))])
    np.testing.assert_array_equal(arrays["y"].reshape(m, n), a @ b + (y if kept else 0))  # whole numbers: exact


def test_stores_of_a_tile_from_registers_are_all_there_are() -> None:
    target = named("avx512")
    (contract,) = product_kernel(66, 64, 128).body
    chosen = choose.plan(contract.spec, target)  # type: ignore[union-attr]
    stores = native_text(product_kernel(66, 64, 128), target).count("store <16 x float>")
    assert stores == chosen.mr * chosen.nv  # no sum is spilled, and no loop finishes it
    assert native_text(product_kernel(66, 64, 128, kept=True), target).count("store <16 x float>") == stores + 1


@pytest.mark.parametrize(("rows", "tile"), [(1, (1, 8)), (2, (2, 8)), (4, (4, 4)), (8, (8, 2)), (16, (8, 2))])
def test_few_rows_have_wide_tiles(rows: int, tile: tuple[int, int]) -> None:
    """B is read once, from the second cache: fewer rows than hide that latency take more columns instead."""
    chosen = choose.plan(product(rows, 256, 256), named("avx512"))
    assert (chosen.mr, chosen.nv) == tile


def test_tasks_are_few_enough_to_read_rows_seldom() -> None:
    """Tasks that share rows each read all of A; two panels or more in each halve that."""
    for size in (384, 512, 768, 1024):
        chosen = choose.plan(replace(product(size, size, size), fed_b=True), named("avx512"))
        assert chosen.panels >= 2 and chosen.group >= 2 and chosen.tasks in (3, 4)


def test_a_group_of_panels_leaves_room_for_a_copy_of_rows() -> None:
    target = named("avx512")
    for transposed in (False, True):
        (contract,) = product_kernel(512, 512, 512, transposed).body
        chosen = choose.plan(contract.spec, target)  # type: ignore[union-attr]
        copied = chosen.group * int(chosen.panel_elements) * 4
        assert copied <= target.l2 * (3 if transposed else 6) // 8


@pytest.mark.parametrize(("k", "together"), [(64, 2), (63, 1)])
@pytest.mark.parametrize("name", ["avx2", "avx512"])
def test_two_steps_of_k_are_written_together_where_that_divides_them(name: str, k: int, together: int) -> None:
    kernel, target = product_kernel(66, k, 128), named(name)
    (contract,) = kernel.body
    chosen = choose.plan(contract.spec, target)  # type: ignore[union-attr]
    products = native_text(kernel, target).count('@"llvm.fma.') - 1  # without the declaration
    assert chosen.together == 2 and products == together * chosen.mr * chosen.nv


@pytest.mark.parametrize("name", ["sse2", "avx2", "avx512", "neon"])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_multiply_adds_of_some_rows_read_a_themselves(name: str, dtype: str) -> None:
    """Each vector of such a row is a load of its own, where an instruction can take it so."""
    target = named(name)
    kernel = product_kernel(66, 64, 128, dtype=dtype)
    (contract,) = kernel.body
    chosen = choose.plan(contract.spec, target)  # type: ignore[union-attr]
    assert (chosen.direct > 0) == (name == "avx512")
    apart = native_text(kernel, target).count(f"load {ELEMENTS[dtype]}, ptr addrspace(")
    assert apart == chosen.together * chosen.direct * (chosen.nv - 1)


@pytest.mark.parametrize(
    ("starts", "mr", "nv", "direct"),
    [(4, 9, 3, 4), (4, 6, 4, 2), (4, 14, 2, 6), (4, 8, 1, 0), (4, 1, 8, 0), (6, 9, 3, 0), (6, 6, 4, 0), (6, 14, 2, 1)],
)
def test_direct_rows_leave_loads_to_spare(starts: int, mr: int, nv: int, direct: int) -> None:
    """And cores that start six instructions a cycle wait for the multiply-adds anyway."""
    tile = Tile(mr, nv, 16, direct_rows(mr, nv, starts))
    assert tile.direct == direct == sum(tile.is_direct(row) for row in range(mr))


def wide() -> Target:
    """A processor that starts six instructions a cycle, with the caches of its time."""
    return replace(named("avx512"), starts=6, l1=48 * 1024, l2=2048 * 1024, l3=32 * 1024 * 1024)


def chosen_for(kernel: Kernel, target: Target) -> choose.Plan:
    (contract,) = kernel.body
    assert isinstance(contract, Contract)
    return choose.plan(contract.spec, target)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_rows_of_the_next_tile_are_asked_for_where_they_come_from_afar(dtype: str, transposed: bool) -> None:
    """Every line of them once, in the one loop over K: as many elements as this tile reads."""
    for size, follows in ((1024, True), (256, False)):
        kernel = product_kernel(size, size, size, transposed, dtype=dtype)
        chosen = chosen_for(kernel, wide())
        assert chosen.follows == follows
        asked = native_text(kernel, wide()).count('call void @"llvm.prefetch.p0"')
        without = replace(chosen, follows=False)
        lines = -(-chosen.together * chosen.mr * (4 if dtype == "f32" else 8) // 64)
        assert asked - prefetches_without(kernel, chosen, without) == (lines if follows else 0)


def prefetches_without(kernel: Kernel, chosen: choose.Plan, other: choose.Plan) -> int:
    """Those of the kernel planned the other way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contraction, "way", lambda spec, target: other)
        return native_text(kernel, wide()).count('call void @"llvm.prefetch.p0"')


@pytest.mark.parametrize("n, blocks", [(1024, 8), (256, 1)])
def test_few_rows_meet_a_large_matrix_in_place_part_by_part(n: int, blocks: int) -> None:
    """Of rows 4 KiB apart the second cache keeps some hundreds, and a copy would be read but a few times."""
    chosen = chosen_for(product_kernel(32, 1024, n), wide())
    assert not chosen.pack_b and chosen.k_blocks == blocks
    assert chosen_for(product_kernel(65, 1024, 1024), wide()).pack_b


@pytest.mark.parametrize(
    ("m", "n", "starts", "copied"), [(784, 256, 6, False), (784, 256, 4, True), (1024, 256, 6, True)]
)
def test_wide_cores_read_an_a_along_its_rows_in_place(m: int, n: int, starts: int, copied: bool) -> None:
    """Up to half of the second cache, where its rows are not whole pages."""
    chosen = chosen_for(product_kernel(m, 256, n, transposed=True), replace(wide(), starts=starts))
    assert chosen.pack_a == ("columns" if copied else "")


def test_rows_in_one_set_of_the_first_cache_leave_lines_to_others() -> None:
    assert chosen_for(product_kernel(32, 1024, 1024), wide()).mr == 8  # of twelve lines
    assert chosen_for(product_kernel(32, 1024, 1024), replace(wide(), l1=32 * 1024)).mr == 6  # of eight


@pytest.mark.parametrize("m, copied", [(64, False), (256, True)])
def test_wide_cores_load_across_lines_where_few_rows_would_use_a_copy(m: int, copied: bool) -> None:
    kernel = product_kernel(m, 784, 128)
    (contract,) = kernel.body
    assert isinstance(contract, Contract)
    spec = replace(contract.spec, fed_b=True)
    assert choose.plan(spec, wide()).pack_b == copied
    assert choose.plan(spec, replace(wide(), starts=4)).pack_b


def test_tasks_share_rows_as_long_as_each_has_a_group_of_panels() -> None:
    """So that B is copied once: the rows come once for every group anyway."""
    chosen = chosen_for(product_kernel(2048, 1024, 1024), wide())
    assert chosen.row_chunks == 1 and chosen.panels >= chosen.group == 2


def test_tiles_that_fill_the_registers_take_one_step_at_a_time() -> None:
    shape = choose.shape_of(product(64, 64, 64))
    for mr, nv, together in ((6, 4, 2), (14, 2, 1), (9, 3, 1)):
        forced = replace(choose.tile_plan(shape, named("avx512"), "", False), mr=mr, nv=nv)
        assert with_tasks(forced, named("avx512")).together == together


@pytest.mark.parametrize("places, k_blocks", [(640, 3), (300, 1)])
def test_long_sums_with_lines_of_neighbours_are_cut_so_that_panels_stay_in_the_first_cache(
    places: int, k_blocks: int
) -> None:
    """The adjoint of a filter 1 x 1 with channels last: C[c, f] = sum over places p of X[p, c] * G[p, f]."""
    spec = Contraction("f32", (), (Axis(192, a=1),), (Axis(32, b=1),), (Axis(places, 192, 32),), fed_b=True)
    assert choose.plan(spec, named("avx512")).k_blocks == k_blocks


@pytest.mark.parametrize("side, is_cut", [(14, False), (28, True)])
@pytest.mark.parametrize("l2", [1 << 20, 1 << 21])
def test_sums_over_places_for_a_window_are_cut_whatever_the_second_cache_holds(
    side: int, is_cut: bool, l2: int
) -> None:
    """The adjoint of a filter: C[i, j, c, f] = sum over p, q of X[p + i, q + j, c] * G[p, q, f]."""
    width = side + 2
    rows = (Axis(3, width * 128), Axis(3, 128), Axis(128, 1))
    inner = (Axis(side, width * 128, side * 64), Axis(side, 128, 64))
    spec = Contraction("f32", (), rows, (Axis(64, b=1),), inner)
    assert (choose.plan(spec, replace(named("avx512"), l2=l2)).k_blocks != 1) == is_cut


def adjoint_of_points(places: int, channels: int, filters: int) -> Kernel:
    """That of a filter 1 x 1 with channels last: C[c, f] = sum over places p of X[p, c] * G[p, f]."""
    return product_kernel(channels, places, filters, transposed=True)


@pytest.mark.parametrize(
    ("channels", "filters", "places", "swapped"),
    [
        (256, 64, 6272, False),
        (64, 16, 12544, False),
        (64, 256, 6272, True),  # Of the wider operand, a part of K stays in the second cache; the other is copied.
        (576, 96, 784, False),
    ],
)
def test_long_sums_of_what_is_far_ask_for_the_next_part(
    channels: int, filters: int, places: int, swapped: bool
) -> None:
    """One line for each step of K, as far on as the part is long."""
    kernel = adjoint_of_points(places, channels, filters)
    chosen = chosen_for(kernel, wide())
    assert chosen.shape.swapped == swapped and chosen.parts_follow and chosen.pack_b and not chosen.pack_a
    assert chosen.k_blocks == -(-places // chosen.k_block) and chosen.k_block <= 128
    asked = native_text(kernel, wide()).count('call void @"llvm.prefetch.p0"')
    assert asked - prefetches_without(kernel, chosen, replace(chosen, parts_follow=False)) == chosen.together


@pytest.mark.parametrize(
    ("channels", "filters", "places"),
    [
        (256, 64, 784),  # stays in the second cache
        (32, 16, 32768),  # a copy would be read twice
        (1024, 1024, 1024),  # sums that wait would leave the second cache
    ],
)
def test_other_sums_of_outer_products_do_not(channels: int, filters: int, places: int) -> None:
    assert not chosen_for(adjoint_of_points(places, channels, filters), wide()).parts_follow


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adjoints_of_points_from_afar(dtype: type) -> None:
    """On whatever processor this is: places that parts do not divide, rows that tiles do not, and any two threads."""
    places, channels, filters = 6151, 150, 41
    rng = np.random.default_rng(3)
    x, g = (rng.integers(-3, 4, (places, size)).astype(dtype) for size in (channels, filters))  # Their sums are exact.
    made = []
    for threads in (1, 2, 3):
        with tf.Graph().as_default():
            a, b = tf.placeholder(dtype, x.shape), tf.placeholder(dtype, g.shape)
            product = tf.matmul(a, b, transpose_a=True)
            with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads)) as session:
                made.append(session.run(product, {a: x, b: g}))
    assert all(np.array_equal(one, x.T @ g) for one in made)


def test_few_rows_read_a_large_matrix_from_end_to_end() -> None:
    """A thread's tasks are done as one, whatever their number: of every row of B all columns before the next."""
    for rows, part in ((1, 8), (2, 8), (3, 64), (8, 64)):
        chosen = chosen_for(product_kernel(rows, 1024, 2048), replace(wide(), cores=2))
        assert chosen.joins and chosen.tasks == 2 and 0 <= 2 * chosen.panels - chosen.run_panels <= 1
        assert chosen.k_block == part and chosen.k_blocks == 1024 // part
    assert chosen_for(product_kernel(1, 1024, 2048), replace(wide(), cores=8)).tasks == 8
    assert not chosen_for(product_kernel(12, 1024, 2048), wide()).joins
    assert not chosen_for(product_kernel(1, 784, 128), wide()).joins  # which stays in the second cache


@pytest.mark.parametrize("sizes", [(1, 1021, 1003), (2, 1024, 1536), (1, 90, 9000), (7, 1021, 1003)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_few_rows_by_a_large_matrix(sizes: tuple[int, int, int], dtype: type) -> None:
    """On whatever processor this is: parts that do not divide K, panels that do not divide columns, several threads."""
    rows, inner, columns = sizes
    rng = np.random.default_rng(3)
    x, w, bias = (rng.standard_normal(shape).astype(dtype) for shape in ((rows, inner), (inner, columns), (columns,)))
    made = []
    for threads in (1, 2, 3):
        with tf.Graph().as_default():
            a, b = tf.placeholder(dtype, x.shape), tf.placeholder(dtype, w.shape)
            layer = tf.nn.relu(tf.matmul(a, b) + bias)
            with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads)) as session:
                made.append(session.run(layer, {a: x, b: w}))
    exact = np.maximum(x.astype(np.float64) @ w.astype(np.float64) + bias, 0)
    bound = inner * np.finfo(dtype).eps * (np.abs(x).astype(np.float64) @ np.abs(w) + np.abs(bias))
    assert (np.abs(made[0] - exact) <= bound).all()
    assert all(np.array_equal(one, made[0]) for one in made)
