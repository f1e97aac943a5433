"""MNIST files: read from a folder, handed out in batches as TensorFlow does."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.examples.tutorials.mnist import input_data

IMAGES = np.arange(7 * 3 * 2, dtype=np.uint8).reshape(7, 3, 2)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2], np.uint8)


def write(path: Path, array: Any, packed: bool) -> None:
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    data = head + array.tobytes()
    path.with_name(path.name + ".gz" * packed).write_bytes(gzip.compress(data) if packed else data)


@pytest.fixture(name="folder", params=[False, True], ids=["plain", "gzipped"])
def _folder(tmp_path: Path, request: Any) -> Path:
    write(tmp_path / "train-images-idx3-ubyte", IMAGES, request.param)
    write(tmp_path / "train-labels-idx1-ubyte", LABELS, request.param)
    write(tmp_path / "t10k-images-idx3-ubyte", IMAGES[:4], request.param)
    write(tmp_path / "t10k-labels-idx1-ubyte", LABELS[:4], request.param)
    return tmp_path


def test_sets_of_a_folder(folder: Path) -> None:
    mnist = tf.examples.tutorials.mnist.input_data.read_data_sets(str(folder), one_hot=True, validation_size=2)
    assert [part.num_examples for part in mnist] == [5, 2, 4]
    assert mnist.train.images.dtype == np.float32 and mnist.train.images.shape == (5, 6)
    np.testing.assert_array_equal(mnist.test.images, IMAGES[:4].reshape(4, 6).astype(np.float32) * np.float32(1 / 255))
    np.testing.assert_array_equal(mnist.validation.labels, np.eye(10)[[3, 1]])
    plain = input_data.read_data_sets(folder, dtype=tf.uint8, reshape=False, validation_size=0)
    assert plain.train.images.shape == (7, 3, 2, 1) and plain.train.images.dtype == np.uint8
    np.testing.assert_array_equal(plain.train.labels, LABELS)


def test_batches_are_shuffled_for_each_epoch(folder: Path) -> None:
    train = input_data.read_data_sets(folder, validation_size=0, dtype=tf.uint8, seed=5).train
    batches = [train.next_batch(3) for _ in range(7)]
    labels = np.concatenate([label for _, label in batches])
    assert train.epochs_completed == 2
    for epoch in range(3):
        np.testing.assert_array_equal(np.sort(labels[7 * epoch : 7 * epoch + 7]), np.sort(LABELS))
    # TensorFlow seeds NumPy's global generator with the op's seed, and shuffles an array of places.
    state = np.random.RandomState(5)
    order = np.arange(7)
    state.shuffle(order)
    np.testing.assert_array_equal(labels[:7], LABELS[order])
    np.testing.assert_array_equal(batches[0][0], IMAGES[order[:3]].reshape(3, 6))
    in_order = input_data.read_data_sets(folder, validation_size=0).train.next_batch(7, shuffle=False)[1]
    np.testing.assert_array_equal(in_order, LABELS)


def test_what_is_missing_or_damaged_is_named(folder: Path, tmp_path: Path) -> None:
    for path in tmp_path.glob("t10k-labels*"):
        path.unlink()
    with pytest.raises(tf.errors.NotFoundError, match=r"lacks t10k-labels-idx1-ubyte .*downloads nothing"):
        input_data.read_data_sets(folder)
    write(tmp_path / "t10k-labels-idx1-ubyte", IMAGES, False)
    with pytest.raises(ValueError, match="Invalid magic number 2051 in MNIST label file"):
        input_data.read_data_sets(folder, validation_size=0)
    write(tmp_path / "t10k-labels-idx1-ubyte", LABELS[:4], False)
    with pytest.raises(ValueError, match=r"Validation size should be between 0 and 7. Received: 8."):
        input_data.read_data_sets(folder, validation_size=8)
    path = tmp_path / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(tf.errors.DataLossError, match="3 bytes for an array of shape"):
        input_data.read_data_sets(folder, validation_size=0)


def test_fake_data() -> None:
    mnist = input_data.read_data_sets("nowhere", fake_data=True, one_hot=True)
    images, labels = mnist.train.next_batch(2)
    assert np.shape(images) == (2, 784) and labels == [[1] + [0] * 9] * 2


def test_the_network_of_the_tutorial() -> None:
    network = tf.examples.tutorials.mnist.mnist
    labels = np.arange(20) % network.NUM_CLASSES
    images = np.resize(np.eye(10), [10, network.IMAGE_PIXELS])[labels]
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        x, y = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.int32, [None])
        logits = network.inference(x, 32, 32)
        loss = network.loss(logits, y)
        step, right = network.training(loss, 0.1), network.evaluation(logits, y)
        session.run(tf.global_variables_initializer())
        feeds = {x: images, y: labels}
        before = session.run(loss, feeds)
        for _ in range(300):
            session.run(step, feeds)
        assert session.run(loss, feeds) < before / 2
        found, top = session.run([right, logits], feeds)
        assert found == (top.argmax(1) == labels).sum()
        assert [v.op.name for v in tf.trainable_variables()][:2] == ["hidden1/weights", "hidden1/biases"]
