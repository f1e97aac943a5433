"""Contractions against NumPy in float64 (integers exactly): every layout, odd sizes, symbols, tasks in any order."""

import ctypes
import functools
import itertools

import numpy as np
import pytest
from llvmlite import binding

from graphc.codegen import choose, ir
from graphc.codegen.kernels.affine import shape_of
from graphc.codegen.kernels.building import ELEMENTS
from graphc.codegen.kernels.contraction import Axis, Contraction, emit_contraction, scratch_bytes, tasks
from graphc.codegen.target import host, named, target_machine
from graphc.dims import Symbol, evaluate, row_major_strides, symbol
from graphc.records import replace

POINTER, I32, I64 = ir.PointerType(), ir.IntType(32), ir.IntType(64)
NUMPY = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64}
CANARY = 77  # What C holds where nothing is written, and beyond its end.


# Building and running one contraction whose epilogue adds the sum to C, so that a second call would show.


def _size(names, dims):
    def size(builder, dim):
        total = ir.Constant(I64, 0)
        for monomial, factor in ({(): dim} if isinstance(dim, int) else dim.terms).items():
            term = ir.Constant(I64, factor)
            for atom in monomial:
                if isinstance(atom, Symbol):
                    place = builder.gep(dims, [ir.Constant(I64, names.index(atom.name))], source_etype=I64)
                    term = builder.mul(term, builder.load(place, typ=I64))
                else:
                    whole, part = size(builder, atom.numerator), size(builder, atom.denominator)
                    term = builder.mul(term, builder.sdiv(whole, part))
            total = builder.add(total, term)
        return total

    return size


def _add_to(c, strides, size, dtype):
    """An epilogue: C[coordinates] += value."""
    align = ir.Constant(I32, int(dtype[1:]) // 8)

    def epilogue(builder, coordinates, value, mask):
        offset = ir.Constant(I64, 0)
        for coordinate, stride in zip(coordinates, strides, strict=True):
            offset = builder.add(offset, builder.mul(coordinate, size(builder, stride)))
        place = builder.gep(c, [offset], source_etype=ELEMENTS[dtype])
        add = builder.fadd if dtype[0] == "f" else builder.add
        if mask is None:
            builder.store(add(builder.load(place, typ=value.type, align=align.constant), value), place, align.constant)
            return
        suffix = f"v{value.type.count}{dtype}.p0"
        load = _intrinsic(builder, f"llvm.masked.load.{suffix}", value.type, [POINTER, I32, mask.type, value.type])
        store = _intrinsic(builder, f"llvm.masked.store.{suffix}", ir.VoidType(), [value.type, POINTER, I32, mask.type])
        old = builder.call(load, [place, align, mask, ir.Constant(value.type, None)])
        builder.call(store, [add(old, value), place, align, mask])

    return epilogue


def _intrinsic(builder, name, result, arguments):
    return builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(result, arguments), name)


@functools.cache
def _module(spec, target, names=()):
    module = ir.Module("contraction")
    module.triple = target.triple
    kind = ir.FunctionType(ir.VoidType(), [POINTER] * 5 + [I64, I64])
    function = ir.Function(module, kind, "kernel")
    a, b, c, dims, scratch, begin, end = function.args
    builder = ir.IRBuilder(function.append_basic_block())
    size = _size(names, dims)
    strides = row_major_strides([axis.extent for axis in spec.output])
    emit_contraction(builder, spec, target, a, b, _add_to(c, strides, size, spec.dtype), begin, end, scratch, size)
    builder.ret_void()
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    return parsed


@functools.cache
def _compiled(spec, target, names=()):
    engine = binding.create_mcjit_compiler(_module(spec, target, names), target_machine(target, jit=True))
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5, ctypes.c_int64, ctypes.c_int64)
    return engine, kind(engine.get_function_address("kernel"))


def _aligned(count):
    """Memory filled with NaN patterns, at a multiple of 64 bytes."""
    raw = np.full(count + 64, 0xFF, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + count]


def _run(spec, a, b, target=None, values=None, order=None):
    """C as the kernel computes it from zeros, its tasks split at the points of ``order``."""
    target, values = target or host(), values or {}
    _, kernel = _compiled(spec, target, tuple(values))
    sizes = [evaluate(axis.extent, values) for axis in spec.output]
    c = np.full(int(np.prod(sizes)) + 64, CANARY, NUMPY[spec.dtype])
    c[: int(np.prod(sizes))] = 0
    dims = np.array([*values.values(), 0], np.int64)
    scratch = _aligned(evaluate(scratch_bytes(spec, target), values))
    total = evaluate(tasks(spec, target), values)
    for begin, end in order(total) if order else [(0, total)]:
        kernel(a.ctypes.data, b.ctypes.data, c.ctypes.data, dims.ctypes.data, scratch.ctypes.data, begin, end)
    assert (c[int(np.prod(sizes)) :] == CANARY).all()
    return c[: int(np.prod(sizes))].reshape(sizes)


def _expected(spec, a, b, values=None):
    """The same by NumPy: views of A and B over all axes, summed in float64 or int64."""
    values = values or {}
    wide = np.float64 if spec.dtype[0] == "f" else np.int64
    views = []
    for array, offset, side in ((a, spec.a_offset, "a"), (b, spec.b_offset, "b")):
        index = np.full((), evaluate(offset, values), np.int64)
        for axis in spec.output + spec.inner:
            index = index[..., None] + np.arange(evaluate(axis.extent, values)) * evaluate(getattr(axis, side), values)
        views.append(array.reshape(-1)[index] if index.size else np.zeros(index.shape, array.dtype))
    count = len(spec.output)
    return np.sum(views[0].astype(wide) * views[1].astype(wide), axis=tuple(range(count, count + len(spec.inner))))


def _random(dtype, count, seed):
    generator = np.random.default_rng(seed)
    if dtype[0] == "i":
        return generator.integers(-1000, 1000, max(count, 1)).astype(NUMPY[dtype])
    return generator.standard_normal(max(count, 1)).astype(NUMPY[dtype])


def _check(spec, a_count, b_count, target=None, values=None):
    a, b = _random(spec.dtype, a_count, 1), _random(spec.dtype, b_count, 2)
    got, wanted = _run(spec, a, b, target, values), _expected(spec, a, b, values)
    if spec.dtype[0] == "i":
        np.testing.assert_array_equal(got, wanted.astype(NUMPY[spec.dtype]))
        return
    # Each product and addition rounds once: the error of a sum of k terms is at most about k eps sum |a b|.
    k = max(1, int(np.prod([evaluate(axis.extent, values or {}) for axis in spec.inner])))
    bound = (k + 1) * np.finfo(NUMPY[spec.dtype]).eps * _expected(spec, np.abs(a), np.abs(b), values)
    assert (np.abs(got - wanted) <= bound).all()


def _matmul(dtype, m, k, n, a_transposed=False, b_transposed=False):
    a_row, a_inner = (1, m) if a_transposed else (k, 1)
    b_inner, b_col = (1, k) if b_transposed else (n, 1)
    return Contraction(dtype, (), (Axis(m, a=a_row),), (Axis(n, b=b_col),), (Axis(k, a=a_inner, b=b_inner),))


LAYOUTS = list(itertools.product([False, True], [False, True]))
SIZES = [
    (1, 1, 1),
    (3, 5, 2),
    (7, 1, 9),
    (1, 37, 21),
    (37, 21, 1),
    (5, 4, 16),
    (33, 17, 40),
    (64, 784, 10),
    (65, 31, 130),
    (14, 300, 33),
    (100, 3, 100),
    (2, 1000, 3),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES)
def test_matrix_products(size, layout):
    m, k, n = size
    _check(_matmul("f32", m, k, n, *layout), m * k, k * n)


@pytest.mark.parametrize("dtype", ["f64", "i32", "i64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_element_types(dtype, layout):
    _check(_matmul(dtype, 19, 23, 37, *layout), 19 * 23, 23 * 37)


@pytest.mark.parametrize("name", ["sse2", "avx2", "avx512"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(3, 5, 2), (17, 9, 23), (1, 19, 6), (40, 33, 1)])
def test_other_vector_widths(name, layout, size):
    if named(name).vector_bytes > host().vector_bytes:
        pytest.skip(f"this machine has no {name}")
    m, k, n = size
    _check(_matmul("f32", m, k, n, *layout), m * k, k * n, named(name))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_aarch64_object_is_emitted(layout):
    target = named("neon")
    module = _module(_matmul("f32", 33, 17, 40, *layout), target)
    assert target_machine(target).emit_object(module)[:4] == b"\x7fELF"
    assert "fmla" in target_machine(target).emit_assembly(module)


@pytest.mark.parametrize("empty", ["m", "k", "n"])
def test_empty_extents(empty):
    size = {"m": 5, "k": 7, "n": 9} | {empty: 0}
    spec = _matmul("f32", **size)
    got = _run(spec, _random("f32", 63, 1), _random("f32", 63, 2))
    np.testing.assert_array_equal(got, np.zeros((size["m"], size["n"]), np.float32))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_batches_and_broadcast_batches(layout):
    inner = _matmul("f32", 5, 6, 20, *layout)
    for batch in [(Axis(3, 30, 120),), (Axis(3, 0, 120),), (Axis(2, 90, 0), Axis(3, 30, 0))]:
        spec = Contraction("f32", batch, inner.rows, inner.cols, inner.inner)
        _check(spec, 6 * 30, 3 * 120)


SYMBOLS = [
    ("m", lambda x: (x, 20, 33)),
    ("k", lambda x: (9, x, 33)),
    ("n", lambda x: (9, 20, x)),
    ("all", lambda x: (x, x + 1, x * 2)),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("which, sizes", SYMBOLS, ids=[name for name, _ in SYMBOLS])
def test_symbolic_sizes(which, sizes, layout):
    spec = _matmul("f32", *sizes(symbol("x")), *layout)
    for value in (1, 2, 7, 19, 64, 131, 0):
        m, k, n = sizes(value)
        _check(spec, m * k, k * n, values={"x": value})


def test_symbolic_batch():
    inner, count = _matmul("f32", 5, 6, 20), symbol("count")
    spec = Contraction("f32", (Axis(count, 30, 0),), inner.rows, inner.cols, inner.inner)
    for value in (1, 4, 0):
        _check(spec, 30 * value, 120, values={"count": value})


# Convolutions over padded inputs: x [b, h, w, c], filters [kh, kw, c, o], y [b, oh, ow, o].


def _convolution(b, h, w, c, kh, kw, o, stride=1):
    oh, ow = (h - kh) // stride + 1, (w - kw) // stride + 1
    rows = (Axis(b, a=h * w * c), Axis(oh, a=stride * w * c), Axis(ow, a=stride * c))
    inner = (Axis(kh, w * c, kw * c * o), Axis(kw, c, c * o), Axis(c, 1, o))
    return Contraction("f32", (), rows, (Axis(o, b=1),), inner)


def _filter_gradient(b, h, w, c, kh, kw, o, stride=1):
    oh, ow = (h - kh) // stride + 1, (w - kw) // stride + 1
    rows = (Axis(kh, a=w * c), Axis(kw, a=c), Axis(c, a=1))
    inner = (Axis(b, h * w * c, oh * ow * o), Axis(oh, stride * w * c, ow * o), Axis(ow, stride * c, o))
    return Contraction("f32", (), rows, (Axis(o, b=1),), inner)


def _input_gradient(b, h, w, c, kh, kw, o):
    """dx[b, y, x, c] = sum over i, j, o of dy_padded[b, y + i, x + j, o] * f[kh - 1 - i, kw - 1 - j, c, o]."""
    ph, pw = h + kh - 1, w + kw - 1
    rows = (Axis(b, a=ph * pw * o), Axis(h, a=pw * o), Axis(w, a=o))
    inner = (Axis(kh, pw * o, -kw * c * o), Axis(kw, o, -c * o), Axis(o, 1, 1))
    return Contraction("f32", (), rows, (Axis(c, b=o),), inner, b_offset=((kh - 1) * kw + kw - 1) * c * o)


CONVOLUTIONS = [(2, 9, 7, 3, 3, 3, 8), (1, 12, 12, 1, 5, 5, 6), (3, 6, 5, 17, 3, 2, 33), (2, 4, 4, 5, 1, 1, 7)]


@pytest.mark.parametrize("sizes", CONVOLUTIONS)
def test_convolutions(sizes):
    b, h, w, c, kh, kw, o = sizes
    _check(_convolution(*sizes), b * h * w * c, kh * kw * c * o)
    _check(_convolution(*sizes, stride=2), b * h * w * c, kh * kw * c * o)


@pytest.mark.parametrize("sizes", CONVOLUTIONS)
def test_gradients_of_convolutions(sizes):
    b, h, w, c, kh, kw, o = sizes
    _check(_filter_gradient(*sizes), b * h * w * c, b * h * w * o)
    _check(_filter_gradient(*sizes, stride=2), b * h * w * c, b * h * w * o)
    _check(_input_gradient(*sizes), b * (h + kh - 1) * (w + kw - 1) * o, kh * kw * c * o)


def test_convolution_of_a_symbolic_batch():
    spec = _convolution(symbol("b"), 8, 6, 3, 3, 3, 10)
    gradient = _filter_gradient(symbol("b"), 8, 6, 3, 3, 3, 10)
    for value in (1, 5):
        _check(spec, value * 8 * 6 * 3, 270, values={"b": value})
        _check(gradient, value * 8 * 6 * 3, value * 6 * 4 * 10, values={"b": value})


def test_columns_of_several_axes():
    """B [k, 3, 5] read as columns (5, 3): vectors run along the last axis only."""
    spec = Contraction("f32", (), (Axis(4, a=6),), (Axis(5, b=1), Axis(3, b=5)), (Axis(6, 1, 15),))
    _check(spec, 24, 90)


def test_operands_may_run_backwards():
    spec = Contraction("f32", (), (Axis(9, a=-7),), (Axis(20, b=-1),), (Axis(7, -1, -20),), a_offset=62, b_offset=139)
    _check(spec, 63, 140)


# Every way of copying, whatever would be chosen.


@pytest.fixture
def forced(monkeypatch):
    """Makes every contraction use the given copies and blocks of K."""

    def force(pack_a, pack_b, k_block=None, a_tiles=None):
        def plan(spec, target):
            chosen = choose.tile_plan(shape_of(spec), target, pack_a, pack_b)
            if k_block and chosen.shape.inner:
                chosen = replace(chosen, k_level=len(chosen.shape.inner) - 1, k_block=k_block)
            return replace(chosen, a_tiles=a_tiles or chosen.a_tiles, row_tiles=3, panels=2)

        monkeypatch.setattr(choose, "plan", plan)

    _module.cache_clear()
    _compiled.cache_clear()
    yield force
    _module.cache_clear()
    _compiled.cache_clear()


COPIES = [("", True, None, None), ("rows", True, None, None), ("rows", True, 5, 1), ("rows", False, None, 2)]
COLUMNS = [("columns", True, None, None), ("columns", True, 4, 2), ("columns", False, None, None)]


@pytest.mark.parametrize("copies", COPIES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_copies_of_matrices(forced, copies, layout):
    if layout[1] and not copies[1]:
        pytest.skip("columns of B that are apart are always copied")
    forced(*copies)
    for m, k, n in [(33, 17, 40), (3, 9, 50), (70, 11, 5)]:
        _check(_matmul("f32", m, k, n, *layout), m * k, k * n)
    _check(_matmul("f64", 33, 17, 40, *layout), 33 * 17, 17 * 40, named("sse2"))


@pytest.mark.parametrize("copies", COLUMNS, ids=str)
@pytest.mark.parametrize("b_transposed", [False, True])
def test_copies_by_columns(forced, copies, b_transposed):
    forced(*copies)
    for m, k, n in [(33, 17, 40), (3, 9, 50), (70, 11, 5)]:
        _check(_matmul("f32", m, k, n, True, b_transposed), m * k, k * n)


@pytest.mark.parametrize("copies", COPIES[:3], ids=str)
def test_copies_of_convolutions(forced, copies):
    forced(*copies)
    sizes = b, h, w, c, kh, kw, o = (2, 9, 7, 5, 3, 2, 8)
    _check(_convolution(*sizes), b * h * w * c, kh * kw * c * o)
    _check(_filter_gradient(*sizes), b * h * w * c, b * h * w * o)
    _check(_input_gradient(*sizes), b * (h + kh - 1) * (w + kw - 1) * o, kh * kw * c * o)


@pytest.mark.parametrize("copies", COPIES[:3] + COLUMNS[:2], ids=str)
def test_copies_of_symbolic_sizes(forced, copies):
    forced(*copies)
    x = symbol("x")
    for spec in (_matmul("f32", x, 20, 33, True), _matmul("f32", 9, x, 33, True), _matmul("f32", x, x, x, True)):
        for value in (1, 19, 50, 0):
            m, k, n = (evaluate(a.extent, {"x": value}) for a in (*spec.rows, *spec.inner, *spec.cols))
            _check(spec, m * k, k * n, values={"x": value})


# Tasks.


def _one_by_one(total):
    return [(i, i + 1) for i in range(total)]


def _backwards_in_threes(total):
    return [(i, min(i + 3, total)) for i in reversed(range(0, total, 3))]


@pytest.mark.parametrize(
    "spec, counts",
    [
        (_matmul("f32", 150, 70, 260), (150 * 70, 70 * 260)),
        (_matmul("f32", 150, 70, 260, True, True), (150 * 70, 70 * 260)),
        (_convolution(4, 14, 14, 16, 3, 3, 40), (4 * 14 * 14 * 16, 9 * 16 * 40)),
        (_matmul("f32", 400, 300, 1), (120000, 300)),
    ],
)
def test_bits_do_not_depend_on_how_tasks_are_split(spec, counts):
    a, b = _random("f32", counts[0], 1), _random("f32", counts[1], 2)
    whole = _run(spec, a, b)
    for order in (_one_by_one, _backwards_in_threes):
        np.testing.assert_array_equal(_run(spec, a, b, order=order), whole)


def test_unknown_element_type_is_refused():
    with pytest.raises(ValueError) as error:
        _matmul("bool", 2, 3, 4)
    assert str(error.value) == "a contraction has no elements of type bool"


def test_rows_must_not_move_in_b():
    with pytest.raises(ValueError) as error:
        Contraction("f32", (), (Axis(2, 1, 1),), (), ())
    assert str(error.value) == "rows of a contraction have stride 0 in B, and cols stride 0 in A"


# Choices.


@pytest.mark.parametrize("layout", LAYOUTS)
def test_small_caches_make_small_products_take_the_way_of_large_ones(layout):
    target = replace(host(), l1=512, l2=8 * 1024, l3=32 * 1024)
    spec = _matmul("f32", 70, 90, 130, *layout)
    assert choose.plan(spec, target).pack_b and choose.plan(spec, target).k_blocks > 1
    _check(spec, 70 * 90, 90 * 130, target)
    symbolic = _matmul("f32", symbol("x"), 90, 130, *layout)
    for value in (1, 5, 70):
        _check(symbolic, value * 90, 90 * 130, target, {"x": value})
    sizes = b, h, w, c, kh, kw, o = (2, 9, 7, 17, 3, 2, 24)
    _check(_convolution(*sizes), b * h * w * c, kh * kw * c * o, target)
    _check(_filter_gradient(*sizes), b * h * w * c, b * h * w * o, target)
    _check(_filter_gradient(symbol("x"), *sizes[1:]), b * h * w * c, b * h * w * o, target, {"x": b})
    _check(_input_gradient(*sizes), b * (h + kh - 1) * (w + kw - 1) * o, kh * kw * c * o, target)


def _printed(spec, name="avx512"):
    return str(choose.plan(spec, named(name)))


def test_plans_say_what_and_why():
    assert _printed(_matmul("f32", 64, 784, 128)) == "tile 64 x 784 x 128: 6 x 4 x 16; operands read in place"
    assert _printed(_matmul("f32", 64, 784, 128), "avx2") == (
        "tile 64 x 784 x 128: 6 x 2 x 8; B is copied: it is large, or its rows lie badly"
    )
    assert _printed(_matmul("f32", 9, 40, 33, False, True)) == (
        "tile 9 x 40 x 33: 9 x 3 x 16; B is copied: its columns are apart"
    )
    assert _printed(_matmul("f32", 1, 784, 128, False, True)) == (
        "dot 1 x 784 x 128: 1 x 1 x 8; both operands run along K"
    )
    assert _printed(_matmul("f32", 784, 64, 1, True)) == (
        "tile 1 x 64 x 784: 1 x 7 x 16; one column: vectors run along the rows"
    )


def test_the_window_of_few_channels_is_one_tile():
    spec = _filter_gradient(4, 12, 12, 3, 3, 3, 16)
    assert _printed(spec) == "tile 27 x 400 x 16: 27 x 1 x 16; operands read in place"
    _check(spec, 4 * 12 * 12 * 3, 4 * 100 * 16)
    assert not choose.plan(_filter_gradient(32, 32, 32, 3, 3, 3, 16), named("avx512")).pack_b  # met once, if large


def test_tiles_fit_the_registers_of_every_target():
    for name, m, n in itertools.product(("sse2", "avx2", "avx512", "neon"), (1, 5, 64, 300), (1, 10, 128, 300)):
        chosen, target = choose.plan(_matmul("f32", m, 50, n), named(name)), named(name)
        assert chosen.mr * chosen.nv + chosen.nv + 1 <= target.vector_registers or chosen.form == "dot"
        assert chosen.lanes <= target.lanes("f32")


def test_large_products_have_tasks_for_threads_and_small_ones_do_not():
    target = named("avx512")
    assert tasks(_matmul("f32", 8, 8, 8), target) == 1
    assert 4 <= tasks(_matmul("f32", 1024, 1024, 1024), target) <= 64
    assert evaluate(tasks(_matmul("f32", symbol("b"), 784, 512), target), {"b": 4096}) >= 16


@pytest.mark.parametrize("layout", LAYOUTS)
def test_groups_of_panels_are_copied_one_after_the_other(layout):
    width = host().vector_bytes
    small = replace(host(), l1=64 * width, l2=1024 * width)  # Several groups even of this little.
    m, k, n = 528, 37, 44 * small.lanes("f32") + 3
    plain = _matmul("f32", m, k, n, *layout)
    spec = replace(plain, batch=(Axis(8, a=m * k, b=k * n),))
    chosen = choose.plan(spec, small)
    assert chosen.pack_b and 1 < chosen.b_panels < chosen.panels
    assert (chosen.pack_a == "columns") == layout[0]
    a, b = _random("f32", 8 * m * k, 1), _random("f32", 8 * k * n, 2)
    got = _run(spec, a, b, small)
    left, right = a.reshape((8, k, m) if layout[0] else (8, m, k)), b.reshape((8, n, k) if layout[1] else (8, k, n))
    left, right = left.transpose(0, 2, 1) if layout[0] else left, right.transpose(0, 2, 1) if layout[1] else right
    np.testing.assert_allclose(got, left.astype(np.float64) @ right, rtol=0, atol=1e-4)


@pytest.mark.parametrize("rows, form", [(100, "dot"), (25088, "tile")])
def test_a_copy_that_leaves_lanes_empty_serves_many_rows(rows, form):
    assert choose.plan(_matmul("f32", rows, 144, 24, False, True), named("avx512")).form == form


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("columns", range(1, 13))
def test_dot_products_by_tiles_of_any_width(columns, dtype):
    rows = (Axis(2, a=8 * 301), Axis(7, a=301))  # Apart, so that they stay rows.
    spec = replace(_matmul(dtype, 7, 301, columns, False, True), rows=rows)
    assert choose.plan(spec, host()).form == "dot"
    _check(spec, 15 * 301, 301 * columns)
