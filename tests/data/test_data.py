"""``tf.data`` by itself: iterators, orders, files, errors, and threads that end."""

from __future__ import annotations

import gc
import gzip
import threading
import time
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.data.pipelines import LABELS, PIPELINES, ROWS

Dataset = tf.data.Dataset


@pytest.fixture
def session() -> Any:
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def values(session: Any, dataset: Any, most: int = 100) -> list[Any]:
    """The elements of a dataset."""
    element = dataset.make_one_shot_iterator().get_next()
    found = []
    try:
        while len(found) < most:
            found.append(session.run(element))
    except tf.errors.OutOfRangeError:
        pass
    return found


def prefetching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("graphc-")]


def all_end(threads: list[threading.Thread]) -> bool:
    for thread in threads:
        thread.join(10)
    return not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("name", PIPELINES)
def test_every_pipeline_can_be_begun_again(session: Any, name: str) -> None:
    iterator = PIPELINES[name](tf).make_initializable_iterator()
    element = iterator.get_next()
    passes = []
    for _ in range(2):
        session.run(iterator.initializer)
        found = []
        with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
            while True:
                found.append(session.run(element))
        assert found
        passes.append(found)
    for first, second in zip(*passes, strict=True):
        for one, other in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True):
            np.testing.assert_array_equal(one, other)


# -- order ---------------------------------------------------------------------------------------------------


def test_shuffle_keeps_elements_and_its_seed_decides_the_order(session: Any) -> None:
    def order(seed: int | None, size: int = 10) -> list[int]:
        return [int(x) for x in values(session, Dataset.range(30).shuffle(size, seed))]

    assert sorted(order(None)) == list(range(30))
    assert order(3) == order(3) != order(4)
    assert order(3, 1) == list(range(30))
    for size in (2, 10, 30, 100):
        assert sorted(order(5, size)) == list(range(30))
    early = [order(seed, 5)[0] for seed in range(20)]
    assert max(early) <= 4 and len(set(early)) > 1, "the first is one of the first five"


@pytest.mark.parametrize("again", [None, True, False])
def test_each_pass_has_an_order_of_its_own_unless_told_otherwise(session: Any, again: bool | None) -> None:
    dataset = Dataset.range(20).shuffle(20, seed=1, reshuffle_each_iteration=again).repeat(2)
    found = [int(x) for x in values(session, dataset)]
    assert sorted(found[:20]) == sorted(found[20:]) == list(range(20))
    assert (found[:20] == found[20:]) == (again is False)


def test_the_seed_of_the_graph_decides_too() -> None:
    orders = []
    for seed in (1, 1, 2):
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(seed)
            orders.append([int(x) for x in values(session, Dataset.range(20).shuffle(20))])
    assert orders[0] == orders[1] != orders[2]


def test_a_batch_of_shuffled_rows_is_one_take(session: Any) -> None:
    rows = np.arange(200, dtype=np.float32).reshape(100, 2)
    dataset = Dataset.from_tensor_slices((rows, np.arange(100))).shuffle(100, seed=1).repeat().batch(16)
    stage = dataset.stage
    calls = []
    slices = stage.parents[0].parents[0].parents[0]
    original = type(slices).together
    type(slices).together = lambda self, run, tokens: calls.append(len(tokens)) or original(self, run, tokens)
    try:
        x, n = dataset.make_one_shot_iterator().get_next()
        for _ in range(3):
            found, numbers = session.run([x, n])
            np.testing.assert_array_equal(found, rows[numbers])
    finally:
        type(slices).together = original
    assert calls == [16, 16, 16]


def test_sampled_datasets_follow_the_weights(session: Any) -> None:
    parts = [Dataset.from_tensors(np.int64(n)).repeat() for n in range(3)]
    sampled = tf.data.experimental.sample_from_datasets(parts, [0.0, 0.5, 0.5], seed=1).take(100)
    counts = np.bincount(values(session, sampled), minlength=3)
    assert counts[0] == 0 and min(counts[1:]) > 20


# -- iterators -----------------------------------------------------------------------------------------------


def test_an_initializable_iterator_takes_what_is_fed_at_its_start(session: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    size = tf.placeholder(tf.int64, [])
    iterator = Dataset.from_tensor_slices(x).batch(size).make_initializable_iterator()
    element = iterator.get_next()
    assert element.shape.as_list() == [None, 2]
    with pytest.raises(tf.errors.FailedPreconditionError, match="has not been initialized"):
        session.run(element)
    session.run(iterator.initializer, {x: ROWS, size: 3})
    np.testing.assert_array_equal(session.run(element), ROWS[:3])
    session.run(iterator.initializer, {x: ROWS[::-1], size: 2})
    np.testing.assert_array_equal(session.run(element), ROWS[:4:-1])
    with pytest.raises(ValueError, match="Cannot capture a placeholder"):
        Dataset.from_tensor_slices(x).make_one_shot_iterator()


def test_one_iterator_for_several_datasets(session: Any) -> None:
    train, test = Dataset.range(3), Dataset.range(10, 12)
    iterator = tf.data.Iterator.from_structure(train.output_types, train.output_shapes)
    element = iterator.get_next()
    begin = [iterator.make_initializer(dataset) for dataset in (train, test)]
    found = []
    for start in (*begin, begin[0]):
        session.run(start)
        found.append(int(session.run(element)))
    assert found == [0, 10, 0]
    with pytest.raises(TypeError, match="output types"):
        iterator.make_initializer(Dataset.from_tensors(1.5))
    with pytest.raises(TypeError, match="structure"):
        iterator.make_initializer(Dataset.from_tensors((1, 2)))
    with pytest.raises(ValueError, match="does not have an initializer"):
        _ = iterator.initializer


def test_a_fed_handle_says_which_iterator(session: Any) -> None:
    first = Dataset.range(5).make_one_shot_iterator()
    second = Dataset.range(10, 15).make_initializable_iterator()
    handle = tf.placeholder(tf.string, shape=[])
    element = tf.data.Iterator.from_string_handle(handle, first.output_types, first.output_shapes).get_next()
    session.run(second.initializer)
    one, other = session.run([first.string_handle(), second.string_handle()])
    found = [int(session.run(element, {handle: h})) for h in (one, other, one, other)]
    assert found == [0, 10, 1, 11]
    with pytest.raises(tf.errors.InvalidArgumentError, match="no handle of an iterator"):
        session.run(element, {handle: "nothing"})
    wrong = tf.data.Iterator.from_string_handle(handle, tf.float32).get_next()
    with pytest.raises(tf.errors.InvalidArgumentError, match="output types"):
        session.run(wrong, {handle: one})


def test_one_get_next_is_one_element_and_two_are_two(session: Any) -> None:
    iterator = Dataset.from_tensor_slices((np.arange(6), np.arange(6) * 10)).make_one_shot_iterator()
    x, y = iterator.get_next()
    z, _ = iterator.get_next()
    found = [int(v) for v in session.run([x, y, x + y])]
    assert found[1] == 10 * found[0] and found[2] == 11 * found[0]
    assert sorted(int(v) for v in session.run([x, z])) == [1, 2]


def test_sessions_have_their_own_places() -> None:
    with tf.Graph().as_default():
        element = Dataset.range(5).make_one_shot_iterator().get_next()
        with tf.Session() as one, tf.Session() as other:
            assert [int(s.run(element)) for s in (one, one, other)] == [0, 1, 0]


def test_the_step_after_get_next_is_one_native_program(session: Any) -> None:
    x, y = (
        Dataset.from_tensor_slices((ROWS, LABELS))
        .repeat()
        .batch(4, drop_remainder=True)
        .make_one_shot_iterator()
        .get_next()
    )
    assert (x.shape.as_list(), y.dtype) == ([4, 2], tf.int32)
    w = tf.Variable(tf.zeros([2, 1]))
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w)[:, 0] - tf.cast(y, tf.float32)))
    train = tf.train.GradientDescentOptimizer(0.001).minimize(loss)
    session.run(tf.global_variables_initializer())
    for _ in range(4):
        session.run([train, loss])
    (stage,) = session._plan([train, loss], {}).staged.stages
    assert len(stage[0]) == 1 and stage[1].versions.compilations == 1


def test_reduce_and_single_element(session: Any) -> None:
    total = Dataset.range(5).reduce(np.int64(0), lambda state, x: state + x)
    pair = Dataset.from_tensor_slices(ROWS).reduce((0, tf.zeros([2])), lambda s, x: (s[0] + 1, s[1] + x))
    count, summed = session.run(pair)
    assert session.run(total) == 10 and count == 7
    np.testing.assert_array_equal(summed, ROWS.sum(0))
    single = tf.data.experimental.get_single_element(Dataset.range(3).skip(2))
    assert session.run(single) == 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than one element"):
        session.run(tf.data.experimental.get_single_element(Dataset.range(3)))
    with pytest.raises(TypeError, match="gives a state of"):
        Dataset.range(5).reduce(0, lambda state, x: x)


# -- functions -----------------------------------------------------------------------------------------------


def test_a_function_is_traced_once_and_compiled_once(session: Any) -> None:
    traced = []

    def function(x: Any) -> Any:
        traced.append(x)
        return tf.exp(x) * 2.0

    iterator = Dataset.from_tensor_slices(ROWS).map(function).make_initializable_iterator()
    element = iterator.get_next()
    for _ in range(3):
        session.run(iterator.initializer)
        for row in ROWS:
            np.testing.assert_allclose(session.run(element), np.exp(row) * 2, rtol=1e-6)
    assert len(traced) == 1 and len([key for key in session.resources if hasattr(key, "body")]) == 1


def test_random_numbers_inside_a_function_are_new_for_each_element(session: Any) -> None:
    found = values(session, Dataset.range(4).map(lambda n: tf.random_uniform([3], seed=1)))
    assert len({tuple(x) for x in found}) == 4


def test_names_inside_a_function_leave_those_outside_alone(session: Any) -> None:
    Dataset.range(4).map(lambda n: tf.add(n, 1, name="plus"))
    assert tf.add(1, 2, name="plus").op.name == "plus"


def test_a_function_reads_variables_as_they_are_at_the_start(session: Any) -> None:
    w = tf.Variable(2.0, name="weight")
    dataset = Dataset.from_tensor_slices(ROWS).map(lambda x: x * w)
    iterator = dataset.make_initializable_iterator()
    element = iterator.get_next()
    session.run(w.initializer)
    session.run(iterator.initializer)
    session.run(w.assign(5.0))
    np.testing.assert_array_equal(session.run(element), ROWS[0] * 2)
    with pytest.raises(ValueError, match="make_initializable_iterator"):
        dataset.make_one_shot_iterator()
    with pytest.raises(NotImplementedError, match=r"assigns variable 'weight'.*after get_next"):
        Dataset.from_tensor_slices(ROWS).map(lambda x: x * w.assign_add(1.0))


def test_wrong_functions_are_refused_while_declaring(session: Any) -> None:
    with pytest.raises(TypeError, match="must return a `Dataset`"):
        Dataset.range(3).flat_map(lambda x: x)
    with pytest.raises(ValueError, match="scalar boolean"):
        Dataset.range(3).filter(lambda x: x)
    with pytest.raises(TypeError, match="map takes a function"):
        Dataset.range(3).map(3)
    with pytest.raises(ValueError, match="first axes differ"):
        Dataset.from_tensor_slices((ROWS, LABELS[:3]))
    with pytest.raises(TypeError, match="different types"):
        Dataset.range(3).concatenate(Dataset.from_tensors(1.0))
    with pytest.raises(ValueError, match="not compatible"):
        Dataset.from_tensor_slices(ROWS).padded_batch(2, [1])
    with pytest.raises(RuntimeError, match="make_one_shot_iterator"):
        list(Dataset.range(3))


# -- errors --------------------------------------------------------------------------------------------------


def test_an_error_of_a_generator_has_class_node_and_line(session: Any) -> None:
    def generator() -> Any:
        yield 1
        raise KeyError("lost")  # the line

    element = Dataset.from_generator(generator, tf.int32, []).make_one_shot_iterator().get_next("following")
    assert session.run(element) == 1
    with pytest.raises(tf.errors.UnknownError) as caught:
        session.run(element)
    assert caught.value.op is element.op
    for part in ("IteratorGetNext 'following' (declared at test_data.py:", "KeyError: 'lost'", "# the line"):
        assert part in caught.value.message


@pytest.mark.parametrize("value, text", [
    (3, "did not match the expected structure"),
    ((1, 2), r"of shape \(\) where an element of shape \[\?\]"),
    ((1, [[1.0]]), r"of shape \(1, 1\)"),
    ((1, ["x"]), "could not be converted"),
    (("x", [1.0]), "could not be converted"),
])  # fmt: skip
def test_what_a_generator_did_not_promise_is_refused(session: Any, value: Any, text: str) -> None:
    dataset = Dataset.from_generator(lambda: iter([value]), (tf.int32, tf.float32), ([], [None]))
    with pytest.raises(tf.errors.InvalidArgumentError, match=text):
        session.run(dataset.make_one_shot_iterator().get_next())


def test_an_error_in_a_function_names_both_nodes_and_the_next_element_follows(session: Any) -> None:
    dataset = Dataset.from_tensor_slices(np.array([2, 0, 5], np.int32)).map(lambda x: tf.floordiv(10, x, name="shared"))
    element = dataset.make_one_shot_iterator().get_next()
    assert session.run(element) == 5
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(element)
    assert caught.value.op is element.op
    assert "IteratorGetNext" in caught.value.message and "'shared' (declared at test_data.py:" in caught.value.message
    assert session.run(element) == 2


def test_errors_of_python_inside_a_function(session: Any) -> None:
    def refuse(value: Any) -> Any:
        raise ValueError(f"not {value}")

    for workers in (None, 3):
        dataset = Dataset.range(3).map(lambda n: tf.py_func(refuse, [n], tf.int64), workers)
        element = dataset.make_one_shot_iterator().get_next()
        with pytest.raises(tf.errors.InvalidArgumentError, match="not 0"):
            session.run(element)
        with pytest.raises(tf.errors.InvalidArgumentError, match="not 1"):
            session.run(element)


def test_shapes_that_differ_make_no_batch(session: Any) -> None:
    dataset = Dataset.range(1, 4).map(lambda n: tf.fill([n], 0)).batch(2)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"First element had shape \[1\] and element 1 had.*\[2\]"):
        session.run(dataset.make_one_shot_iterator().get_next())
    with pytest.raises(tf.errors.DataLossError, match="pad to a smaller size"):
        session.run(
            Dataset.range(1, 4).map(lambda n: tf.fill([n], 0)).padded_batch(3, [2]).make_one_shot_iterator().get_next()
        )


# -- threads -------------------------------------------------------------------------------------------------


def test_prefetch_runs_ahead_and_its_thread_ends_with_the_data(session: Any) -> None:
    made: list[int] = []

    def generator() -> Any:
        for n in range(6):
            made.append(n)
            yield n

    element = Dataset.from_generator(generator, tf.int32, []).prefetch(3).make_one_shot_iterator().get_next()
    assert session.run(element) == 0
    deadline = time.monotonic() + 10
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert made == [0, 1, 2, 3, 4], "one taken, three ready, one on its way"
    threads = prefetching()
    assert [int(session.run(element)) for _ in range(5)] == [1, 2, 3, 4, 5]
    with pytest.raises(tf.errors.OutOfRangeError):
        session.run(element)
    assert all_end(threads)


@pytest.mark.parametrize("how", ["close", "begin again", "forget"])
def test_the_thread_of_an_endless_dataset_ends(how: str) -> None:
    before = set(prefetching())
    with tf.Graph().as_default():
        session = tf.Session()
        iterator = Dataset.range(9).map(lambda n: n + 1).repeat().prefetch(2).make_initializable_iterator()
        element = iterator.get_next()
        session.run(iterator.initializer)
        assert session.run(element) == 1
        threads = [thread for thread in prefetching() if thread not in before]
        assert len(threads) == 1
        if how == "close":
            session.close()
        elif how == "begin again":
            session.run(iterator.initializer)
            assert session.run(element) == 1
        else:
            del session
            gc.collect()
        assert all_end(threads)
        if how == "begin again":
            session.close()


def test_errors_come_through_prefetch_in_their_place(session: Any) -> None:
    dataset = Dataset.from_tensor_slices(np.array([2, 0, 5], np.int32)).map(lambda x: 10 // x).prefetch(1)
    element = dataset.make_one_shot_iterator().get_next()
    assert session.run(element) == 5
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run(element)
    assert session.run(element) == 2


def test_several_threads_share_an_iterator(session: Any) -> None:
    element = Dataset.range(200).map(lambda n: n * 2).prefetch(5).make_one_shot_iterator().get_next()
    found: list[int] = []

    def work() -> None:
        try:
            while True:
                found.append(int(session.run(element)))
        except tf.errors.OutOfRangeError:
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert all_end(threads)
    assert sorted(found) == list(range(0, 400, 2))


# -- files ---------------------------------------------------------------------------------------------------


def test_lines_records_and_rows_of_files(session: Any, tmp_path: Any) -> None:
    text, packed = tmp_path / "a.txt", tmp_path / "b.gz"
    text.write_bytes(b"one\r\ntwo\n\nthree")
    packed.write_bytes(gzip.compress(b"four\nfive\n"))
    lines = tf.data.TextLineDataset([str(text), str(text)])
    assert values(session, lines) == [b"one", b"two", b"", b"three"] * 2
    assert values(session, tf.data.TextLineDataset(str(packed), "GZIP")) == [b"four", b"five"]

    name = str(tmp_path / "r.tfrecord")
    with tf.python_io.TFRecordWriter(name) as writer:
        for n in range(3):
            feature = {"n": tf.train.Feature(int64_list=tf.train.Int64List(value=[n, n * n]))}
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    parsed = tf.data.TFRecordDataset(name).map(
        lambda record: tf.parse_single_example(record, {"n": tf.FixedLenFeature([2], tf.int64)})["n"]
    )
    np.testing.assert_array_equal(values(session, parsed.batch(3))[0], [[0, 0], [1, 1], [2, 4]])
    (tmp_path / "broken.tfrecord").write_bytes((tmp_path / "r.tfrecord").read_bytes()[:-3])
    with pytest.raises(tf.errors.DataLossError, match="truncated"):
        values(session, tf.data.TFRecordDataset(str(tmp_path / "broken.tfrecord")))
    with pytest.raises(tf.errors.NotFoundError, match="missing"):
        values(session, tf.data.TextLineDataset("/missing"))

    fixed = tmp_path / "f.bin"
    fixed.write_bytes(b"HH" + bytes(range(6)) + b"F")
    records = tf.data.FixedLengthRecordDataset(str(fixed), 3, header_bytes=2, footer_bytes=1)
    assert values(session, records) == [b"\x00\x01\x02", b"\x03\x04\x05"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Excess bytes of 2"):
        values(session, tf.data.FixedLengthRecordDataset(str(fixed), 7))

    table = tmp_path / "t.csv"
    table.write_text('a,b,c\n1,2.5,"x, y"\n3,,z\n')
    rows = tf.data.experimental.CsvDataset(str(table), [tf.int32, [0.5], tf.string], header=True)
    assert values(session, rows) == [(1, 2.5, b"x, y"), (3, 0.5, b"z")]
    columns = tf.data.experimental.CsvDataset(str(table), [[7]], header=True, select_cols=[1])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"'2.5' in record is not a valid int32"):
        values(session, columns)

    pattern = str(tmp_path / "*.t*")
    assert sorted(values(session, Dataset.list_files(pattern)))[0] == str(text).encode()
    assert values(session, Dataset.list_files(pattern, shuffle=False))[0] == str(text).encode()
    with pytest.raises(tf.errors.InvalidArgumentError, match="No files matched"):
        values(session, Dataset.list_files(str(tmp_path / "none*")))


def test_names_of_files_may_be_fed(session: Any, tmp_path: Any) -> None:
    for n in range(2):
        (tmp_path / f"{n}.txt").write_text(f"{n}a\n{n}b\n")
    names = tf.placeholder(tf.string, [None])
    dataset = Dataset.from_tensor_slices(names).interleave(lambda name: tf.data.TextLineDataset(name).skip(0), 2)
    iterator = dataset.make_initializable_iterator()
    element = iterator.get_next()
    session.run(iterator.initializer, {names: [str(tmp_path / f"{n}.txt") for n in range(2)]})
    assert [session.run(element) for _ in range(4)] == [b"0a", b"1a", b"0b", b"1b"]


def test_what_is_left_out_says_so(session: Any) -> None:
    for refused, text in (
        (lambda: Dataset.range(3).cache("/tmp/file"), "cache\\(\\) keeps"),
        (lambda: tf.data.experimental.make_csv_dataset("x", 3), "CsvDataset"),
        (lambda: Dataset.from_sparse_tensor_slices(None), "sparse_tensor_to_dense"),
    ):
        with pytest.raises(NotImplementedError, match=text):
            refused()
