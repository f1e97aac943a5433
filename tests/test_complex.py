"""Complex numbers from feeds to fetches: variables, loops, branches, slopes by TensorFlow's convention, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.capture import capture
from graphc.compiler import exact_types
from graphc.passes.complexes import complexes
from graphc.passes.specialise import specialise

Z = np.array([[1 + 2j, -0.5 + 3j], [0.25 - 1j, 2 + 0j]], np.complex64)


def run(fetches: Any, feeds: Any = None) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feeds)


def test_what_becomes_complex() -> None:
    assert tf.constant(1j).dtype is tf.complex128
    assert tf.constant([1, 2j], tf.complex64).dtype is tf.complex64
    assert tf.constant(Z).dtype is tf.complex64
    assert tf.complex(tf.constant(1.0, tf.float64), 2.0).dtype is tf.complex128
    assert (tf.constant(Z) * (2 + 1j)).dtype is tf.complex64
    assert tf.as_dtype(complex) is tf.complex128
    assert tf.complex64.real_dtype is tf.float32
    assert tf.complex64.is_complex
    assert not tf.complex64.is_floating


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("shape", [None, [None, None], [2, 2]])
def test_fed_and_fetched_as_numpy_has_them(dtype: Any, shape: Any) -> None:
    x = tf.placeholder(dtype, shape)
    y, part = run([x * x, tf.imag(x)], {x: Z.astype(dtype)})
    assert y.dtype == dtype
    np.testing.assert_array_equal(part, Z.imag)
    np.testing.assert_allclose(y, Z.astype(dtype) ** 2, rtol=1e-6)


def test_feeds_of_other_types() -> None:
    x = tf.placeholder(tf.complex64, [])
    with tf.Session() as session:
        assert session.run(x + 1.0, {x: 2}) == 3
        assert session.run(x + 1.0, {x: 2.5}) == 3.5
        assert session.run(x + 1.0, {x: 1j}) == 1 + 1j
        assert session.run(x + 1.0, {x: Z[0, 0]}) == 2 + 2j
        assert isinstance(session.run(x, {x: 1j}), np.complex64)


def test_one_program_for_every_size() -> None:
    x = tf.placeholder(tf.complex64, [None])
    y = tf.reduce_sum(x * tf.conj(x))
    with tf.Session() as session:
        for size in (2, 3, 4, 5):
            value = (np.arange(size) * (1 - 1j)).astype(np.complex64)
            np.testing.assert_allclose(session.run(y, {x: value}), 2 * np.sum(np.arange(size) ** 2), rtol=1e-6)


def test_variables_are_trained_by_the_slope_of_both_parts() -> None:
    v = tf.get_variable("v", initializer=np.array([1 + 1j, -2j], np.complex64))
    loss = tf.reduce_sum(tf.square(tf.abs(v - (3 - 1j))))
    (slope,) = tf.gradients(loss, v)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_allclose(session.run(slope), 2 * (np.array([1 + 1j, -2j]) - (3 - 1j)), rtol=1e-6)
        for _ in range(40):
            session.run(tf.assign_sub(v, 0.2 * slope))
        np.testing.assert_allclose(session.run(v), [3 - 1j] * 2, rtol=1e-6)


def test_variables_need_an_initializer() -> None:
    with pytest.raises(ValueError, match="An initializer for variable v of <dtype: 'complex64'> is required"):
        tf.get_variable("v", [2], tf.complex64)
    v = tf.get_variable("v", [2], tf.complex64, tf.zeros_initializer())
    np.testing.assert_array_equal(run(v), [0, 0])


def test_saved_and_restored(tmp_path: Path) -> None:
    v = tf.get_variable("v", initializer=Z)
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        file = saver.save(session, str(tmp_path / "model"))
        session.run(v.assign(tf.zeros_like(v)))
        saver.restore(session, file)
        np.testing.assert_array_equal(session.run(v), Z)


def _mandelbrot(c: Any) -> Any:
    return tf.while_loop(lambda n, z: n < 4, lambda n, z: (n + 1, z * z + c), [0, c])[1]


def test_loops_and_their_adjoints() -> None:
    x = tf.placeholder(tf.complex128, [2, 2])
    y = _mandelbrot(x)
    (slope,) = tf.gradients(y, x, grad_ys=tf.ones_like(y))
    z, dz = Z.astype(complex) / 4, np.ones((2, 2), complex)
    start = z
    for _ in range(4):
        z, dz = z * z + start, 2 * z * dz + 1
    came = run([y, slope], {x: Z / 4})
    np.testing.assert_allclose(came[0], z, rtol=1e-12)
    np.testing.assert_allclose(came[1], dz.conj(), rtol=1e-12)


def test_branches_and_functions_of_python() -> None:
    x = tf.placeholder(tf.complex64, [2, 2])
    y = tf.cond(tf.reduce_sum(tf.abs(x)) > 1.0, lambda: tf.conj(x), lambda: x)
    z = tf.py_func(lambda value: value * 1j, [y], tf.complex64) + 1.0
    np.testing.assert_array_equal(run(z, {x: Z}), Z.conj() * 1j + 1)
    np.testing.assert_array_equal(run(y, {x: Z / 100}), Z / 100)


def test_einsum_and_gathered_rows() -> None:
    x = tf.constant(Z)
    (rows,) = tf.gradients(tf.real(tf.reduce_sum(tf.gather(x, [1, 1]) * 1j)), x)
    product, dense = run([tf.einsum("ij,kj->ik", x, tf.conj(x)), tf.convert_to_tensor(rows)])
    np.testing.assert_allclose(product, Z @ Z.conj().T, rtol=1e-6)
    np.testing.assert_array_equal(dense, [[0, 0], [-2j, -2j]])


def test_complex_results_need_weights() -> None:
    x = tf.placeholder(tf.complex64, [2], name="x")
    with pytest.raises(TypeError, match=r"Gradients of complex tensors must set grad_ys \(y.dtype = tf.complex64\)"):
        tf.gradients(x * x, x)


def test_what_has_no_order_is_refused() -> None:
    x = tf.placeholder(tf.complex64, [2], name="x")
    with pytest.raises(TypeError, match="the input has type c64"):
        tf.reduce_max(x)
    with pytest.raises(TypeError, match="an input has type c64"):
        tf.less(x, x)
    with pytest.raises(TypeError, match="Expected float32, got 1j of type 'complex' instead"):
        tf.constant(1j, tf.float32)
    with pytest.raises(TypeError, match="inputs have different dtypes: c64"):
        tf.add(x, tf.constant([1.0, 2.0]))


def test_the_pass_leaves_real_numbers() -> None:
    x = tf.placeholder(tf.complex64, [3], name="x")
    step = capture([x * tf.cast(tf.abs(x), tf.complex64)], [], [x])
    graph = complexes(specialise(step.graph, exact_types(step, {})))
    assert not any(tensor.dtype.is_complex for node in graph.nodes for tensor in node.outputs)
    assert str(graph.targets[0].type) == "f32[3,2]"
    # two for the absolute value; and as the second factor is real, two, not four, for the product
    assert sum(node.type == "Mul" for node in graph.nodes) == 4
    assert complexes(graph) is graph


def test_read_from_a_graph_def() -> None:
    pytest.importorskip("google.protobuf")
    x = tf.placeholder(tf.complex64, [2, 2], name="x")
    tf.real(tf.conj(tf.fft(x)) * (1 - 2j), name="y")
    definition = tf.get_default_graph().as_graph_def()
    assert [node.op for node in definition.node] == ["Placeholder", "FFT", "Conj", "Const", "Mul", "Real"]
    constant = next(node.attr["value"].tensor for node in definition.node if node.op == "Const")
    constant.ClearField("tensor_content")
    constant.scomplex_val.extend([3.0, -1.0])
    with tf.Graph().as_default():
        (x, y) = tf.import_graph_def(definition, return_elements=["x:0", "y:0"])
        np.testing.assert_allclose(run(y, {x: Z}), (np.conj(np.fft.fft(Z)) * (3 - 1j)).real, rtol=1e-5)


def test_lengths_and_means_of_complex_numbers() -> None:
    x = tf.constant(Z)
    came = run([tf.norm(x), tf.squared_difference(x, 1j), tf.math.reduce_variance(x), tf.linalg.adjoint(x),
                tf.nn.l2_normalize(x, 0), tf.segment_mean(x, [0, 0])])  # fmt: skip
    wanted = [np.linalg.norm(Z), np.abs(Z - 1j) ** 2, np.var(Z), Z.conj().T, Z / np.linalg.norm(Z, axis=0), [Z.mean(0)]]
    for ours, numpy in zip(came, wanted, strict=True):
        np.testing.assert_allclose(ours, numpy, rtol=1e-6)
    with pytest.raises(TypeError, match="l2_loss has type c64"):
        tf.nn.l2_loss(x)


def test_padding_holds_complex_numbers() -> None:
    padded = run(tf.pad(tf.constant(Z), [[1, 0], [0, 0]], constant_values=2 - 1j))
    np.testing.assert_array_equal(padded, np.concatenate([[[2 - 1j] * 2], Z]))


_ENDS = (-np.inf, -1.0, -0.0, 0.0, 2.0, np.inf)
_INFINITE = np.array([complex(x, y) for x in _ENDS for y in _ENDS])


@pytest.mark.parametrize(
    ("function", "meaning"),
    [(tf.atan, np.arctan), (tf.atanh, np.arctanh), (tf.sqrt, np.sqrt), (tf.log, np.log)],
)
def test_functions_at_infinity(function: Any, meaning: Any) -> None:
    x = tf.placeholder(tf.complex128, [None])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(run(function(x), {x: _INFINITE}), meaning(_INFINITE), rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "meaning"),
    [(tf.exp, np.exp), (tf.sinh, np.sinh), (tf.cosh, np.cosh), (tf.sin, np.sin), (tf.cos, np.cos)],
)
def test_functions_of_infinite_numbers_on_an_axis(function: Any, meaning: Any) -> None:
    x = tf.placeholder(tf.complex128, [None])
    along = [(a, b) for a in _ENDS for b in (-0.0, 0.0)]
    values = np.array([complex(b, a) if function in (tf.sin, tf.cos) else complex(a, b) for a, b in along])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(run(function(x), {x: values}), meaning(values), rtol=1e-12)


def test_quotients_by_infinity_and_by_zero() -> None:
    x, y = tf.placeholder(tf.complex128, [None]), tf.placeholder(tf.complex128, [None])
    above, below = (part.ravel() for part in np.meshgrid(_INFINITE, _INFINITE))
    # NumPy has NaN for what is finite over a number both parts of which are infinite; the quotient is 0.
    both = np.isfinite(above) & np.isinf(below.real) & np.isinf(below.imag)
    got = run(x / y, {x: above, y: below})
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(got[~both], (above / below)[~both], rtol=1e-12)
    np.testing.assert_array_equal(got[both], 0)


def test_small_whole_powers_multiply() -> None:
    x = tf.placeholder(tf.complex64, [None])
    values = np.array([1 + 1j, -2 + 3j, 0, 1 - 2j], np.complex64)
    for number in (0, 1, 2, 3, 5, 16):
        np.testing.assert_array_equal(run(x**number, {x: values}), values**number)
    np.testing.assert_allclose(run(x**-3, {x: values[:2]}), values[:2] ** -3.0, rtol=1e-6)
    (slope,) = tf.gradients(x**3, x, grad_ys=tf.ones_like(x))
    np.testing.assert_allclose(run(slope, {x: values}), np.conj(3 * values**2), rtol=1e-6)
