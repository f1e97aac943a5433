"""Ops along an axis counted from the end, declared before the rank is known."""

import numpy as np
import pytest

import graphc as tf

DATA = np.random.default_rng(1).normal(size=(2, 3, 4)).astype(np.float32)
DECLARED = {
    "gather": (lambda x: tf.gather(x, [[1, 0], [2, 2]], axis=-1), np.take(DATA, [[1, 0], [2, 2]], axis=-1)),
    "gather_scalar": (lambda x: tf.gather(x, 1, axis=-2), DATA[:, 1]),
    "argmax": (lambda x: tf.argmax(x, -1), DATA.argmax(-1)),
    "argmin": (lambda x: tf.argmin(x, -2, output_type=tf.int32), DATA.argmin(-2).astype(np.int32)),
    "cumsum": (lambda x: tf.cumsum(x, -1), np.cumsum(DATA, -1)),
    "exclusive": (lambda x: tf.cumsum(x, -2, exclusive=True), np.cumsum(DATA, -2) - DATA),
}


@pytest.mark.parametrize("declare, expected", DECLARED.values(), ids=DECLARED)
def test_the_axis_is_counted_from_the_end_of_what_is_fed(declare, expected):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32)
        value = session.run(declare(x), {x: DATA})
        assert value.dtype == expected.dtype
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-6)


LATE = {
    "matrix_band_part": (lambda x: tf.matrix_band_part(x, tf.cast(1, tf.int64), 0), np.arange(12.0).reshape(3, 4)),
    "matrix_diag": (tf.matrix_diag, np.arange(6.0).reshape(2, 3)),
    "matrix_diag_part": (tf.matrix_diag_part, np.arange(24.0).reshape(2, 3, 4)),
    "diag_part": (tf.diag_part, np.arange(9.0).reshape(3, 3)),
    "repeat": (lambda x: tf.repeat(x, [1, 2], axis=-1), np.arange(4.0).reshape(2, 2)),
    "matmul": (lambda x: tf.matmul(x, x, transpose_b=True), np.arange(12.0).reshape(2, 2, 3)),
    "reduce_sum over a range": (lambda x: tf.reduce_sum(x, tf.range(1, tf.rank(x))), np.arange(6.0).reshape(1, 2, 3)),
    "trace": (tf.trace, np.arange(9.0).reshape(3, 3)),
    "reverse_sequence": (lambda x: tf.reverse_sequence(x, [2, 3], 1, 0), np.arange(8.0).reshape(2, 4)),
    "space_to_batch_nd": (lambda x: tf.space_to_batch_nd(x, [2], [[1, 0]]), np.arange(9.0).reshape(3, 3)),
    "space_to_batch_nd of no axes": (lambda x: tf.space_to_batch_nd(x, [], []), np.arange(3.0)),
    "batch_to_space_nd": (lambda x: tf.batch_to_space_nd(x, [2], [[0, 1]]), np.arange(12.0).reshape(4, 3)),
    "dynamic_stitch": (lambda x: tf.dynamic_stitch([[0, 2], [1]], [x, x[:1]]), np.arange(6.0).reshape(2, 3)),
    "dynamic_stitch of empty rows": (lambda x: tf.dynamic_stitch([[0, 2], [[1]]], [x, x[None, :1]]), np.zeros((2, 0))),
    "sparse_to_dense": (lambda x: tf.sparse_to_dense([[0, 1], [2, 0]], [3, 2], x, -1.0), np.array([4.0, 5.0])),
    "adjust_contrast": (lambda x: tf.image.adjust_contrast(x, 2.0), np.arange(12.0).reshape(2, 2, 3)),
}


@pytest.mark.parametrize("name", LATE)
def test_a_function_of_a_tensor_of_unknown_rank_is_that_of_a_known_one(name: str) -> None:
    function, data = LATE[name]
    with tf.Graph().as_default(), tf.Session() as session:
        value = data.astype(np.float32)
        x, known = tf.placeholder(tf.float32), tf.placeholder(tf.float32, value.shape)
        later, wanted = function(x), function(known)
        weights = tf.constant(np.cos(np.arange(64.0)).astype(np.float32))
        grads = [
            tf.gradients(tf.reduce_sum(tf.reshape(y, [-1]) * weights[: tf.size(y)]), v)[0]
            for y, v in ((later, x), (wanted, known))
        ]
        found = session.run([later, wanted, *grads], {x: value, known: value})
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[2], found[3], rtol=1e-6)


def test_sizes_that_are_fed() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        edges, number, block = tf.placeholder(tf.int32, [2, 2]), tf.placeholder(tf.int32, []), tf.placeholder(tf.int32)
        x = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        spread = tf.linspace(1.0, 3.0, number)
        parts = tf.space_to_batch_nd(x, block, [[1, 0]])  # rows of four: a zero, then the three
        mirrored = [tf.pad(x, edges, mode) for mode in ("REFLECT", "SYMMETRIC")]
        for count, around in ((3, [[1, 1], [2, 0]]), (1, [[0, 1], [1, 1]])):
            found = session.run([spread, parts, *mirrored], {number: count, edges: around, block: [2]})
            np.testing.assert_allclose(found[0], np.linspace(1, 3, count))
            np.testing.assert_array_equal(found[1], [[0, 2], [0, 5], [1, 3], [4, 6]])
            np.testing.assert_array_equal(found[2], np.pad([[1, 2, 3], [4, 5, 6]], around, "reflect"))
            np.testing.assert_array_equal(found[3], np.pad([[1, 2, 3], [4, 5, 6]], around, "symmetric"))


@pytest.mark.parametrize(
    ("indices", "sizes", "values", "default", "text"),
    [
        ([1, 3], [5], [[5], [3]], -1, r"sparse_values has incorrect shape \[2,1\], should be \[\] or \[2\]"),
        ([1, 3], [5], [1, 2, 3], -1, r"sparse_values has incorrect shape \[3\], should be \[\] or \[2\]"),
        ([1, 3], [5], [1, 2], [0], r"default_value should be a scalar, not i32\[1\]"),
    ],
)
def test_entries_that_do_not_fit_a_sparse_tensor(
    indices: list[int], sizes: list[int], values: list[int], default: int, text: str
) -> None:
    places = tf.placeholder(tf.int32)
    dense = tf.sparse_to_dense(places, sizes, values, default)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=text):
        session.run(dense, {places: indices})
    with pytest.raises(ValueError, match=text):
        tf.sparse_to_dense(indices, sizes, values, default)
    with pytest.raises(ValueError, match="Shape must be rank 1 but is rank 2"):
        tf.sparse_to_dense(places, [sizes], values, default)


def test_a_mirror_of_an_open_axis_is_refused_where_it_has_too_few_cells() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 1])
        for mode, least in (("REFLECT", 4), ("SYMMETRIC", 3)):
            padded = tf.pad(x, [[3, 0], [0, 0]], mode)
            assert session.run(padded, {x: np.ones((least, 1))}).shape == (least + 3, 1)
            with pytest.raises(tf.errors.InvalidArgumentError, match="a mirror of axis"):
                session.run(padded, {x: np.ones((least - 1, 1))})


def test_parts_without_elements_count_in_a_concatenation() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 3])
        assert session.run(tf.concat([x, x], 1), {x: np.ones((0, 3))}).shape == (0, 6)


WRONG = {
    "cumsum": (lambda x, i: tf.cumsum(x, 1), 1, "axis 1 is out of range for rank 1"),
    "unstack": (lambda x, i: tf.unstack(x, 2, 1), 1, r"axis 1 is not in \[-1, 1\) for"),
    "gather_nd": (lambda x, i: tf.gather_nd(x, i), 1, r"indices i32\[\] are a scalar"),
    "scatter_nd": (lambda x, i: tf.scatter_nd(i, x, [4]), 1, r"indices i32\[\] are a scalar"),
    "linspace": (lambda x, i: tf.linspace(0.0, 1.0, i), [], "linspace needs one number of values"),
    "pad": (lambda x, i: tf.pad(x, i), 1, r"paddings must be a matrix .*, not i32\[\]"),
    "split": (lambda x, i: tf.split(x, i, num=2), [3], "declared to give 2 tensors, and gives 1"),
}


@pytest.mark.parametrize("declare, number, message", WRONG.values(), ids=WRONG)
def test_what_does_not_fit_a_rank_that_is_fed_is_told_by_its_node(declare, number, message) -> None:
    x, i = tf.placeholder(tf.float32), tf.placeholder(tf.int32)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=rf"declared at .*: .*{message}"):
        session.run(declare(x, i), {x: np.ones(3), i: np.array(number, np.int32)})
