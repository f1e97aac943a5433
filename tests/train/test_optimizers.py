"""Optimizers: five steps against formulas written out in NumPy, and what all optimizers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession
from tests.told import is_told

Array = Any
START = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -0.25]])
TARGET = np.array([[0.5, 1.0, -1.0], [2.0, -1.0, 0.75]])
SCALES = np.array([1.0, 0.01, 100.0])
STEPS = 5


def gradient(w: Array) -> Array:
    """Of ``sum(scales * (w - target) ** 2) / 2``."""
    return SCALES * (w - TARGET)


def by_formula(update: Callable[[Array, Array, dict[str, Array], int], Array], slots: dict[str, float]) -> list[Array]:
    """The values of w after each step; ``update`` changes the slots and gives the new w."""
    w, kept = START.copy(), {name: np.full_like(START, first) for name, first in slots.items()}
    trajectory = []
    for step in range(1, STEPS + 1):
        w = update(w, gradient(w), kept, step)
        trajectory.append(w)
    return trajectory


def descent(w: Array, g: Array, s: dict[str, Array], t: int) -> Array:
    return w - 0.1 * g


def momentum(w: Array, g: Array, s: dict[str, Array], t: int) -> Array:
    s["m"] = 0.9 * s["m"] + g
    return w - 0.01 * s["m"]


def nesterov(w: Array, g: Array, s: dict[str, Array], t: int) -> Array:
    s["m"] = 0.9 * s["m"] + g
    return w - 0.01 * (g + 0.9 * s["m"])


def adam(w: Array, g: Array, s: dict[str, Array], t: int) -> Array:
    s["m"] = 0.9 * s["m"] + 0.1 * g
    s["v"] = 0.999 * s["v"] + 0.001 * g * g
    rate = 0.05 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return w - rate * s["m"] / (np.sqrt(s["v"]) + 1e-8)


def adagrad(w: Array, g: Array, s: dict[str, Array], t: int) -> Array:
    s["a"] = s["a"] + g * g
    return w - 0.3 * g / np.sqrt(s["a"])


def adadelta(w: Array, g: Array, s: dict[str, Array], t: int) -> Array:
    s["a"] = 0.95 * s["a"] + 0.05 * g * g
    u = np.sqrt(s["d"] + 1e-3) / np.sqrt(s["a"] + 1e-3) * g
    s["d"] = 0.95 * s["d"] + 0.05 * u * u
    return w - 1.5 * u


def rmsprop(w: Array, g: Array, s: dict[str, Array], t: int) -> Array:
    s["s"] = 0.8 * s["s"] + 0.2 * g * g
    s["m"] = 0.5 * s["m"] + 0.02 * g / np.sqrt(s["s"] + 1e-6)
    return w - s["m"]


def centered_rmsprop(w: Array, g: Array, s: dict[str, Array], t: int) -> Array:
    s["s"] = 0.8 * s["s"] + 0.2 * g * g
    s["g"] = 0.8 * s["g"] + 0.2 * g
    s["m"] = 0.5 * s["m"] + 0.02 * g / np.sqrt(s["s"] - s["g"] ** 2 + 1e-6)
    return w - s["m"]


def ftrl(w: Array, g: Array, s: dict[str, Array], t: int) -> Array:
    new = s["a"] + g * g
    s["z"] = s["z"] + g - (np.sqrt(new) - np.sqrt(s["a"])) / 0.5 * w
    s["a"] = new
    shrunk = np.sign(s["z"]) * 0.3 - s["z"]
    return np.where(abs(s["z"]) > 0.3, shrunk / (np.sqrt(new) / 0.5 + 2 * 0.1), 0.0)


# The optimizer, its formula, and the first values of the formula's slots.
CASES: dict[str, tuple[Callable[[], Any], Any, dict[str, float]]] = {
    "descent": (lambda: tf.train.GradientDescentOptimizer(0.1), descent, {}),
    "momentum": (lambda: tf.train.MomentumOptimizer(0.01, 0.9), momentum, {"m": 0}),
    "nesterov": (lambda: tf.train.MomentumOptimizer(0.01, 0.9, use_nesterov=True), nesterov, {"m": 0}),
    "adam": (lambda: tf.train.AdamOptimizer(0.05), adam, {"m": 0, "v": 0}),
    "adagrad": (lambda: tf.train.AdagradOptimizer(0.3), adagrad, {"a": 0.1}),
    "adadelta": (lambda: tf.train.AdadeltaOptimizer(1.5, epsilon=1e-3), adadelta, {"a": 0, "d": 0}),
    "rmsprop": (lambda: tf.train.RMSPropOptimizer(0.02, 0.8, 0.5, 1e-6), rmsprop, {"s": 1, "m": 0}),
    "centered rmsprop": (
        lambda: tf.train.RMSPropOptimizer(0.02, 0.8, 0.5, 1e-6, centered=True),
        centered_rmsprop,
        {"s": 1, "g": 0, "m": 0},
    ),
    "ftrl": (
        lambda: tf.train.FtrlOptimizer(0.5, l1_regularization_strength=0.3, l2_regularization_strength=0.1),
        ftrl,
        {"a": 0.1, "z": 0},
    ),
}


def loss_of(w: Any) -> Any:
    return 0.5 * tf.reduce_sum(tf.constant(SCALES, w.dtype) * tf.square(w - tf.constant(TARGET, w.dtype)))


def trajectory(session: Any, make: Callable[[], Any], dtype: Any) -> list[Array]:
    w = tf.Variable(START.astype(dtype.as_numpy_dtype), name="w")
    train = make().minimize(loss_of(w))
    session.run(tf.global_variables_initializer())
    values = []
    for _ in range(STEPS):
        session.run(train)
        values.append(session.run(w))
    return values


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_five_steps_by_the_numpy_meaning(name: str, dtype: Any) -> None:
    make, update, slots = CASES[name]
    # Settings are float32 constants in TensorFlow 1 whatever the variable's dtype: 0.1 is off by 1.5e-9.
    found = trajectory(InterpretedSession(), make, dtype)
    np.testing.assert_allclose(found, by_formula(update, slots), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_five_steps_compiled(name: str, dtype: Any) -> None:
    make, update, slots = CASES[name]
    with tf.Session() as session:
        found = trajectory(session, make, dtype)
    np.testing.assert_allclose(found, by_formula(update, slots), rtol=2e-5, atol=2e-6)


def test_adam_in_float32_by_the_steps_of_the_kernel() -> None:
    """The order of operations is that of TensorFlow 1's kernel, so the bits are the same."""
    f = np.float32
    found = trajectory(InterpretedSession(), CASES["adam"][0], tf.float32)
    w, m, v = START.astype(f), np.zeros_like(START, f), np.zeros_like(START, f)
    power1, power2 = f(0.9), f(0.999)
    for value in found:
        g = SCALES.astype(f) * (w - TARGET.astype(f))
        alpha = f(0.05) * (np.sqrt(f(1) - power2) / (f(1) - power1))
        m = m + (g - m) * (f(1) - f(0.9))
        v = v + (g * g - v) * (f(1) - f(0.999))
        w = w - m * alpha / (np.sqrt(v) + f(1e-8))
        power1, power2 = power1 * f(0.9), power2 * f(0.999)
        np.testing.assert_array_equal(value, w)


def test_names_of_slots_and_of_the_step() -> None:
    with tf.variable_scope("layer"):
        w = tf.get_variable("w", initializer=[1.0, 2.0])
    optimizer = tf.train.AdamOptimizer()
    train = optimizer.minimize(tf.reduce_sum(w * w))
    assert train.name == "Adam"
    assert [v.name for v in tf.global_variables()] == [
        "layer/w:0",
        "beta1_power:0",
        "beta2_power:0",
        "layer/w/Adam:0",
        "layer/w/Adam_1:0",
    ]
    assert tf.trainable_variables() == [w]
    assert optimizer.get_slot_names() == ["m", "v"]
    assert optimizer.get_slot(w, "v").name == "layer/w/Adam_1:0"
    assert optimizer.get_slot(w, "other") is None
    assert [v.name for v in optimizer.variables()] == [
        "beta1_power:0", "beta2_power:0", "layer/w/Adam:0", "layer/w/Adam_1:0",
    ]  # fmt: skip
    assert optimizer.get_name() == "Adam"
    assert tf.get_collection(tf.GraphKeys.TRAIN_OP) == [train]


@pytest.mark.parametrize(
    ("make", "slots"),
    [
        (lambda: tf.train.MomentumOptimizer(0.1, 0.9), {"momentum": "w/Momentum:0"}),
        (lambda: tf.train.AdagradOptimizer(0.1), {"accumulator": "w/Adagrad:0"}),
        (lambda: tf.train.AdadeltaOptimizer(), {"accum": "w/Adadelta:0", "accum_update": "w/Adadelta_1:0"}),
        (lambda: tf.train.RMSPropOptimizer(0.1), {"rms": "w/RMSProp:0", "momentum": "w/RMSProp_1:0"}),
        (lambda: tf.train.FtrlOptimizer(0.1), {"accum": "w/Ftrl:0", "linear": "w/Ftrl_1:0"}),
    ],
)
def test_slot_names(make: Callable[[], Any], slots: dict[str, str]) -> None:
    w = tf.Variable(1.0, name="w")
    optimizer = make()
    optimizer.minimize(w * w)
    assert {name: optimizer.get_slot(w, name).name for name in optimizer.get_slot_names()} == slots


def test_two_optimizers_over_the_same_variables() -> None:
    w = tf.Variable(1.0, name="w")
    first, second = tf.train.AdamOptimizer(name="A"), tf.train.AdamOptimizer(name="A")
    first.minimize(w * w)
    second.minimize(w * w)
    assert [v.op.name for v in first.variables()] == ["beta1_power", "beta2_power", "w/A", "w/A_1"]
    assert [v.op.name for v in second.variables()] == ["beta1_power_1", "beta2_power_1", "w/A_2", "w/A_3"]


def test_one_optimizer_twice_shares_its_slots() -> None:
    w = tf.Variable(1.0, name="w")
    optimizer = tf.train.MomentumOptimizer(0.1, 0.5)
    first, second = optimizer.minimize(w * w), optimizer.minimize(w * 3)
    assert len(optimizer.variables()) == 1
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    session.run(first)  # m = 2, w = 0.8
    session.run(second)  # m = 4, w = 0.4
    np.testing.assert_allclose(session.run(w), 0.4, rtol=1e-6)


def test_global_step_counts_after_the_update() -> None:
    w = tf.Variable(1.0, name="w")
    step = tf.train.get_or_create_global_step()
    train = tf.train.GradientDescentOptimizer(0.1).minimize(w * w, global_step=step)
    assert train.name == "GradientDescent" and train.type == "AssignAdd"
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run(train)
    assert session.run(step) == 3
    np.testing.assert_allclose(session.run(w), 0.8**3, rtol=1e-6)


def test_steps_in_sequence_see_each_other() -> None:
    """Two steps in one run, the second after the first: slots move twice, gradients are those before the run."""
    w = tf.Variable(1.0, name="w")
    optimizer = tf.train.MomentumOptimizer(0.1, 0.5)
    grads = optimizer.compute_gradients(3.0 * w)
    first = optimizer.apply_gradients(grads)
    with tf.control_dependencies([first]):
        second = optimizer.apply_gradients(grads)
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    session.run(second)
    slot = optimizer.get_slot(w, "momentum")
    np.testing.assert_allclose(session.run([w, slot]), [1 - 0.3 - 0.45, 4.5], rtol=1e-6)


def test_every_read_of_a_variable_counts_for_its_gradient() -> None:
    """The loss is made after another assignment, so it reads the variable anew; and the step is made by that loss."""
    w = tf.Variable(2.0, name="w")
    with tf.control_dependencies([w.assign_add(1.0)]):
        loss = w * w
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss + w.read_value() * 0.5 + w * 3.0)
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    session.run(train)
    np.testing.assert_allclose(session.run(w), 3 - 0.1 * (2 * 3 + 0.5 + 3), rtol=1e-6)


def test_gradients_may_be_changed_on_the_way() -> None:
    a, b = tf.Variable([3.0, 4.0], name="a"), tf.Variable(2.0, name="b")
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    pairs = optimizer.compute_gradients(tf.reduce_sum(a * a) / 2 + b * 12)
    clipped, norm = tf.clip_by_global_norm([grad for grad, _ in pairs], 1.3)
    train = optimizer.apply_gradients(zip(clipped, [variable for _, variable in pairs], strict=True))
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    np.testing.assert_allclose(session.run([norm, train])[0], 13, rtol=1e-6)
    np.testing.assert_allclose(session.run(a), [2.7, 3.6], rtol=1e-6)
    np.testing.assert_allclose(session.run(b), 0.8, rtol=1e-6)


def test_variables_without_gradient_are_left_alone() -> None:
    a, b = tf.Variable(1.0, name="a"), tf.Variable(1.0, name="b")
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    pairs = optimizer.compute_gradients(a * 2)
    assert [grad is None for grad, _ in pairs] == [False, True]
    optimizer.apply_gradients(pairs)
    assert optimizer.get_slot(b, "momentum") is None


def test_var_list_and_grad_loss() -> None:
    a, b = tf.Variable(1.0), tf.Variable([1.0, 2.0])
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    ((grad, variable),) = optimizer.compute_gradients(a * b, var_list=[b], grad_loss=tf.constant([10.0, 20.0]))
    assert variable is b
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(session.run(grad), [10, 20])


def test_var_list_may_be_the_values_of_a_dict() -> None:
    parameters = {"w": tf.Variable(1.0), "b": tf.Variable(2.0)}
    pairs = tf.train.AdamOptimizer().compute_gradients(
        parameters["w"] * parameters["b"],
        var_list=parameters.values(),
    )
    assert [variable for _, variable in pairs] == list(parameters.values())


def test_constraints_hold_after_the_update() -> None:
    w = tf.Variable([1.0, 5.0], constraint=lambda value: tf.clip_by_value(value, 0.0, 2.0))
    train = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(2.0 * w))
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    session.run(train)
    np.testing.assert_array_equal(session.run(w), [0, 2])


def test_settings_may_be_tensors_and_functions() -> None:
    w = tf.Variable(1.0)
    rate = tf.placeholder(tf.float32, [])
    by_tensor = tf.train.GradientDescentOptimizer(rate).minimize(3 * w)
    by_function = tf.train.GradientDescentOptimizer(lambda: 0.5).minimize(3 * w)
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    session.run(by_tensor, {rate: 0.1})
    np.testing.assert_allclose(session.run(w), 0.7, rtol=1e-6)
    session.run(by_function)
    np.testing.assert_allclose(session.run(w), -0.8, rtol=1e-6)


def test_update_nodes_have_their_role() -> None:
    w = tf.Variable(1.0, name="w")
    train = tf.train.AdamOptimizer().minimize(w * w)
    roles = {node.name: node.role for node in tf.get_default_graph().nodes}
    assert train.role == "update"
    assert roles["w"] == "forward"
    assert {role for name, role in roles.items() if name.startswith("gradients/")} == {"adjoint"}
    assert {role for name, role in roles.items() if name.startswith("Adam/")} == {"update"}


def test_an_optimizer_of_a_user() -> None:
    class SignDescent(tf.train.Optimizer):
        def __init__(self, rate: float):
            super().__init__(False, "SignDescent")
            self.rate = rate

        def _apply_dense(self, grad: Any, var: Any) -> Any:
            return var.assign_sub(self.rate * tf.sign(grad))

    w = tf.Variable([1.0, -1.0])
    train = SignDescent(0.5).minimize(tf.nn.l2_loss(w))
    session = InterpretedSession()
    session.run(tf.global_variables_initializer())
    session.run(train)
    np.testing.assert_array_equal(session.run(w), [0.5, -0.5])


def sgd() -> Any:
    return tf.train.GradientDescentOptimizer(0.1)


ERRORS: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (
        lambda w: sgd().minimize(tf.constant(1.0, name="loss")),
        ValueError,
        "No gradients provided for any variable, check your graph for ops that do not support gradients, between "
        "variables [\"<tf.Variable 'w:0' shape=() dtype=float32>\"] and loss "
        'Tensor("loss:0", shape=(), dtype=float32).',
    ),
    (
        lambda w: sgd().minimize(tf.constant(1, name="loss")),
        ValueError,
        "Invalid type tf.int32 for loss:0, expected: ['float32', 'float64', 'float16', 'bfloat16'].",
    ),
    (lambda w: sgd().minimize(w * 2, var_list=[]), ValueError, "No variables to optimize."),
    (
        lambda w: sgd().minimize(w * 2, var_list=[tf.constant(1.0, name="c")]),
        TypeError,
        'Argument is not a variable: Tensor("c:0", shape=(), dtype=float32)',
    ),
    (
        lambda w: sgd().compute_gradients(w * 2, gate_gradients=7),
        ValueError,
        "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH. Not 7",
    ),
    (lambda w: sgd().apply_gradients([]), ValueError, "No variables provided."),
    (
        lambda w: sgd().apply_gradients([(None, w)]),
        ValueError,
        "No gradients provided for any variable: [\"<tf.Variable 'w:0' shape=() dtype=float32>\"].",
    ),
    (
        lambda w: tf.train.Optimizer(False, "Mine").minimize(w * 2),
        NotImplementedError,
        "Optimizer does not say how a variable changes",
    ),
    (lambda w: tf.train.Optimizer(False, ""), ValueError, "Must specify the optimizer name"),
    (
        lambda w: tf.train.AdagradOptimizer(0.1, initial_accumulator_value=0.0),
        ValueError,
        "initial_accumulator_value must be positive: 0.0",
    ),
    (
        lambda w: tf.train.FtrlOptimizer(0.1, learning_rate_power=0.5),
        ValueError,
        "learning_rate_power 0.5 needs to be negative or zero",
    ),
]


@pytest.mark.parametrize(("declare", "error", "text"), ERRORS)
def test_errors(declare: Callable[[Any], Any], error: type[Exception], text: str) -> None:
    w = tf.Variable(1.0, name="w")
    with pytest.raises(error) as caught:
        declare(w)
    assert is_told(caught.value, text), str(caught.value)
