"""Random numbers: NumPy's against TensorFlow's and published values, and native ones against NumPy's."""

from __future__ import annotations

import ctypes
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from graphc import philox as meaning
from graphc.codegen import ir, jit, philox
from graphc.codegen.target import Target, host, named
from tests.codegen.native_lanes import NUMPY, Compiled, Function, undefined_symbols

SEEDS = (87654321, 12345)
TARGETS = [host(), named("sse2")] if host().triple.startswith("x86_64") else [host()]

# What TensorFlow's CPU kernels give for seeds 87654321 and 12345, in the first and in the second run of the op.
TENSORFLOW: list[tuple[str, str, list[list[float]]]] = [
    (
        "uniform",
        "f32",
        [
            [0.6743394136428833, 0.23592019081115723, 0.8220641613006592, 0.46504127979278564, 0.09273302555084229,
             0.33845949172973633, 0.3656836748123169, 0.5716371536254883, 0.054406046867370605, 0.15321052074432373],
            [0.9304081201553345, 0.6085426807403564, 0.8352551460266113, 0.3429023027420044, 0.32235896587371826,
             0.10756051540374756, 0.6228796243667603, 0.4122089147567749, 0.641729474067688, 0.5911332368850708],
        ],
    ),
    (
        "uniform",
        "f64",
        [
            [0.39471614032223856, 0.5765138258506382, 0.7418645198241984, 0.9254694442667759, 0.4352491892002719],
            [0.5757795962836219, 0.0021852507319302106, 0.9297547775512143, 0.41094225983239263, 0.14599525410708925],
        ],
    ),
    (
        "normal",
        "f32",
        [
            [0.8842466473579407, 0.07843047380447388, 0.1363987922668457, -0.6109575033187866, 1.8525681495666504,
             -1.1506747007369995, -0.6171126365661621, -1.2771629095077515, 1.9803682565689087, 1.3786592483520508],
            [-0.23941710591316223, -0.2948615849018097, 0.5006752610206604, -0.33069679141044617, 0.9412608742713928,
             1.1739705801010132, 0.5099278688430786, -0.8287204504013062, -0.5103455185890198, -0.7916592359542847],
        ],
    ),
    (
        "normal",
        "f64",
        [
            [-0.6305510086852888, -1.2089591533541697, -0.34879889687828197, 0.6895771241742282, -0.7919383625966261],
            [0.014426599231066015, 1.0506438725580636, 0.2025953588223992, -0.3234562349029682, -1.6185308109668206],
        ],
    ),
    (
        "truncated_normal",
        "f32",
        [
            [0.8842466473579407, 0.07843047380447388, 0.1363987922668457, -0.6109575033187866, 0.45253217220306396,
             -0.8106634616851807, 0.8862687349319458, -0.42260950803756714, 0.5570011138916016, 1.3653908967971802],
            [-0.23941710591316223, -0.2948615849018097, 0.5006752610206604, -0.33069679141044617, 0.16695429384708405,
             -0.9476580619812012, -1.6185935735702515, 1.2646474838256836, -1.4970582723617554, 0.31342828273773193],
        ],
    ),
    (
        "truncated_normal",
        "f64",
        [
            [-0.6305510086852888, -1.2089591533541697, -0.027147858960579977, 0.43609083207665467, -0.6593986645094546],
            [0.014426599231066015, 1.0506438725580636, -0.9372447443735348, -0.14497462699456126, -0.42278086564419315],
        ],
    ),
    (
        "uniform_int",
        "i32",
        [
            [270, 264, 199, 862, 73, 476, 661, 2, 94, 607],
            [759, 586, 862, 867, 695, -5, 679, 659, 632, 187],
        ],
    ),
    (
        "uniform_int",
        "i64",
        [
            [343392515004703, 19625277365804, 60988063922131, 286529062057599, 104291580659734],
            [658932684154489, 841727399870065, 14738702421256, 176872448864981, 688171040217517],
        ],
    ),
]  # fmt: skip
LIMITS = {"i32": (-7, 1000), "i64": (-7, 10**15)}
CASES = [(kind, dtype) for kind, dtype, _ in TENSORFLOW]


def draw(kind: str, dtype: str, shape: Any, position: int = 0, seeds: tuple[int, int] = SEEDS) -> np.ndarray:
    """NumPy's numbers."""
    limits = LIMITS[dtype] if kind == "uniform_int" else ()
    function = getattr(meaning, kind)
    return np.asarray(function(shape, NUMPY[dtype], *seeds, position, *limits))


def assert_equal_but_for_rounding(kind: str, got: np.ndarray, wanted: np.ndarray) -> None:
    """Bit for bit; normal numbers may be four roundings off: log, root, sine and the product."""
    if "normal" not in kind:
        assert np.array_equal(got, wanted)
        return
    apart = np.abs(got - wanted) / np.spacing(np.abs(wanted))
    assert np.all(apart <= 4), np.max(apart)


def test_published_values_of_philox() -> None:
    # From the known-answer file of the authors' Random123 library.
    cases: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ]
    for counter, key, wanted in cases:
        assert tuple(int(word) for word in meaning.philox4x32(counter, key)) == wanted


@pytest.mark.parametrize(("kind", "dtype", "runs"), TENSORFLOW, ids=[f"{kind}-{dtype}" for kind, dtype in CASES])
def test_numpy_gives_the_numbers_of_tensorflow(kind: str, dtype: str, runs: list[list[float]]) -> None:
    position = 0
    for values in runs:
        wanted = np.array(values, NUMPY[dtype])
        assert_equal_but_for_rounding(kind, draw(kind, dtype, wanted.shape, position), wanted)
        position += wanted.size * 256


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize(("kind", "dtype"), CASES)
def test_numpy_gives_the_numbers_of_the_tensorflow_installed(kind: str, dtype: str) -> None:
    import tensorflow as tf

    op = {
        "uniform": tf.raw_ops.RandomUniform,
        "normal": tf.raw_ops.RandomStandardNormal,
        "truncated_normal": tf.raw_ops.TruncatedNormal,
        "uniform_int": tf.raw_ops.RandomUniformInt,
    }[kind]
    seeds = (2**40 + 17, 2**35 + 5)
    arguments: dict[str, Any] = {"shape": [7, 143], "seed": seeds[0], "seed2": seeds[1]}
    if kind == "uniform_int":
        low, high = (NUMPY[dtype](limit) for limit in LIMITS[dtype])
        arguments |= {"minval": low, "maxval": high}
    else:
        arguments["dtype"] = {"f32": tf.float32, "f64": tf.float64}[dtype]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        node = op(**arguments)
        runs = [session.run(node) for _ in range(2)]
    for number, wanted in enumerate(runs):
        got = draw(kind, dtype, [7, 143], number * 7 * 143 * 256, seeds)
        assert_equal_but_for_rounding(kind, got, wanted)


def test_shapes_and_sizes() -> None:
    whole = draw("uniform", "f32", [12])
    assert np.array_equal(draw("uniform", "f32", [3, 4]), whole.reshape(3, 4))
    assert np.array_equal(draw("uniform", "f32", [5]), whole[:5])
    for kind, dtype in CASES:
        assert draw(kind, dtype, [0, 3]).shape == (0, 3)
        assert draw(kind, dtype, []).shape == ()
    assert np.array_equal(draw("uniform", "f32", [4], 2), whole[8:])


def test_moments() -> None:
    count = 200_000
    uniform, normal = draw("uniform", "f32", [count]), draw("normal", "f64", [count])
    truncated = draw("truncated_normal", "f32", [count])
    assert abs(uniform.mean() - 0.5) < 0.003 and abs(uniform.var() - 1 / 12) < 0.001
    assert abs(normal.mean()) < 0.01 and abs(normal.var() - 1) < 0.02
    assert abs(truncated.mean()) < 0.01 and abs(truncated.std() - 0.8796) < 0.01 and np.abs(truncated).max() < 2


class Filler:
    """A fill function, compiled."""

    def __init__(self, kind: str, dtype: str, target: Target, seeds: tuple[int, int] = SEEDS):
        self.dtype = NUMPY[dtype]
        self.limits = LIMITS.get(dtype, (0, 1))
        self.seeds = seeds
        self.data = jit.compile_ir(philox.fill_ir(f"graphc_fill_{kind}_{dtype}", target), target)
        self.library = jit.load([self.data])
        kinds = [ctypes.c_void_p] + [ctypes.c_int64] * 7
        self.call = ctypes.CFUNCTYPE(None, *kinds)(self.library.address(f"graphc_fill_{kind}_{dtype}"))

    def __call__(self, size: int, position: int, cuts: tuple[int, ...] = ()) -> np.ndarray:
        """An array filled range by range, the last range first; checks that nothing is written outside."""
        guard = 64
        array = np.full(size + 2 * guard, 77, self.dtype)
        edges = [0, *cuts, size]
        for begin, end in reversed(list(pairwise(edges))):
            self.call(array[guard:].ctypes.data, begin, end, position, *self.limits, *self.seeds)
        assert np.all(array[:guard] == 77) and np.all(array[guard + size :] == 77)
        return array[guard : guard + size]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize(("kind", "dtype"), CASES)
def test_filled_arrays_equal_numpy(kind: str, dtype: str, target: Target) -> None:
    fill = Filler(kind, dtype, target)
    for size, position in ((0, 0), (1, 0), (3, 5), (10, 2560), (64, 2**32 - 3), (1003, 2**40)):
        assert_equal_but_for_rounding(kind, fill(size, position), draw(kind, dtype, [size], position))


@pytest.mark.parametrize(("kind", "dtype"), CASES)
def test_ranges_may_be_filled_in_any_order(kind: str, dtype: str) -> None:
    fill = Filler(kind, dtype, host(), (2**40 + 17, 2**35 + 5))
    whole = fill(1003, 77)
    assert np.array_equal(fill(1003, 77, (philox.FILL_BLOCK, 5 * philox.FILL_BLOCK)), whole)
    assert_equal_but_for_rounding(kind, whole, draw(kind, dtype, [1003], 77, (2**40 + 17, 2**35 + 5)))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("width", [None, 8])
@pytest.mark.parametrize(("kind", "dtype"), [case for case in CASES if case[0] != "truncated_normal"])
def test_single_elements_equal_numpy(kind: str, dtype: str, width: int | None, target: Target) -> None:
    position = 2**32 - 2  # so that groups cross to the second word of the counter

    def emit(builder: ir.IRBuilder, index: ir.Value, start: ir.Value, *limits: ir.Value) -> ir.Value:
        return philox.element(builder, kind, dtype, *SEEDS, start, index, target.fma, limits or None)

    limits = LIMITS[dtype] if kind == "uniform_int" else ()
    function = Function(emit, ["i64", "i64", *[dtype] * len(limits)], dtype)
    index = np.random.default_rng(0).permutation(256)
    constants = [np.full(index.size, position)] + [np.full(index.size, limit) for limit in limits]
    got = Compiled({"f": function}, width, target)("f", index, *constants)
    assert_equal_but_for_rounding(kind, got, draw(kind, dtype, [256], position)[index])


def test_both_forms_give_the_same_bits() -> None:
    def emit(builder: ir.IRBuilder, index: ir.Value, start: ir.Value) -> ir.Value:
        return philox.element(builder, "normal", "f32", *SEEDS, start, index, host().fma)

    index = np.arange(256)
    got = Compiled({"f": Function(emit, ["i64", "i64"], "f32")}, 8)("f", index, np.zeros(256, np.int64))
    assert np.array_equal(got, Filler("normal", "f32", host())(256, 0))


def test_whole_numbers_of_the_widest_ranges() -> None:
    for dtype in ("i32", "i64"):
        info = np.iinfo(NUMPY[dtype])
        fill = Filler("uniform_int", dtype, host())
        fill.limits = (info.min, info.max)
        wanted = meaning.uniform_int([100], NUMPY[dtype], *SEEDS, 0, info.min, info.max)
        assert np.array_equal(fill(100, 0), wanted) and wanted.min() < 0 < wanted.max()


@pytest.mark.parametrize("name", ["sse2", "avx2", "avx512", "neon"])
def test_objects_need_no_library(name: str) -> None:
    for kind, dtype in CASES:
        assert (
            undefined_symbols(jit.compile_ir(philox.fill_ir(f"graphc_fill_{kind}_{dtype}", named(name)), named(name)))
            == []
        )
