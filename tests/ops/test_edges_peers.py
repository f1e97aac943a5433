"""Functions at the edges of their domains in TensorFlow and in graphc: NaN, infinities, zeros, extremes, denormals.

All functions of a dtype are one step in each. Zeros agree whatever their signs.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import numpy as np
import pytest

import graphc
from graphc.graph import Graph
from tests.ops.harness import Array

OF_ONE = """
abs acos acosh asin asinh atan atanh ceil cos cosh digamma erf erfc exp expm1 floor identity is_nan is_inf is_finite
lgamma log log1p negative reciprocal rint round rsqrt sigmoid sign sin sinh sqrt square tan tanh nn.relu nn.relu6 nn.elu
nn.selu nn.softplus nn.softsign nn.leaky_relu nn.crelu nn.swish nn.log_softmax nn.softmax nn.l2_loss nn.zero_fraction
math.bessel_i0e math.bessel_i1e math.log_sigmoid math.reciprocal_no_nan argmax argmin cumsum reduce_sum reduce_max
reduce_min reduce_mean reduce_prod reduce_logsumexp math.reduce_variance math.reduce_std math.reduce_euclidean_norm
count_nonzero where norm math.l2_normalize math.is_non_decreasing math.is_strictly_increasing
"""
OF_TWO = """
add subtract multiply divide truediv floordiv floormod truncatediv truncatemod maximum minimum pow squared_difference
atan2 equal not_equal less less_equal greater greater_equal div_no_nan math.multiply_no_nan math.xlogy math.xdivy
"""
OF_WHOLE = """
abs negative sign square identity reduce_sum reduce_max reduce_min reduce_prod argmax argmin cumsum cumprod sort argsort
count_nonzero where bitwise.invert nn.relu nn.relu6 math.reduce_euclidean_norm math.is_non_decreasing
"""
OF_TWO_WHOLE = """
add subtract multiply maximum minimum equal not_equal less less_equal greater greater_equal bitwise.bitwise_and
bitwise.bitwise_or bitwise.bitwise_xor
"""
KINDS = ("float32", "float64", "int32", "int64", "uint8", "bool")  # smaller kinds: C++ leaves out of range undefined

# What differs, with the reason: a function and y (values) or g (gradients), for all dtypes or for one.
DIFFERENT = {
    "lgamma y": "denormals count as zero; TensorFlow's comes from the C library, which counts them",
    "log y float32": "of negative denormals; TensorFlow says NaN or -infinity, by their place in an array",
    "nn.selu g": "at the greatest negative number y is zero, from which TensorFlow takes the side",
    "nn.softmax y float32": "TensorFlow's maximum for this dtype passes over NaN; float64 gives NaN, as graphc",
    "nn.softmax g float32": "the same",
    "nn.log_softmax y float32": "the same",
    "nn.log_softmax g float32": "the same",
    "erf y float64": "TensorFlow says NaN at infinity, where it is 1",
    "nn.leaky_relu y float64": "TensorFlow rounds alpha to float32",
    "nn.leaky_relu g float64": "TensorFlow rounds alpha to float32",
    "reduce_prod g": "with two zeros among them TensorFlow's product of the others may be NaN, where it is 0",
    "math.xdivy g": "TensorFlow squares y, beyond what the dtype holds",
}


def _edges(dtype: str, denormal: bool) -> Array:
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return np.array([True, False])
    if kind.kind != "f":
        info = np.iinfo(kind)
        return np.array([info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 3, 7], kind)
    f = np.finfo(kind)
    least = f.smallest_subnormal
    some = [np.nan, np.inf, 0.0, f.tiny, f.max, 1, 0.5, 2.5, f.eps, 1e6, 100, 3, *([least] if denormal else [])]
    return np.array([*some, *(-x for x in some), 1 - f.eps], kind)


def _results(tf: Any, graph: Any, names: Iterable[str], arrays: list[Array]) -> dict[str, list[Array]]:
    """The values and gradients of each function, all in one step."""
    wanted: dict[str, Any] = {}
    with graph.as_default():
        inputs = [tf.placeholder(a.dtype, a.shape) for a in arrays]
        for name in names:
            try:
                y = tf.convert_to_tensor(_called(tf, name, inputs))
            except TypeError:  # the dtype is refused: in both, or one has more keys
                continue
            wanted[f"{name} y"] = [y]
            if y.dtype.is_floating and name != "truncatemod":  # which has no gradient in TensorFlow
                found = tf.gradients(y, inputs)
                wanted[f"{name} g"] = [tf.convert_to_tensor(g) for g in found if g is not None]
        with tf.Session(graph=graph) as session:
            return session.run(wanted, dict(zip(inputs, arrays, strict=True)))  # type: ignore[no-any-return]


def _called(tf: Any, name: str, inputs: list[Any]) -> Any:
    return tf.cast(*inputs, name[5:]) if name.startswith("cast ") else attrgetter(name)(tf)(*inputs)


def _all_agree(ours: list[Array], theirs: list[Array], slopes: bool) -> bool:
    return len(ours) == len(theirs) and all(_agree(a, b, slopes) for a, b in zip(ours, theirs, strict=True))


def _agree(ours: Array, theirs: Array, slope: bool) -> bool:
    if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
        return False
    if ours.dtype.kind != "f":
        return np.array_equal(ours, theirs)
    f = np.finfo(ours.dtype)
    # slopes such as 1 - y * y are exact relative to 1; results below the normal numbers are zero
    near = 4 * f.eps if slope else 3 * f.tiny
    return bool(np.isclose(ours, theirs, 32 * f.eps, near, equal_nan=True).all())


def _differing(dtype: str, names: Iterable[str], arrays: list[Array]) -> dict[str, Any]:
    import tensorflow

    v1 = tensorflow.compat.v1
    ours = _results(graphc, Graph(), names, arrays)
    theirs = _results(v1, v1.Graph(), names, arrays)
    apart = {
        key: (ours.get(key), theirs.get(key))
        for key in ours.keys() | theirs.keys()
        if not _all_agree(ours.get(key, []), theirs.get(key, []), key.endswith("g"))
    }
    return {key: pair for key, pair in apart.items() if key not in DIFFERENT and f"{key} {dtype}" not in DIFFERENT}


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_of_one_number(dtype: str) -> None:
    casts = [f"cast {kind}" for kind in KINDS if (dtype, kind) != ("float64", "uint8")]  # undefined below zero
    assert _differing(dtype, [*OF_ONE.split(), *casts], [_edges(dtype, True)]) == {}


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_of_two_numbers(dtype: str) -> None:
    edges = _edges(dtype, False)
    assert _differing(dtype, OF_TWO.split(), [x.copy() for x in np.meshgrid(edges, edges, indexing="ij")]) == {}
    assert _differing(dtype, OF_TWO.split(), [edges[:, None], edges]) == {}  # what each is repeated over is summed


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "int8"])
def test_whole_numbers(dtype: str) -> None:
    edges = _edges(dtype, False)
    casts = [f"cast {kind}" for kind in (*KINDS, "int8", "uint16")]
    assert _differing(dtype, [*OF_WHOLE.split(), *casts], [edges]) == {}
    assert _differing(dtype, OF_TWO_WHOLE.split(), [edges[:, None], edges]) == {}


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1, 1), (2, 1, 0)])
def test_empty_arrays_and_single_elements(shape: tuple[int, ...]) -> None:
    names = [name for name in OF_ONE.split() if not name.startswith("arg")]
    assert _differing("float32", names, [np.full(shape, 0.5, np.float32)]) == {}
    pair = [np.full(shape, 0.5, np.float32), np.full((1,), 2.0, np.float32)]
    assert _differing("float32", OF_TWO.split(), pair) == {}
