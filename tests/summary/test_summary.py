"""Summaries: what they say is what TensorFlow says, and TensorBoard reads the files."""

from __future__ import annotations

import io
import os
import wave
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf

NUMBERS = np.random.RandomState(3).randn(50).astype(np.float32)
PICTURES = np.random.RandomState(4).uniform(-1, 3, [4, 5, 6, 3]).astype(np.float32)
SOUNDS = np.array([[0, 0.5, -0.5, 1.0, -1.0, 2.0, 0.3333]], np.float32)


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def written(summary: Any) -> Any:
    with tf.Session() as session:
        return tf.Summary.FromString(session.run(summary))


def declared(tf: Any) -> dict[str, Any]:
    """Summaries of every kind, declared by graphc or by TensorFlow."""
    with tf.name_scope("scope"):
        inside = tf.summary.scalar("inside", tf.constant(0.25), family="a family")
    return {
        "scalar": tf.summary.scalar("a number", tf.constant(7)),
        "inside": inside,
        "histogram": tf.summary.histogram("h", tf.constant(NUMBERS)),
        "of ints": tf.summary.histogram("h", tf.constant([-1, 0, 0, 3, 1000000])),
        "empty": tf.summary.histogram("h", tf.zeros([0])),
        "bytes": tf.summary.tensor_summary("t", tf.constant([[1.5, 2.0]])),
        "text": tf.summary.text("words", tf.constant(["one", "two"])),
        "sound": tf.summary.audio("s", tf.constant(SOUNDS), 8000.0),
        "merged": tf.summary.merge_all(),
    }


@pytest.mark.peer("tensorflow")
def test_summaries_say_what_tensorflows_say() -> None:
    import tensorflow.compat.v1 as tf1

    with tf1.Graph().as_default(), tf1.Session() as session:
        theirs = {name: tf.Summary.FromString(value) for name, value in session.run(declared(tf1)).items()}
    with tf.Session() as ours_session:
        ours = {name: tf.Summary.FromString(value) for name, value in ours_session.run(declared(tf)).items()}
    for name, summary in ours.items():
        for mine, its in zip(summary.value, theirs[name].value, strict=True):
            if mine.HasField("histo"):  # sums are rounded in another order
                for field in ("sum", "sum_squares"):
                    np.testing.assert_allclose(getattr(mine.histo, field), getattr(its.histo, field), rtol=1e-12)
                    setattr(mine.histo, field, getattr(its.histo, field))
        assert summary == theirs[name], name


@pytest.mark.peer("tensorflow")
def test_pictures_are_those_of_tensorflow() -> None:
    import tensorflow.compat.v1 as tf1

    broken = PICTURES.copy()
    broken[0, 0, 0, 1] = np.nan
    for pixels in (
        PICTURES,
        PICTURES + 2,
        broken,
        PICTURES * 0,
        (PICTURES * 50 + 60).astype(np.uint8),
        PICTURES[..., :1],
    ):
        with tf1.Graph().as_default(), tf1.Session() as session:
            theirs = tf.Summary.FromString(session.run(tf1.summary.image("i", tf1.constant(pixels))))
            ours = written(tf.summary.image("i", tf.constant(pixels)))
            for mine, its in zip(ours.value, theirs.value, strict=True):
                decoded = [session.run(tf1.image.decode_png(value.image.encoded_image_string)) for value in (mine, its)]
                np.testing.assert_array_equal(*decoded)
                assert [mine.tag.split("/")[-1], mine.image.height] == [its.tag.split("/")[-1], its.image.height]


def test_histograms_have_tensorflows_buckets() -> None:
    """Limits and counts as TensorFlow 2.21 gave them for these values."""
    found = written(tf.summary.histogram("h", tf.constant([-1.0, 0, 0, 1e-13, 2.0, 2.05, 1e30]))).value[0]
    assert found.tag == "h" and (found.histo.num, found.histo.min) == (7, -1)
    np.testing.assert_array_equal(found.histo.bucket, [0, 1, 0, 3, 0, 2, 0, 1])
    np.testing.assert_array_equal(
        found.histo.bucket_limit,
        [
            -1.0089710279437536, -0.917246389039776, 0, 1e-12, 1.9661990955585713, 2.1628190051144287,
            9.9207756218597835e19, 1.7976931348623157e308,
        ],
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, 50, 20000])
def test_few_and_many_values_are_counted_alike(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count) ** 3
    values[: count // 4] = 0
    found = written(tf.summary.histogram("h", tf.constant(values))).value[0].histo
    limits = np.array(found.bucket_limit)
    ends = [np.count_nonzero(values < limit) for limit in limits[:-1]] + [count]
    np.testing.assert_array_equal(found.bucket, np.diff(ends, prepend=0))
    assert (found.num, found.min, found.max) == (count, values.min(), values.max())
    filled = np.array(found.bucket) > 0  # every filled bucket's lower limit is there, and its upper one
    assert set(np.flatnonzero(filled) - 1) >= set(np.flatnonzero(~filled[:-1])) - {-1}


def test_a_picture_can_be_read() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    value = written(tf.summary.image("i", tf.constant(pixels), max_outputs=1)).value[0]
    assert (value.tag, value.image.height, value.image.width, value.image.colorspace) == ("i/image", 2, 4, 3)
    png = value.image.encoded_image_string
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place = png.index(b"IDAT")
    rows = zlib.decompress(png[place + 4 : place + 4 + int.from_bytes(png[place - 4 : place], "big")])
    np.testing.assert_array_equal(np.frombuffer(rows, np.uint8).reshape(2, 13)[:, 1:].ravel(), pixels.ravel())
    assert [v.tag for v in written(tf.summary.image("j", tf.zeros([5, 2, 2, 1]))).value] == [
        "j/image/0", "j/image/1", "j/image/2",
    ]  # fmt: skip


def test_a_sound_can_be_heard() -> None:
    value = written(tf.summary.audio("s", tf.constant(SOUNDS), 8000)).value[0]
    assert (value.tag, value.audio.num_channels, value.audio.length_frames) == ("s/audio/0", 1, 7)
    with wave.open(io.BytesIO(value.audio.encoded_audio_string)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
        samples = np.frombuffer(file.readframes(7), "<i2")
    np.testing.assert_array_equal(samples, [0, 16384, -16384, 32767, -32768, 32767, 10922])


def training() -> tuple[Any, ...]:
    w = tf.Variable([1.0, 2.0], name="w")
    x = tf.placeholder(tf.float32, [None, 2])
    loss = tf.reduce_sum(x * w)
    tf.summary.scalar("loss", loss)
    tf.summary.histogram("w", w)
    return x, tf.train.GradientDescentOptimizer(0.5).minimize(loss), tf.summary.merge_all()


def test_a_training_step_and_its_summaries_are_one_run(tmp_path: Path) -> None:
    x, step, merged = training()
    tf.summary.image("picture", tf.zeros([1, 2, 2, 1]))
    with tf.Session() as session:
        writer = tf.summary.FileWriter(str(tmp_path), session.graph)
        session.run(tf.global_variables_initializer())
        for number in range(3):
            found, _ = session.run([merged, step], {x: np.ones([number + 1, 2])})
            assert isinstance(found, bytes)
            writer.add_summary(found, number)
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="mine", simple_value=2.5)]), 7)
        writer.close()
    events = list(tf.train.summary_iterator(tmp_path / os.listdir(tmp_path)[0]))
    assert events[0].file_version == "brain.Event:2"
    assert [event.WhichOneof("what") for event in events[1:]] == ["graph_def"] + ["summary"] * 4
    # w is (1, 2), then (0.5, 1.5), then (-0.5, 0.5): less by half of what each column of x sums to.
    losses = [event.summary.value[0].simple_value for event in events[2:5]]
    assert losses == [3.0, 4.0, 0.0]


def test_tensorboard_reads_the_files(tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    x, step, merged = training()
    with tf.Session() as session, tf.summary.FileWriter(str(tmp_path), session.graph) as writer:
        session.run(tf.global_variables_initializer())
        for number in range(3):
            writer.add_summary(session.run([merged, step], {x: np.ones([1, 2])})[0], number)
        writer.add_summary(session.run(tf.summary.image("i", tf.zeros([1, 2, 3, 1]), max_outputs=1)))
        writer.add_summary(session.run(tf.summary.text("t", tf.constant("hello"))))
    read = event_accumulator.EventAccumulator(str(tmp_path))
    read.Reload()
    assert [(e.step, e.value) for e in read.Scalars("loss")] == [(0, 3.0), (1, 2.0), (2, 1.0)]
    assert read.Histograms("w_1")[0].histogram_value.num == 2
    assert (read.Images("i/image")[0].width, read.Images("i/image")[0].height) == (3, 2)
    assert read.Tensors("t")[0].tensor_proto.string_val[0] == b"hello"
    assert {"w", "loss", "w/Assign"} <= {node.name for node in read.Graph().node}


def test_a_monitored_session_writes_summaries(tmp_path: Path) -> None:
    step = tf.train.get_or_create_global_step()
    add = tf.assign_add(step, 1)
    tf.summary.scalar("twice", 2 * step)
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path), save_summaries_steps=2, log_step_count_steps=2,
        hooks=[tf.train.StopAtStepHook(5)],
    ) as session:  # fmt: skip
        while not session.should_stop():
            session.run(add)
    tf.summary.FileWriterCache.clear()
    path = next(tmp_path.glob("events.*"))
    found = [(e.step, e.summary.value[0].tag) for e in tf.train.summary_iterator(path) if e.HasField("summary")]
    assert [step for step, tag in found if tag == "twice"] == [1, 3, 5]
    assert [step for step, tag in found if tag == "global_step/sec"] == [3, 5]
    logs = [e.session_log.status for e in tf.train.summary_iterator(path) if e.HasField("session_log")]
    assert logs.count(tf.SessionLog.START) == 1 and logs.count(tf.SessionLog.CHECKPOINT) == 2


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (
            lambda: tf.summary.scalar("x", tf.ones([2])),
            ValueError,
            "tf.summary.scalar 'x': wanted a scalar, but ones:0 is f32[2]",
        ),
        (
            lambda: tf.summary.image("x", tf.ones([1, 2, 2, 5])),
            ValueError,
            "tf.summary.image 'x': wanted [batch, height, width, channels] with 1, 3 or 4 channels, but ones:0 is "
            "f32[1,2,2,5]",
        ),
        (
            lambda: tf.summary.histogram("x", tf.constant("a")),
            TypeError,
            "tf.summary.histogram 'x': wanted real numbers, but Const:0 is string[]",
        ),
        (
            lambda: tf.summary.text("x", tf.constant(1)),
            ValueError,
            "Expected tensor Const:0 to have dtype string, got int32",
        ),
    ],
)
def test_errors_while_declaring(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        make()
    assert str(caught.value) == text


def test_errors_while_running(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32)
    one = tf.summary.scalar("x", x)
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"not the same shape: \[\] != \[2\] \(tag 'x'\)"):
            session.run(one, {x: [1.0, 2.0]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="Nan in summary histogram for: h"):
            session.run(tf.summary.histogram("h", x), {x: [1.0, np.nan]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="Duplicate tag x found in summary inputs"):
            session.run(tf.summary.merge([one, one]), {x: 1.0})
    assert tf.summary.merge_all("no such collection") is None
    taken = tmp_path / "file"
    taken.write_text("")
    with pytest.raises(tf.errors.OpError):
        tf.summary.FileWriter(str(taken / "inner"))
    with pytest.raises(TypeError, match="must be an instance of `Graph`"):
        tf.summary.FileWriter(str(tmp_path), 3)
