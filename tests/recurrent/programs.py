"""Recurrent programs that graphc and TensorFlow run alike, and the meaning of cells in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

BATCH, STEPS, DEPTH, UNITS = 3, 6, 4, 5
X = np.random.default_rng(0).normal(size=(BATCH, STEPS, DEPTH)).astype(np.float32)
LENGTHS = np.array([2, 6, 0], np.int32)


def cells(tf: Any) -> dict[str, Any]:
    """Cells of ``tf.nn.rnn_cell`` by name, each made when it is asked for."""
    c = tf.nn.rnn_cell
    return {
        "basic": lambda: c.BasicRNNCell(UNITS, activation="relu"),
        "gru": lambda: c.GRUCell(UNITS),
        "basic lstm": lambda: c.BasicLSTMCell(UNITS, forget_bias=0.3),
        "basic lstm, state in one": lambda: c.BasicLSTMCell(UNITS, state_is_tuple=False),
        "lstm": lambda: c.LSTMCell(UNITS, True, cell_clip=0.2, num_proj=3, proj_clip=0.15),
        "lstm, state in one": lambda: c.LSTMCell(UNITS, True, num_proj=3, state_is_tuple=False, name="own"),
        "layers": lambda: c.MultiRNNCell([c.DropoutWrapper(c.BasicLSTMCell(UNITS)), c.GRUCell(4)]),
        "layers, state in one": lambda: c.MultiRNNCell([c.GRUCell(UNITS), c.BasicRNNCell(2)], state_is_tuple=False),
        "residual": lambda: c.ResidualWrapper(c.GRUCell(DEPTH)),
    }  # fmt: skip


def declared(tf: Any, name: str, form: str, with_lengths: bool) -> tuple[list[Any], Any, Any, list[str]]:
    """Placeholders, the assignments that set all weights, what to fetch, and the names of the variables."""
    x = tf.placeholder(tf.float32, [None, STEPS if form == "static" else None, DEPTH])
    lengths = tf.placeholder(tf.int32, [None])
    make = cells(tf)[name]
    settings = {"sequence_length": lengths if with_lengths else None, "dtype": tf.float32}
    if form == "dynamic":
        outputs, state = tf.nn.dynamic_rnn(make(), x, **settings)
    elif form == "steps first":
        outputs, state = tf.nn.dynamic_rnn(make(), tf.transpose(x, [1, 0, 2]), time_major=True, **settings)
    elif form == "static":
        outputs, state = tf.nn.static_rnn(make(), tf.unstack(x, STEPS, 1), **settings)
        outputs = tf.stack(outputs, 1)
    else:
        outputs, state = tf.nn.bidirectional_dynamic_rnn(make(), make(), x, **settings)
        outputs = tf.concat(outputs, 2)
    states = leaves(state)
    variables = tf.trainable_variables()
    loss = tf.reduce_sum(outputs * outputs) + sum(tf.reduce_sum(tf.sin(part)) for part in states)
    return (
        [x, lengths],
        set_weights(variables),
        [outputs, *states, *tf.gradients(loss, [*variables, x])],
        [variable.name for variable in variables],
    )


def leaves(value: Any) -> list[Any]:
    """The tensors of a nested tuple."""
    return [leaf for part in value for leaf in leaves(part)] if isinstance(value, (tuple, list)) else [value]


def set_weights(variables: list[Any], seed: int = 1) -> list[Any]:
    """Assignments of the same small numbers in every system."""
    rng = np.random.default_rng(seed)
    return [v.assign(rng.uniform(-0.5, 0.5, v.shape.as_list()).astype(np.float32)) for v in variables]


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``"""
    return 1 / (1 + np.exp(-x))


def lstm(x: Any, c: Any, h: Any, kernel: Any, bias: Any, forget: float = 1.0) -> tuple[Any, Any]:
    """The cells and outputs after a step of an LSTM."""
    i, j, f, o = np.split(np.concatenate([x, h], 1) @ kernel + bias, 4, 1)
    c = c * sigmoid(f + forget) + sigmoid(i) * np.tanh(j)
    return c, np.tanh(c) * sigmoid(o)


def gru(x: Any, h: Any, gates: Any, gate_bias: Any, kernel: Any, bias: Any) -> Any:
    """The outputs of a step of a GRU."""
    r, u = np.split(sigmoid(np.concatenate([x, h], 1) @ gates + gate_bias), 2, 1)
    return u * h + (1 - u) * np.tanh(np.concatenate([x, r * h], 1) @ kernel + bias)
