"""Queues, producers, batches and readers: by themselves, and beside TensorFlow's."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

import graphc

tf = graphc
ROWS = np.arange(14, dtype=np.float32).reshape(7, 2)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2], np.int32)


@pytest.fixture
def session() -> Any:
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def drawn(tf: Any, make: Any, *arguments: Any) -> list[Any]:
    """What is fetched until the data ends, with queue runners."""
    with tf.Graph().as_default(), tf.Session() as session:
        fetches = make(tf, *arguments)
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coord)
        found = []
        try:
            while len(found) < 40:
                found.append(session.run(fetches))
        except tf.errors.OutOfRangeError:
            pass
        coord.request_stop()
        coord.join(threads, stop_grace_period_secs=20)
        assert not any(thread.is_alive() for thread in threads)
        shapes = [x.shape.as_list() for x in tf.nest.flatten(fetches)]
        return [shapes, *(tf.nest.flatten(one) for one in found)]


def lengths(tf: Any) -> Any:
    """Rows of growing length."""
    n = tf.train.range_input_producer(6, num_epochs=1, shuffle=False).dequeue()
    return tf.fill([n + 1], n)


def rows(tf: Any, **more: Any) -> Any:
    return tf.train.slice_input_producer([ROWS, LABELS], num_epochs=2, shuffle=False, **more)


FILES: dict[str, Any] = {
    "lines": lambda tf, folder: read(tf, tf.TextLineReader(skip_header_lines=1), folder, "a.txt", "b.txt"),
    "whole files": lambda tf, folder: read(tf, tf.WholeFileReader(), folder, "a.txt", "b.txt"),
    "records": lambda tf, folder: read(tf, tf.TFRecordReader(), folder, "r.tfrecord"),
    "bytes": lambda tf, folder: read(tf, tf.FixedLengthRecordReader(3, 1, 2), folder, "f.bin"),
    "bytes that overlap": lambda tf, folder: read(tf, tf.FixedLengthRecordReader(4, hop_bytes=2), folder, "f.bin"),
    "names": lambda tf, folder: read(tf, tf.IdentityReader(), folder, "a.txt", "b.txt"),
    "several lines": lambda tf, folder: tf.TextLineReader().read_up_to(names(tf, folder, "a.txt", "b.txt"), 2),
}


def names(tf: Any, folder: Any, *files: str) -> Any:
    return tf.train.string_input_producer([str(folder / file) for file in files], num_epochs=1, shuffle=False)


def read(tf: Any, reader: Any, folder: Any, *files: str) -> Any:
    return reader.read(names(tf, folder, *files))


PROGRAMS: dict[str, Any] = {
    "batch": lambda tf: tf.train.batch(rows(tf), 4),
    "batch, the last one smaller": lambda tf: tf.train.batch(rows(tf), 4, allow_smaller_final_batch=True),
    "batch of a dictionary": lambda tf: tf.train.batch(dict(zip("yx", rows(tf), strict=True)), 3),
    "batch of one": lambda tf: tf.train.batch([rows(tf)[0] * 2], 5),
    "batch of rows": lambda tf: tf.train.batch([tf.train.limit_epochs(tf.constant(ROWS), 2)], 5, enqueue_many=True),
    "padded": lambda tf: tf.train.batch([lengths(tf)], 3, dynamic_pad=True),
    "maybe": lambda tf: (lambda xy: tf.train.maybe_batch(xy, xy[1] > 2, 3, allow_smaller_final_batch=True))(rows(tf)),
    "numbers": lambda tf: tf.train.range_input_producer(5, num_epochs=3, shuffle=False).dequeue(),
    "numbers in an order of seeds": lambda tf: tf.train.range_input_producer(9, num_epochs=2, seed=4).dequeue(),
    "strings in an order of seeds": lambda tf: tf.train.string_input_producer(
        ["a", "b", "c", "d", "e"], num_epochs=2, seed=7).dequeue(),
    "rows of a tensor": lambda tf: tf.train.input_producer(ROWS, num_epochs=1, shuffle=False).dequeue(),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Any) -> Any:
    (tmp_path / "a.txt").write_bytes(b"one\ntwo\r\n\nthree")
    (tmp_path / "b.txt").write_bytes(b"head\nfour\n")
    (tmp_path / "f.bin").write_bytes(bytes(range(12)))
    with tf.python_io.TFRecordWriter(str(tmp_path / "r.tfrecord")) as writer:
        for n in range(3):
            writer.write(b"x" * n * n)
    return tmp_path


def assert_same(found: list[Any], wanted: list[Any]) -> None:
    assert found[0] == wanted[0]
    assert len(found) == len(wanted)
    for ours, theirs in zip(found[1:], wanted[1:], strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert np.asarray(one).dtype == np.asarray(other).dtype
            np.testing.assert_array_equal(one, other)


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_give_what_tensorflow_gives(name: str) -> None:
    peer = pytest.importorskip("tensorflow").compat.v1
    assert_same(drawn(graphc, PROGRAMS[name]), drawn(peer, PROGRAMS[name]))


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize("name", FILES)
def test_readers_give_what_tensorflow_gives(name: str, folder: Any) -> None:
    peer = pytest.importorskip("tensorflow").compat.v1
    assert_same(drawn(graphc, FILES[name], folder), drawn(peer, FILES[name], folder))


def test_readers_count_and_begin_anew(session: Any, folder: Any) -> None:
    queue = tf.FIFOQueue(10, tf.string)
    reader = tf.TextLineReader()
    key, value = reader.read(queue)
    counts = [reader.num_records_produced(), reader.num_work_units_completed()]
    session.run(queue.enqueue_many([[str(folder / "b.txt")] * 2]))
    assert [session.run(value) for _ in range(3)] == [b"head", b"four", b"head"]
    assert [int(n) for n in session.run(counts)] == [3, 1]
    session.run(reader.reset())
    assert [int(n) for n in session.run(counts)] == [0, 0]
    session.run(queue.enqueue(str(folder / "missing")))
    with pytest.raises(tf.errors.NotFoundError, match="missing"):
        session.run(value)
    session.run([queue.enqueue(str(folder / "b.txt")), queue.close()])
    assert session.run(key) == str(folder / "b.txt").encode() + b":1"
    with pytest.raises(NotImplementedError, match="from_generator"):
        tf.LMDBReader()


# -- queues --------------------------------------------------------------------------------------------------


def test_a_queue_gives_what_it_was_given(session: Any) -> None:
    queue = tf.FIFOQueue(10, [tf.float32, tf.int32], shapes=[[2], []], name="examples")
    assert (queue.name, queue.dtypes, queue.queue_ref.op.name) == ("examples", [tf.float32, tf.int32], "examples")
    x = tf.placeholder(tf.float32, [None, 2])
    put = queue.enqueue_many([x * 2, tf.range(tf.shape(x)[0])])
    session.run(put, {x: ROWS})
    first, number = queue.dequeue()
    many, _ = queue.dequeue_many(3)
    assert (first.shape.as_list(), many.shape.as_list(), number.dtype) == ([2], [3, 2], tf.int32)
    np.testing.assert_array_equal(session.run(first), ROWS[0] * 2)
    np.testing.assert_array_equal(session.run(many), ROWS[1:4] * 2)
    assert session.run(queue.size()) == 3 and not session.run(queue.is_closed())
    session.run(queue.close())
    assert session.run(queue.is_closed())
    with pytest.raises(tf.errors.OutOfRangeError, match=r"closed and has insufficient elements \(requested 4, current"):
        session.run(queue.dequeue_many(4))
    np.testing.assert_array_equal(session.run(queue.dequeue_up_to(4)[1]), [4, 5, 6])
    with pytest.raises(tf.errors.CancelledError, match="'examples' is closed"):
        session.run(put, {x: ROWS})


def test_elements_with_names_are_dictionaries(session: Any) -> None:
    queue = tf.FIFOQueue(5, [tf.int32, tf.string], names=["n", "word"])
    session.run(queue.enqueue({"n": 3, "word": "three"}))
    assert session.run(queue.dequeue()) == {"n": 3, "word": b"three"}
    with pytest.raises(ValueError, match="names of Queue"):
        queue.enqueue({"n": 3})
    with pytest.raises(ValueError, match="must enqueue a dictionary"):
        queue.enqueue([3, "three"])


def test_what_does_not_fit_a_queue_is_refused(session: Any) -> None:
    queue = tf.FIFOQueue(5, [tf.float32], shapes=[[2]])
    with pytest.raises(ValueError, match=r"component 0 has shape \[3\]; wanted \[2\]"):
        queue.enqueue([[1.0, 2.0, 3.0]])
    x = tf.placeholder(tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Expected \[2\], got \[3\]"):
        session.run(queue.enqueue(x), {x: [1, 2, 3]})
    with pytest.raises(ValueError, match="all shapes must be fully defined"):
        tf.FIFOQueue(5, tf.float32).dequeue_many(2)
    with pytest.raises(ValueError, match="same length as dtypes"):
        tf.FIFOQueue(5, [tf.float32, tf.int32], shapes=[[]])


def test_orders_of_other_queues(session: Any) -> None:
    orders = []
    for seed in (1, 1, 2):
        queue = tf.RandomShuffleQueue(50, 5, tf.int32, shapes=[[]], seed=seed)
        session.run(queue.enqueue_many([list(range(30))]))
        first = session.run(queue.dequeue_many(25)).tolist()
        session.run(queue.close())
        orders.append(first + session.run(queue.dequeue_many(5)).tolist())
    assert sorted(orders[0]) == list(range(30)) != orders[0]
    assert orders[0] == orders[1] != orders[2]

    queue = tf.PriorityQueue(10, tf.string, shapes=[[]])
    session.run(queue.enqueue_many([np.array([5, 1, 3, 1], np.int64), ["five", "one", "three", "another one"]]))
    assert session.run(queue.dequeue_many(4))[1].tolist() == [b"one", b"another one", b"three", b"five"]

    queue = tf.PaddingFIFOQueue(10, [tf.int32], shapes=[[None]])
    x = tf.placeholder(tf.int32, [None])
    for n in (1, 3, 2):
        session.run(queue.enqueue(x), {x: [n] * n})
    np.testing.assert_array_equal(session.run(queue.dequeue_many(3)), [[1, 0, 0], [3, 3, 3], [2, 2, 0]])


def waiting(function: Any) -> tuple[threading.Thread, list[Any]]:
    """A thread that waits in ``function``, and what it got."""
    got: list[Any] = []

    def work() -> None:
        try:
            got.append(function())
        except Exception as error:
            got.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.05)
    assert thread.is_alive() and not got
    return thread, got


def test_who_waits_goes_on_when_there_is_room_or_an_element(session: Any) -> None:
    queue = tf.FIFOQueue(2, tf.int32, shapes=[[]])
    put, taken = queue.enqueue_many([[1, 2, 3, 4]]), queue.dequeue()
    thread, got = waiting(lambda: session.run(put))
    assert session.run(queue.dequeue_many(4)).tolist() == [1, 2, 3, 4], "more than it holds at a time"
    thread.join(10)
    assert got == [None]
    thread, got = waiting(lambda: session.run(taken))
    session.run(queue.enqueue(7))
    thread.join(10)
    assert got == [7]


@pytest.mark.parametrize("how", ["close", "cancel", "session"])
def test_who_waits_is_let_go(how: str) -> None:
    with tf.Graph().as_default():
        session = tf.Session()
        queue, full = tf.FIFOQueue(2, tf.int32), tf.FIFOQueue(1, tf.int32)
        more, taken = full.enqueue(2), queue.dequeue()
        session.run(full.enqueue(1))
        thread, got = waiting(lambda: session.run(taken))
        other, refused = waiting(lambda: session.run(more))
        if how == "session":
            session.close()
        else:
            session.run([queue.close(), full.close(cancel_pending_enqueues=how == "cancel")])
        thread.join(10)
        if how == "close":
            assert session.run(full.dequeue()) == 1
        other.join(10)
        assert not thread.is_alive() and not other.is_alive()
        assert isinstance(got[0], tf.errors.CancelledError if how == "session" else tf.errors.OutOfRangeError)
        assert refused[0] is None if how == "close" else isinstance(refused[0], tf.errors.CancelledError)
        session.close()


def test_an_error_in_a_runner_reaches_who_joins(session: Any) -> None:
    def refuse() -> Any:
        raise ValueError("no such file")

    x = tf.py_func(refuse, [], tf.float32)
    x.set_shape([])
    batch = tf.train.batch([x], 2)
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coord)
    with pytest.raises((tf.errors.OutOfRangeError, tf.errors.CancelledError)):
        session.run(batch)
    with pytest.raises(tf.errors.InvalidArgumentError, match="no such file") as caught:
        coord.join(threads)
    assert caught.value.op is x.op and not any(thread.is_alive() for thread in threads)


def test_runners_start_once_and_need_a_session() -> None:
    with tf.Graph().as_default():
        queue = tf.train.range_input_producer(5, shuffle=False)
        with pytest.raises(ValueError, match="No default session"):
            tf.train.start_queue_runners()
        (runner,) = tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
        assert runner.queue is queue and runner.name == queue.name
        with tf.Session() as session:
            threads = tf.train.start_queue_runners()
            assert len(threads) == 1 and tf.train.start_queue_runners() == []
            assert [int(session.run(queue.dequeue())) for _ in range(3)] == [0, 1, 2]
        threads[0].join(10)
        assert not threads[0].is_alive(), "the session is closed"
        with pytest.raises(ValueError, match="Must provide queue"):
            tf.train.QueueRunner(queue)


def test_epochs_are_counted_in_a_local_variable(session: Any) -> None:
    limited = tf.train.limit_epochs(tf.constant(3.0), 2)
    (epochs,) = tf.local_variables()
    assert epochs.op.name.endswith("epochs") and epochs.dtype.base_dtype is tf.int64
    with pytest.raises(tf.errors.FailedPreconditionError):
        session.run(limited)
    session.run(tf.local_variables_initializer())
    assert [session.run(limited) for _ in range(2)] == [3.0, 3.0]
    with pytest.raises(tf.errors.OutOfRangeError, match="Reached limit of 2"):
        session.run(limited)
    assert session.run(epochs) == 2


def test_names_of_files_are_matched_once(session: Any, folder: Any) -> None:
    found = tf.train.match_filenames_once(str(folder / "*.txt"))
    assert len(session.run(found)) == 2
    (folder / "c.txt").write_text("later")
    assert len(session.run(found)) == 2


def by_length(**more: Any) -> Any:
    """Rows of the lengths 1 to 6, with their numbers, in batches of similar length."""
    n = tf.train.range_input_producer(6, num_epochs=2, shuffle=False).dequeue()
    row = tf.fill([n + 1], n)
    return tf.contrib.training.bucket_by_sequence_length(
        n + 1, [row, n], 2, [3, 5], dynamic_pad=True, allow_smaller_final_batch=True, **more
    )


def test_buckets_hold_what_is_of_similar_length() -> None:
    _, *found = drawn(tf, lambda tf: by_length())
    numbers = sorted(n for lengths_, rows_, numbers in found for n in numbers)
    assert numbers == sorted([*range(6)] * 2) and len(found) == 6
    for lengths_, rows_, numbers in found:
        assert {int(np.searchsorted([3, 5], n, side="right")) for n in lengths_} in ({0}, {1}, {2})
        np.testing.assert_array_equal(lengths_, numbers + 1)
        assert rows_.shape == (len(numbers), max(lengths_))
        for row, length, number in zip(rows_, lengths_, numbers, strict=True):
            assert row.tolist() == [number] * length + [0] * (max(lengths_) - length)
    with pytest.raises(ValueError, match="strictly increasing"):
        tf.contrib.training.bucket_by_sequence_length(1, [ROWS], 2, [3, 3])


def test_batches_are_prefetched_inside_a_with_statement(session: Any) -> None:
    n = tf.train.range_input_producer(6, shuffle=False).dequeue()
    batch = tf.train.batch({"n": n, "square": n * n}, 3)
    queue = tf.contrib.slim.prefetch_queue.prefetch_queue(batch, capacity=2)
    element = queue.dequeue()
    assert element["n"].shape.as_list() == [3]
    before = threading.active_count()
    with tf.contrib.slim.queues.QueueRunners(session):
        assert threading.active_count() > before
        for first in (0, 3, 0):
            found = session.run(element)
            np.testing.assert_array_equal(found["square"], np.arange(first, first + 3) ** 2)
            np.testing.assert_array_equal(found["square"], found["n"] ** 2)
    assert threading.active_count() == before


# -- training ------------------------------------------------------------------------------------------------


def trained(feed: str) -> list[float]:
    """The losses of a small regression whose batches, always in the same order, come in this way."""
    data = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    wanted = (data @ [1.0, -2.0, 0.5]).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        feeds: list[Any] = [{}] * 30
        coord, threads, before = tf.train.Coordinator(), [], []
        if feed == "placeholder":
            x, y = tf.placeholder(tf.float32, [4, 3]), tf.placeholder(tf.float32, [4])
            places = [slice(4 * (n % 3), 4 * (n % 3) + 4) for n in range(30)]
            feeds = [{x: data[place], y: wanted[place]} for place in places]
        elif feed == "queue":
            x, y = tf.train.batch(tf.train.slice_input_producer([data, wanted], shuffle=False), 4)
        else:
            dataset = (
                tf.data.Dataset.from_tensor_slices((data, wanted)).repeat().batch(4, drop_remainder=True).prefetch(1)
            )
            if feed == "one-shot iterator":
                x, y = dataset.make_one_shot_iterator().get_next()
            else:
                iterator = dataset.make_initializable_iterator()
                x, y = iterator.get_next()
                before = [iterator.initializer]
        w = tf.Variable(tf.zeros([3]))
        loss = tf.reduce_mean(tf.square(tf.reduce_sum(x * w, 1) - y))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        session.run([tf.global_variables_initializer(), *before])
        threads = tf.train.start_queue_runners(session, coord)
        losses = [float(session.run([loss, train], feed)[0]) for feed in feeds]
        coord.request_stop()
        coord.join(threads)
        return losses


@pytest.mark.parametrize("feed", ["one-shot iterator", "initializable iterator", "queue"])
def test_training_does_not_depend_on_how_data_comes(feed: str) -> None:
    wanted = trained("placeholder")
    assert wanted[-1] < 0.1 * wanted[0]
    assert trained(feed) == wanted
