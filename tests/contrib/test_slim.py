"""slim: training loops, networks, and how large they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.contrib import slim
from graphc.contrib.slim.nets import resnet_v1
from graphc.contrib.slim.python.slim.nets.inception_v3 import inception_v3_arg_scope
from graphc.contrib.slim.python.slim.nets.resnet_utils import conv2d_same


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    """A graph for each test."""
    with tf.Graph().as_default() as graph:
        yield graph


def _line() -> Any:
    """A training operation for a line through three points."""
    x = tf.constant([[0.0], [1.0], [2.0]])
    line = slim.fully_connected(x, 1, activation_fn=None, scope="line")
    slim.losses.mean_squared_error(line, 3 * x - 1)
    optimizer = tf.train.GradientDescentOptimizer(0.3)
    return slim.learning.create_train_op(slim.losses.get_total_loss(), optimizer, summarize_gradients=True)


def test_train_runs_saves_and_goes_on(tmp_path: Path, graph: tf.Graph) -> None:
    train_op = _line()
    first = slim.learning.train(train_op, str(tmp_path), number_of_steps=40, log_every_n_steps=20)
    assert first < 0.2
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("model.ckpt-40")
    with tf.Graph().as_default():
        assert slim.learning.train(_line(), str(tmp_path), number_of_steps=120) < first / 4
    with tf.Graph().as_default():
        x = tf.constant([[0.0], [1.0]])
        line = slim.fully_connected(x, 1, activation_fn=None, scope="line")
        value, update = slim.metrics.streaming_mean_absolute_error(line, 3 * x - 1)
        path = tf.train.latest_checkpoint(str(tmp_path))
        restored = slim.get_variables_to_restore()
        found = slim.evaluation.evaluate_once(
            "", path, None, 3, eval_op=update, final_op=value, variables_to_restore=restored
        )
        assert found < 0.1


def test_a_loop_of_ones_own_steps() -> None:
    losses = []

    def step(session: Any, train_op: Any, global_step: Any, settings: Any) -> Any:
        loss, stop = slim.learning.train_step(session, train_op, global_step, settings)
        losses.append(loss)
        return loss, stop or len(losses) == 5

    slim.learning.train(_line(), None, step, number_of_steps=100)
    assert len(losses) == 5
    assert losses[-1] < losses[0]


def test_train_op_updates_clips_and_checks() -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    normal = slim.batch_norm(x, scope="bn")
    w = tf.get_variable("w", initializer=[3.0, 4.0])
    loss = tf.reduce_sum(normal * 0) + tf.reduce_sum(tf.square(w)) + tf.reduce_sum(0 * x)
    train_op = slim.learning.create_train_op(
        loss, tf.train.GradientDescentOptimizer(1.0), clip_gradient_norm=1.0, gradient_multipliers={"w:0": 2.0}
    )
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(train_op, {x: np.ones((4, 2))}) == 25.0
        np.testing.assert_allclose(session.run(w), [3 - 0.6, 4 - 0.8], rtol=1e-6)
        np.testing.assert_allclose(session.run(slim.get_variables("bn/moving_mean")[0]), [1e-3, 1e-3], rtol=1e-4)
        assert session.run(tf.train.get_global_step()) == 1
        with pytest.raises(tf.errors.InvalidArgumentError, match="LossTensor is inf or nan"):
            session.run(train_op, {x: np.full((4, 2), np.inf)})


def test_model_analyzer(capsys: pytest.CaptureFixture[str]) -> None:
    slim.conv2d(tf.zeros([1, 8, 8, 3]), 4, [3, 3])
    assert slim.model_analyzer.analyze_vars(tf.trainable_variables(), print_info=True) == (112, 448)
    printed = capsys.readouterr().out
    assert "Conv/weights:0 (float32_ref 3x3x3x4) [108, bytes: 432]" in printed
    assert "Total bytes of variables: 448" in printed


def test_networks() -> None:
    images = tf.placeholder(tf.float32, [None, 33, 33, 3])
    blocks = [resnet_v1.resnet_v1_block("block1", 2, 2, 2), resnet_v1.resnet_v1_block("block2", 4, 1, 1)]
    with slim.arg_scope(slim.nets.resnet_utils.resnet_arg_scope()):
        scores, ends = resnet_v1.resnet_v1(images, blocks, 5, is_training=False, scope="small")
    assert scores.shape.as_list() == [None, 5]
    names = [variable.op.name for variable in tf.trainable_variables()]
    assert names[:3] == ["small/conv1/weights", "small/conv1/BatchNorm/gamma", "small/conv1/BatchNorm/beta"]
    assert "small/block1/unit_2/bottleneck_v1/conv2/weights" in names
    assert names[-2:] == ["small/logits/weights", "small/logits/biases"]
    assert {"small/conv1", "small/block1", "small/block2", "predictions"} <= set(ends)
    assert ends["small/block1"].shape.as_list() == [None, 5, 5, 8]
    with slim.arg_scope(inception_v3_arg_scope()):
        slim.conv2d(images, 4, 3, scope="mixed")
    assert [v.op.name for v in tf.get_collection("moving_vars")] == [
        "mixed/BatchNorm/moving_mean", "mixed/BatchNorm/moving_variance",
    ]  # fmt: skip
    same = conv2d_same(images, 2, 3, stride=2, scope="same")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = session.run([scores, same], {images: np.zeros((2, 33, 33, 3))})
    assert [value.shape for value in found] == [(2, 5), (2, 17, 17, 2)]


def test_summaries_of_a_step() -> None:
    w = tf.get_variable("w", initializer=[3.0, 4.0])
    wanted = ["loss", "learning_rate", "gradients", "gradient_norm", "global_gradient_norm"]
    tf.contrib.layers.optimize_loss(tf.reduce_sum(w), None, 0.1, "SGD", summaries=wanted)
    tf.contrib.layers.summarize_activation(tf.nn.relu(w))
    assert len(tf.get_collection(tf.GraphKeys.SUMMARIES)) == 7
    with pytest.raises(ValueError, match="Summaries should be one of"):
        tf.contrib.layers.optimize_loss(tf.reduce_sum(w), None, 0.1, "SGD", summaries=["nothing"], name="other")
