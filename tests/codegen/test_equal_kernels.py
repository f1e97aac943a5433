"""Kernels of one structure are lowered and compiled once, and still fail under their own names."""

import numpy as np
import pytest

import graphc as tf
from graphc.codegen import staged
from graphc.codegen.target import host
from graphc.compiler import build_program, capture


def two_divisions():
    """Two products, each followed by a division that may fail: two kernels of one structure."""
    a, b, d, e = (tf.placeholder(tf.int32, [4, 4]) for _ in range(4))
    first = tf.floordiv(a @ b, d, name="first")
    second = tf.floordiv(b @ a, e, name="second")
    return (a, b, d, e), (first, second)


def test_equal_kernels_are_lowered_once(monkeypatch):
    lowered = []
    lower = staged.lower
    monkeypatch.setattr(staged, "lower", lambda node, fed: lowered.append(node) or lower(node, fed))
    _, targets = two_divisions()
    step = capture(targets, [], [])
    graph, program = build_program(step, {}, host())
    assert len([node for node in graph.nodes if node.type == "Kernel"]) == 2
    assert len(lowered) == 1
    kernels = [action.kernel for action in program.actions]
    assert kernels[0] is kernels[1]


@pytest.mark.parametrize(("zero", "name"), [(2, "first"), (3, "second")])
def test_each_fails_under_its_own_name(zero, name):
    inputs, targets = two_divisions()
    feeds = {x: np.full((4, 4), number != zero, np.int32) for number, x in enumerate(inputs)}
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(targets, feeds)
    assert caught.value.op.name == name
