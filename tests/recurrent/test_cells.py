"""Single steps of cells against their formulas in NumPy, the names of their variables, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.contrib import rnn
from graphc.nn.recurrent import inner
from tests.interpreted import InterpretedSession
from tests.recurrent.programs import DEPTH, UNITS, X, gru, leaves, lstm, set_weights, sigmoid

STEP = X[:, 0]
RNG = np.random.default_rng(2)


def _state(*sizes: int) -> list[Any]:
    return [RNG.uniform(-1, 1, (len(STEP), size)).astype(np.float32) for size in sizes]


def _run(cell: Any, *states: Any, inputs: Any = STEP) -> tuple[list[Any], dict[str, Any]]:
    """The outputs and the state after a step, and the weights by name."""
    size = leaves(cell.state_size)
    assert [part.shape[1] for part in states] == size
    given = tuple(map(tf.constant, states))
    if isinstance(cell.state_size, tuple) and hasattr(cell.state_size, "_fields"):
        given = type(cell.state_size)(*given)
    output, state = cell(inputs, given if isinstance(cell.state_size, tuple) else given[0])
    variables = tf.global_variables()
    with InterpretedSession() as session:
        session.run(tf.global_variables_initializer())
        session.run(set_weights(variables))
        found = session.run([output, *leaves(state)])
        weights = {
            v.op.name.split("/", 1)[1]: value for v, value in zip(variables, session.run(variables), strict=True)
        }
    assert output.shape.as_list() == [len(STEP), cell.output_size]
    return found, weights


def _close(found: list[Any], *wanted: Any) -> None:
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_basic_lstm_and_its_block_forms() -> None:
    c, h = _state(UNITS, UNITS)
    found, w = _run(rnn.BasicLSTMCell(UNITS), c, h)
    after_c, after_h = lstm(STEP, c, h, w["kernel"], w["bias"])
    _close(found, after_h, after_c, after_h)
    tf.reset_default_graph()
    found, w = _run(rnn.LSTMBlockCell(UNITS), c, h)
    _close(found, after_h, after_c, after_h)
    assert [v.op.name for v in tf.global_variables()] == ["lstm_cell/kernel", "lstm_cell/bias"]


def test_gru_and_its_block_forms() -> None:
    (h,) = _state(UNITS)
    for make, names in (
        (rnn.GRUCell, ["gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias"]),
        (rnn.GRUBlockCellV2, ["gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias"]),
        (rnn.GRUBlockCell, ["w_ru", "b_ru", "w_c", "b_c"]),
    ):
        tf.reset_default_graph()
        found, w = _run(make(UNITS), h)
        assert list(w) == names
        assert all(v.op.name.startswith("gru_cell/") for v in tf.global_variables())
        _close(found, *[gru(STEP, h, *w.values())] * 2)


def test_layer_norm_lstm() -> None:
    c, h = _state(UNITS, UNITS)
    found, w = _run(rnn.LayerNormBasicLSTMCell(UNITS), c, h)
    assert list(w) == ["kernel", *(f"{s}/{n}" for s in ("input", "transform", "forget", "output", "state")
                                   for n in ("gamma", "beta"))]  # fmt: skip

    def normal(x: Any, name: str) -> Any:
        centred = x - x.mean(1, keepdims=True)
        scale = np.sqrt((centred**2).mean(1, keepdims=True) + 1e-12)
        return centred / scale * w[f"{name}/gamma"] + w[f"{name}/beta"]

    gates = np.split(np.concatenate([STEP, h], 1) @ w["kernel"], 4, 1)
    i, j, f, o = map(normal, gates, ("input", "transform", "forget", "output"))
    after = normal(c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j), "state")
    out = np.tanh(after) * sigmoid(o)
    _close(found, out, after, out)


def test_nas_cell() -> None:
    c, m = _state(UNITS, 3)
    found, w = _run(rnn.NASCell(UNITS, num_proj=3, use_bias=True), c, m)
    assert list(w) == ["recurrent_kernel", "kernel", "bias", "projection_weights"]
    a, b = np.split(STEP @ w["kernel"], 8, 1), np.split(m @ w["recurrent_kernel"] + w["bias"], 8, 1)
    relu, tanh = lambda x: np.maximum(x, 0), np.tanh
    layer = [sigmoid(a[0] + b[0]), relu(a[1] + b[1]), sigmoid(a[2] + b[2]), relu(a[3] * b[3]),
             tanh(a[4] + b[4]), sigmoid(a[5] + b[5]), tanh(a[6] + b[6]), sigmoid(a[7] + b[7])]  # fmt: skip
    second = [
        tanh(layer[0] * layer[1]),
        tanh(layer[2] + layer[3]),
        tanh(layer[4] * layer[5]),
        sigmoid(layer[6] + layer[7]),
    ]
    after = tanh(second[0] + c) * second[1]
    out = tanh(after * tanh(second[2] + second[3])) @ w["projection_weights"]
    _close(found, out, after, out)


def test_update_gate_and_intersection_cells() -> None:
    (h,) = _state(UNITS)
    found, w = _run(rnn.UGRNNCell(UNITS, forget_bias=0.5), h)
    assert list(w) == ["kernel", "bias"]
    g, c = np.split(np.concatenate([STEP, h], 1) @ w["kernel"] + w["bias"], 2, 1)
    g = sigmoid(g + 0.5)
    _close(found, *[g * h + (1 - g) * np.tanh(c)] * 2)
    tf.reset_default_graph()
    found, w = _run(rnn.IntersectionRNNCell(UNITS, num_in_proj=UNITS), h)
    assert list(w) == ["in_projection/kernel", "in_projection/bias", "kernel", "bias"]
    x = STEP @ w["in_projection/kernel"] + w["in_projection/bias"]
    gh, s, gy, y = np.split(np.concatenate([x, h], 1) @ w["kernel"] + w["bias"], 4, 1)
    gh, gy = sigmoid(gh + 1), sigmoid(gy + 1)
    _close(found, gy * x + (1 - gy) * np.maximum(y, 0), gh * h + (1 - gh) * np.tanh(s))


def test_phased_lstm() -> None:
    c, h = _state(UNITS, UNITS)
    times = np.array([[0.3], [11.0], [200.0]], np.float32)
    found, w = _run(rnn.PhasedLSTMCell(UNITS), c, h, inputs=(tf.constant(times), tf.constant(STEP)))
    both = np.concatenate([STEP, h], 1)
    i, f = np.split(sigmoid(both @ w["mask_gates/kernel"] + w["mask_gates/bias"]), 2, 1)
    new_c = c * f + i * np.tanh(both @ w["new_input/kernel"] + w["new_input/bias"])
    new_h = np.tanh(new_c) * sigmoid(both @ w["output_gate/kernel"] + w["output_gate/bias"])
    cycle = np.mod(times - w["phase"], w["period"]) / w["period"]
    up = 2 * cycle / w["ratio_on"]
    k = np.where(cycle < 0.5 * w["ratio_on"], up, np.where(cycle < w["ratio_on"], 2 - up, 0.001 * cycle))
    new_c, new_h = k * new_c + (1 - k) * c, k * new_h + (1 - k) * h
    _close(found, new_h, new_c, new_h)


def test_projections_embedding_and_highway() -> None:
    (h,) = _state(UNITS)
    found, w = _run(rnn.OutputProjectionWrapper(rnn.GRUCell(UNITS), 2, tf.tanh), h)
    after = gru(STEP, h, *list(w.values())[:4])
    assert [v.op.name for v in tf.global_variables()][-2:] == [
        "output_projection_wrapper/kernel", "output_projection_wrapper/bias"]  # fmt: skip
    _close(found, np.tanh(after @ w["kernel"] + w["bias"]), after)
    tf.reset_default_graph()
    found, w = _run(rnn.InputProjectionWrapper(rnn.GRUCell(UNITS), 2), h)
    after = gru(STEP @ w["kernel"] + w["bias"], h, *list(w.values())[2:])
    _close(found, after, after)
    tf.reset_default_graph()
    found, w = _run(rnn.EmbeddingWrapper(rnn.GRUCell(UNITS), 7, 2), h, inputs=tf.constant([3, 0, 6]))
    after = gru(w["embedding"][[3, 0, 6]], h, *list(w.values())[1:])
    _close(found, after, after)
    tf.reset_default_graph()
    (h,) = _state(DEPTH)
    with tf.variable_scope("step"):
        found, w = _run(rnn.HighwayWrapper(rnn.GRUCell(DEPTH)), h)
    after = gru(STEP, h, *(value for name, value in w.items() if name.startswith("gru_cell")))
    carry = sigmoid(STEP @ w["carry_w"] + w["carry_b"])
    _close(found, carry * STEP + (1 - carry) * after, after)


def test_attention_to_its_own_outputs() -> None:
    h, attended, last = _state(UNITS, 3, 6)
    found, w = _run(rnn.AttentionCellWrapper(rnn.GRUCell(UNITS), 2, 3, 4), h, attended, last)
    entering = np.concatenate([STEP, attended], 1) @ w["kernel"] + w["bias"]
    after = gru(entering, h, *(value for name, value in w.items() if name.startswith("gru_cell")))
    outputs = last.reshape(-1, 2, 3)
    query = after @ w["attention/kernel"] + w["attention/bias"]
    fit = (w["attention/attn_v"] * np.tanh(outputs @ w["attention/attn_w"][0, 0] + query[:, None])).sum(2)
    weights = np.exp(fit) / np.exp(fit).sum(1, keepdims=True)
    attended = (weights[:, :, None] * outputs).sum(1)
    output = (
        np.concatenate([after, attended], 1) @ w["attn_output_projection/kernel"] + w["attn_output_projection/bias"]
    )
    _close(found, output, after, attended, np.concatenate([outputs[:, 1], output], 1))


# -- scopes ----------------------------------------------------------------------------------------------------


def test_two_cells_of_a_class_get_scopes_of_their_own_and_one_cell_keeps_its_variables() -> None:
    x, h = tf.constant(STEP), tf.zeros([len(STEP), UNITS])
    one = tf.nn.rnn_cell.GRUCell(UNITS)
    one(x, h)
    one(x, h)
    tf.nn.rnn_cell.GRUCell(UNITS)(x, h)
    assert {v.op.name.split("/")[0] for v in tf.global_variables()} == {"gru_cell", "gru_cell_1"}
    assert len(tf.global_variables()) == 8
    assert [v.op.name for v in one.trainable_weights] == [v.op.name for v in tf.global_variables()[:4]]


def test_a_cell_of_the_user() -> None:
    class Sum(tf.nn.rnn_cell.RNNCell):
        """Adds weighted inputs up."""

        state_size = output_size = DEPTH  # type: ignore[assignment]

        def call(self, inputs: Any, state: Any) -> Any:
            total = state + inputs * tf.get_variable("w", [DEPTH], initializer=tf.constant_initializer(2.0))
            return total, total

    cell = Sum()
    outputs, state = tf.nn.dynamic_rnn(cell, tf.constant(X), dtype=tf.float32, scope="net")
    assert [v.op.name for v in tf.global_variables()] == ["net/sum/w"]
    assert [v.op.name for v in cell.trainable_variables] == ["net/sum/w"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found, last = session.run([outputs, state])
    np.testing.assert_allclose(found, 2 * np.cumsum(X, 1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(last, found[:, -1])


# -- dropout ---------------------------------------------------------------------------------------------------


def test_dropout_keeps_its_share_and_scales_what_is_left() -> None:
    c = tf.nn.rnn_cell
    keep = tf.placeholder_with_default(1.0, [])
    cell = c.DropoutWrapper(_Same(50), output_keep_prob=keep, seed=7)
    outputs, _ = tf.nn.dynamic_rnn(cell, tf.ones([8, 5, 50]), dtype=tf.float32)
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(outputs), np.ones((8, 5, 50)))
        found = session.run(outputs, {keep: 0.25})
    assert set(np.unique(found)) == {0.0, 4.0}
    assert 0.2 < (found > 0).mean() < 0.3
    assert not np.array_equal(found[:, 0], found[:, 1])  # another mask in each step


def test_variational_dropout_has_one_mask_for_all_steps() -> None:
    cell = tf.nn.rnn_cell.DropoutWrapper(
        _Same(40), 0.5, 0.5, variational_recurrent=True, input_size=40, dtype=tf.float32, seed=3
    )
    outputs, _ = tf.nn.dynamic_rnn(cell, tf.ones([2, 6, 40]), dtype=tf.float32)
    with tf.Session() as session:
        found = session.run(outputs)
    assert set(np.unique(found)) == {0.0, 4.0}
    np.testing.assert_array_equal(found, np.broadcast_to(found[:1, :1], found.shape))


def test_state_dropout_leaves_the_cells_of_an_lstm() -> None:
    c, h = _state(UNITS, UNITS)
    cell = tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.BasicLSTMCell(UNITS), state_keep_prob=1e-6, seed=1)
    found, _ = _run(cell, c, h)
    output, after_c, after_h = found
    assert (after_h == 0).all()
    assert (after_c != 0).all()
    assert (output != 0).all()


class _Same(tf.nn.rnn_cell.RNNCell):
    """Gives its inputs."""

    def __init__(self, size: int):
        super().__init__()
        self._size = size

    @property
    def state_size(self) -> int:
        return self._size

    @property
    def output_size(self) -> int:
        return self._size

    def call(self, inputs: Any, state: Any) -> Any:
        return inputs, state


# -- what is refused -------------------------------------------------------------------------------------------

GRU = tf.nn.rnn_cell.GRUCell(3)
REFUSED: list[tuple[Any, type[Exception], str]] = [
    (lambda: tf.nn.dynamic_rnn(GRU, tf.ones([2, 3, 4])), ValueError,
     "If there is no initial_state, you must give a dtype."),
    (lambda: tf.nn.dynamic_rnn(3, tf.ones([2, 3, 4])), TypeError, r"The argument 'cell' \(3\) is not an RNNCell"),
    (lambda: tf.nn.dynamic_rnn(GRU, tf.ones([2, 3]), dtype=tf.float32), ValueError, "wanted at least 3 axes"),
    (lambda: tf.nn.dynamic_rnn(GRU, tf.placeholder(tf.float32, [2, 3, None]), dtype=tf.float32), ValueError,
     "Input size .depth of inputs. must be accessible"),
    (lambda: tf.nn.dynamic_rnn(GRU, tf.ones([2, 3, 4]), [[1]], dtype=tf.float32), ValueError,
     "sequence_length must be a vector of length batch_size"),
    (lambda: tf.nn.dynamic_rnn(GRU, tf.ones([2, 3, 4]), [1], dtype=tf.float32), ValueError,
     "sequence_length has 1 lengths for 2 sequences"),
    (lambda: tf.nn.static_rnn(GRU, tf.ones([2, 3, 4]), dtype=tf.float32), TypeError, "inputs must be a sequence"),
    (lambda: tf.nn.static_rnn(GRU, [], dtype=tf.float32), ValueError, "inputs must not be empty"),
    (lambda: tf.nn.rnn_cell.MultiRNNCell([]), ValueError, "Must specify at least one cell"),
    (lambda: tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(3)], False), ValueError,
     "Some cells return tuples of states"),
    (lambda: tf.nn.rnn_cell.DropoutWrapper(GRU, 1.5), ValueError, "input_keep_prob must be between 0 and 1: 1.5"),
    (lambda: tf.nn.rnn_cell.BasicLSTMCell(3)(tf.ones([2, 3, 4]), GRU.zero_state(2, tf.float32)), ValueError,
     "expected ndim=2, found ndim=3"),
    (lambda: rnn.static_state_saving_rnn(), NotImplementedError, "use tf.nn.static_rnn"),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "kind", "text"), REFUSED)
def test_what_is_refused(declare: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        declare()


def test_names_of_inner_modules() -> None:
    x = tf.constant(STEP)
    with tf.variable_scope("net"):
        layer = inner._Linear([x, x], 2, True)
        outputs = layer([x, x])
    assert [v.op.name for v in tf.global_variables()] == ["net/kernel", "net/bias"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found, kernel = session.run([outputs, tf.global_variables()[0]])
    np.testing.assert_allclose(found, np.concatenate([STEP, STEP], 1) @ kernel, rtol=1e-5, atol=1e-6)
    assert inner._concat(3, tf.TensorShape([4, 5])) == [3, 4, 5]
    assert inner._like_rnncell(GRU)
    assert not inner._like_rnncell(x)
    with pytest.raises(TypeError, match=r"The argument 'cell' .* is not an RNNCell"):
        inner.assert_like_rnncell("cell", 3)
