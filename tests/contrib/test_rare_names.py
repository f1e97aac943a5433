"""Names of tf.contrib that few programs use: each is compared with its formula in NumPy, or with what it promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf

Array = Any


def run(value: Any, feeds: Any = None) -> Any:
    return tf.Session().run(value, feeds)


@pytest.fixture
def random() -> np.random.RandomState:
    return np.random.RandomState(0)


# -- pictures ----------------------------------------------------------------------------------------------


def looked_at(data: Array, warp: Array) -> Array:
    """The mean of the four elements around each place, by their distance."""
    found = np.zeros((*warp.shape[:-1], data.shape[-1]))
    for place in np.ndindex(*warp.shape[:-1]):
        x, y = warp[place]
        for column in (int(np.floor(x)), int(np.floor(x)) + 1):
            for row in (int(np.floor(y)), int(np.floor(y)) + 1):
                if 0 <= column < data.shape[2] and 0 <= row < data.shape[1]:
                    found[place] += data[place[0], row, column] * (1 - abs(x - column)) * (1 - abs(y - row))
    return found


def test_resampler_looks_between_elements_and_past_the_edges(random: np.random.RandomState) -> None:
    data, warp = random.randn(2, 4, 5, 3), random.rand(2, 7, 3, 2) * 8 - 2
    pictures, places = tf.placeholder(tf.float64, [None, 4, 5, 3]), tf.placeholder(tf.float64, [None, 7, 3, 2])
    result = tf.contrib.resampler.resampler(pictures, places)
    assert result.shape.as_list() == [None, 7, 3, 3]
    feeds = {pictures: data, places: warp}
    np.testing.assert_allclose(run(result, feeds), looked_at(data, warp), atol=1e-12)
    step = 1e-6 * random.randn(*warp.shape)
    slope = run(tf.reduce_sum(tf.gradients(result, places)[0] * step), feeds)
    moved = (looked_at(data, warp + step) - looked_at(data, warp - step)).sum() / 2
    np.testing.assert_allclose(slope, moved, rtol=1e-5)
    with pytest.raises(ValueError) as caught:
        tf.contrib.resampler.resampler(tf.zeros([2, 3], name="flat"), places)
    assert str(caught.value).startswith("resampler: wanted data [batch, height, width, channels], BroadcastTo 'flat' (")


def test_spatial_softmax_finds_where_a_channel_is_largest() -> None:
    picture = np.zeros((1, 3, 5, 2), np.float32)
    picture[0, 0, 4, 0] = picture[0, 2, 2, 1] = 90.0
    for order, layout in (([0, 1, 2, 3], "NHWC"), ([0, 3, 1, 2], "NCHW")):
        found = tf.contrib.layers.spatial_softmax(picture.transpose(order), 1.0, data_format=layout)
        np.testing.assert_allclose(run(found), [[-1, 1, 1, 0]], atol=1e-6)
    with tf.Graph().as_default(), tf.Session() as session:
        found = tf.contrib.layers.spatial_softmax(tf.placeholder(tf.float32, [None, 3, 5, 2]))
        assert [v.op.name for v in tf.trainable_variables()] == ["spatial_softmax/temperature"]
        session.run(tf.global_variables_initializer())
        assert found.shape.as_list() == [None, 4]


def test_conv_lstm_is_an_lstm_of_convolutions(random: np.random.RandomState) -> None:
    x = random.randn(2, 3, 4, 5, 2).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        cell = tf.contrib.rnn.ConvLSTMCell(2, [4, 5, 2], 3, [1, 1], name="cell")
        outputs, state = tf.nn.dynamic_rnn(cell, tf.constant(x), dtype=tf.float32)
        kernel, biases = tf.trainable_variables()
        assert (kernel.op.name, biases.op.name) == ("rnn/cell/kernel", "rnn/cell/biases")
        session.run(tf.global_variables_initializer())
        got, last, weights = session.run([outputs, state, kernel])
    c = h = np.zeros((2, 4, 5, 3))
    for step in range(3):  # with a kernel of one element each place is an LSTM of its own
        i, j, f, o = np.split(np.concatenate([x[:, step], h], -1) @ weights[0, 0], 4, -1)
        c = c / (1 + np.exp(-f - 1)) + np.tanh(j) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        np.testing.assert_allclose(got[:, step], h, atol=1e-5)
    np.testing.assert_allclose(last.c, c, atol=1e-5)
    assert tf.contrib.rnn.ConvLSTMCell(1, [4, 2], 3, [3], skip_connection=True).output_size.as_list() == [4, 5]


# -- losses and metrics ------------------------------------------------------------------------------------


def test_losses_of_metric_learning_are_their_formulas(random: np.random.RandomState) -> None:
    losses = tf.contrib.losses.metric_learning
    x, y, labels = random.randn(7, 4), random.randn(7, 4), np.array([0, 1, 0, 2, 1, 0, 3])
    d = ((x[:, None] - x) ** 2).sum(-1)
    pairs = [(i, j) for i in range(7) for j in range(7) if i != j and labels[i] == labels[j]]
    triplets = lifted = 0.0
    for i, j in pairs:
        others = d[i, labels != labels[i]]
        further = others[others > d[i, j]]
        triplets += max(0.9 + d[i, j] - (further.min() if further.size else others.max()), 0)
        sums = [np.exp(0.9 - np.sqrt(d[k, labels != labels[k]])).sum() for k in (i, j)]
        lifted += max(np.log(sum(sums)) + np.sqrt(d[i, j]), 0) ** 2
    products = x @ y.T
    alike = (labels[:, None] == labels) / (labels[:, None] == labels).sum(1, keepdims=True)
    entropy = (np.log(np.exp(products).sum(1)) - (alike * products).sum(1)).mean()
    apart = np.sqrt(((x - y) ** 2).sum(1))
    same = labels == 0
    found = run({
        "triplets": losses.triplet_semihard_loss(labels, x, 0.9),
        "lifted": losses.lifted_struct_loss(labels, x, 0.9),
        "npairs": losses.npairs_loss(labels, x, y, 0.02),
        "contrastive": losses.contrastive_loss(same, x, y, 3.0),
    })  # fmt: skip
    wanted = {
        "triplets": triplets / len(pairs), "lifted": lifted / 2 / len(pairs),
        "npairs": entropy + 0.005 * ((x**2).sum(1).mean() + (y**2).sum(1).mean()),
        "contrastive": np.where(same, apart**2, np.maximum(3 - apart, 0) ** 2).mean(),
    }  # fmt: skip
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, err_msg=name)


def test_gradients_of_metric_learning_are_finite(random: np.random.RandomState) -> None:
    x, labels = tf.constant(random.randn(5, 3)), np.array([0, 0, 1, 1, 1])
    for loss in ("triplet_semihard_loss", "lifted_struct_loss"):
        value = getattr(tf.contrib.losses.metric_learning, loss)(labels, x)
        assert tf.test.compute_gradient_error(x, [5, 3], value, [], x_init_value=random.randn(5, 3)) < 1e-4


def test_f1_score_is_the_best_over_thresholds() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        labels, guesses = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.float32, [None])
        value, update = tf.contrib.metrics.f1_score(labels, guesses)
        session.run(tf.local_variables_initializer())
        session.run(update, {labels: [1, 0], guesses: [0.8, 0.3]})
        last = session.run(update, {labels: [1, 0], guesses: [0.4, 0.6]})
        assert session.run(value) == last
    np.testing.assert_allclose(last, 2 * (2 / 3) / (2 / 3 + 1), atol=1e-6)  # above 0.3: two of three, and all


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("difference", {0: {1}, 1: {7}, 2: set(), 3: set()}),
        ("intersection", {0: {2}, 1: set(), 2: {4}, 3: set()}),
        ("union", {0: {1, 2, 5}, 1: {3, 7}, 2: {4}, 3: {8, 9}}),
    ],
)
def test_sets_of_sparse_and_dense_tensors(name: str, wanted: dict[int, set[int]]) -> None:
    sparse = tf.SparseTensor([[0, 0], [0, 1], [1, 0], [2, 0], [2, 1]], [2, 1, 7, 4, 4], [4, 2])
    dense = tf.placeholder(tf.int32, [None, None])
    found = getattr(tf.sets, name)(sparse, dense)
    value = run(found, {dense: [[2, 5, 2], [3, 3, 3], [4, 4, 4], [9, 9, 8]]})
    rows = {row: [int(v) for (r, _), v in zip(value.indices, value.values) if r == row] for row in range(4)}
    assert {row: set(row_values) for row, row_values in rows.items()} == wanted
    assert all(row_values == sorted(set(row_values)) for row_values in rows.values())
    assert value.dense_shape.tolist() == [4, max(map(len, wanted.values()))]
    assert [list(place) for place in value.indices] == [[row, n] for row in range(4) for n in range(len(rows[row]))]


def test_sizes_of_sets_count_what_is_equal_once() -> None:
    sparse = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], [4, 4, 5], [3, 2])
    assert run(tf.contrib.metrics.set_size(sparse)).tolist() == [1, 0, 1]
    with pytest.raises(TypeError, match=r"^set_union: a must be whole numbers, Const 'words' \(declared at test_rare"):
        tf.sets.union(tf.constant([["a"]], name="words"), [["b"]])


# -- distributions -----------------------------------------------------------------------------------------


def test_bijectors_are_undone_and_say_how_they_stretch() -> None:
    b, eight = tf.contrib.distributions.bijectors, np.float64
    y = tf.constant([0.3, 0.5, 0.9], tf.float64)
    cases = [
        b.Exp(), b.Sigmoid(), b.Softplus(), b.Softplus(eight(0.5)), b.AffineScalar(eight(1), eight(-3)), b.Identity(),
        b.PowerTransform(0.3), b.Chain([b.Exp(), b.AffineScalar(eight(1), eight(-3))]),
        b.Invert(b.Sigmoid()), b.Inline(tf.tan, tf.atan, lambda y: -tf.log1p(y * y)),
    ]  # fmt: skip
    for case in cases:
        x = y if isinstance(case, b.Invert) else case.inverse(y)
        moved = case.forward(x)
        slope = tf.log(tf.abs(tf.gradients(moved, x)[0]))
        there, back = case.forward_log_det_jacobian(x, 0), case.inverse_log_det_jacobian(moved, 0)
        values = run([x, case.inverse(moved), slope, there, back, case.inverse_log_det_jacobian(moved, 1)])
        np.testing.assert_allclose(values[1], values[0], atol=1e-12, err_msg=case.name)
        np.testing.assert_allclose(values[3], values[2], atol=1e-12, err_msg=case.name)
        np.testing.assert_allclose(values[4], -values[2], atol=1e-12, err_msg=case.name)
        np.testing.assert_allclose(values[5], -values[2].sum(), atol=1e-12, err_msg=case.name)


def test_softmax_centered_makes_probabilities() -> None:
    case = tf.contrib.distributions.bijectors.SoftmaxCentered()
    x = np.array([-1.5, 0.2, 3.0])
    y = case.forward(tf.constant(x))
    value, back, there, again = run([
        y, case.inverse(y), case.forward_log_det_jacobian(tf.constant(x), 1), case.inverse_log_det_jacobian(y, 1)
    ])  # fmt: skip
    np.testing.assert_allclose(value, np.exp([*x, 0]) / np.exp([*x, 0]).sum(), rtol=1e-12)
    np.testing.assert_allclose(back, x, atol=1e-12)
    p = value[:-1]
    area = np.linalg.slogdet(np.diag(p) - np.outer(p, p))[1] + 0.5 * np.log(4)  # of the simplex, not of its shadow
    np.testing.assert_allclose([there, again], [area, -area], rtol=1e-10)
    with pytest.raises(
        ValueError,
        match=r"^softmax_centered: event_ndims must be at least 1, not 0, declared at test_rare_names.py:\d+$",
    ):
        case.forward_log_det_jacobian(tf.constant(x), 0)


def test_a_transformed_distribution_is_that_of_moved_draws() -> None:
    d = tf.contrib.distributions
    lognormal = d.TransformedDistribution(d.Normal(0.5, 2.0), d.bijectors.Exp())
    y = np.array([0.3, 1.0, 4.0], np.float32)
    log = -np.log(y) - np.log(2 * np.sqrt(2 * np.pi)) - (np.log(y) - 0.5) ** 2 / 8
    got = run([lognormal.log_prob(y), lognormal.prob(y), lognormal.cdf(np.exp(np.float32(0.5)))])
    for value, wanted in zip(got, (log, np.exp(log), 0.5)):
        np.testing.assert_allclose(value, wanted, rtol=1e-5)
    draws = run([lognormal.sample(5, seed=3), tf.exp(d.Normal(0.5, 2.0).sample(5, seed=3))])
    assert draws[0].shape == draws[1].shape == (5,) and (draws[0] > 0).all()
    affine = d.ConditionalTransformedDistribution(d.Normal(1.0, 2.0), d.bijectors.AffineScalar(3.0, -2.0))
    np.testing.assert_allclose(
        run([affine.mean(), affine.entropy()]), run([1.0 * tf.ones([]), d.Normal(1.0, 4.0).entropy()])
    )
    with pytest.raises(NotImplementedError, match=r"^mean is not implemented for non-affine bijectors such as exp$"):
        lognormal.mean()


# -- tf.contrib.nn, lookup, framework ----------------------------------------------------------------------


def test_nth_element_and_alpha_dropout(random: np.random.RandomState) -> None:
    x = random.randn(3, 5).astype(np.float32)
    n = tf.placeholder(tf.int32, [])
    for reverse in (False, True):
        value = run(tf.contrib.nn.nth_element(x, n, reverse), {n: 1})
        np.testing.assert_array_equal(value, np.sort(x)[:, -2 if reverse else 1])
    with pytest.raises(ValueError, match=r"^nth_element: n must be in \[0, 5\) for f32\[3,5\] of Const 'Const"):
        tf.contrib.nn.nth_element(x, 5)
    dropped = run(tf.contrib.nn.alpha_dropout(tf.random_normal([200, 500], seed=1), 0.8, seed=2))
    assert abs(dropped.mean()) < 0.01 and abs(dropped.std() - 1) < 0.01
    values, counts = np.unique(dropped, return_counts=True)
    assert 0.19 < counts.max() / dropped.size < 0.21 and values[counts.argmax()] < -1


def test_dense_tables_keep_two_keys_apart_and_hold_rows() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        table = tf.contrib.lookup.MutableDenseHashTable(tf.int64, tf.float32, [-1.0, -2.0], 0, -1, name="rows")
        keys = tf.placeholder(tf.int64, [None])
        found, taken = table.lookup(keys), table.remove(keys)
        assert found.shape.as_list() == [None, 2]
        session.run(table.insert(np.array([1, 2]), [[1.0, 2.0], [3.0, 4.0]]))
        np.testing.assert_array_equal(session.run(found, {keys: [2, 5]}), [[3, 4], [-1, -2]])
        session.run(taken, {keys: [2, 9]})
        assert [part.tolist() for part in session.run(table.export())] == [[1], [[1, 2]]]
        with pytest.raises(tf.errors.InvalidArgumentError, match="rows: using the deleted_key -1 as a key is not allo"):
            session.run(taken, {keys: [-1]})
        with pytest.raises(ValueError, match=r"^rows: values of keys i64\[2\] must be \[2, 2\], not f32\[3\]$"):
            table.insert(np.array([1, 2]), [1.0, 2.0, 3.0])


def test_small_names_of_framework_and_data() -> None:
    f = tf.contrib.framework
    assert f.smart_cond(True, lambda: 1, lambda: 2) == 1 and f.smart_case([(False, lambda: 1)], lambda: 3) == 3
    assert f.is_tensor(tf.constant(1.0)) and not f.is_tensor(1.0)
    assert f.deprecated("2020", "use another")(len) is len
    with tf.name_scope("here"):
        assert f.get_name_scope() == "here"
    rows = tf.data.Dataset.range(5).apply(tf.contrib.data.batch_and_drop_remainder(2)).make_one_shot_iterator()
    assert run(rows.get_next()).tolist() == [0, 1] and rows.get_next().shape.as_list() == [2]
    flipped = tf.contrib.nn.deprecated_flipped_softmax_cross_entropy_with_logits([[1.0, 2.0]], [[0.0, 1.0]])
    np.testing.assert_allclose(run(flipped), [np.log1p(np.exp(-1))], rtol=1e-6)


# -- tf.contrib.training and slim --------------------------------------------------------------------------


def test_a_checkpoint_is_measured_as_it_comes(tmp_path: Path) -> None:
    training = tf.contrib.training
    assert training.wait_for_new_checkpoint(str(tmp_path), timeout=0) is None
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        loss = tf.square(tf.get_variable("w", initializer=3.0))
        train_op = training.create_train_op(
            loss, tf.train.GradientDescentOptimizer(0.25), transform_grads_fn=training.clip_gradient_norms_fn(1.0)
        )
        last = training.train(train_op, str(tmp_path), hooks=[tf.train.StopAtStepHook(last_step=4)])
        assert last == 2.25**2  # steps of 0.25, since gradients are shortened to 1
        assert next(training.checkpoints_iterator(str(tmp_path), timeout=0)).endswith("-4")
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        weight = tf.get_variable("w", [])
        tf.summary.scalar("weight", weight)
        hooks = [training.StopAfterNEvalsHook(3, log_progress=False), training.SummaryAtEndHook(str(tmp_path / "eval"))]
        count = tf.get_local_variable("count", [], initializer=tf.zeros_initializer())
        values = training.evaluate_repeatedly(
            str(tmp_path), eval_ops=tf.assign_add(count, 1.0), final_ops=[weight, step, count], hooks=hooks,
            eval_interval_secs=0, max_number_of_evaluations=1,
        )  # fmt: skip
    assert values == [2.0, 4, 3.0]
    (written,) = (tmp_path / "eval").iterdir()
    events = [value for event in tf.train.summary_iterator(str(written)) for value in event.summary.value]
    assert [(value.tag, value.simple_value) for value in events] == [("weight", 2.0)]
    tf.summary.FileWriterCache.clear()  # it closes the files of the hooks


def test_slim_reads_items_of_examples(tmp_path: Path) -> None:
    slim, feature = tf.contrib.slim, tf.train.Feature
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    floats = {name: [0.1 * n, 0.2] for n, name in enumerate(("ymin", "xmin", "ymax", "xmax"))}
    with tf.python_io.TFRecordWriter(str(tmp_path / "part-0")) as writer:
        for label in (4, 5):
            features = {
                "image/encoded": feature(bytes_list=tf.train.BytesList(value=[pixels.tobytes()])),
                "image/format": feature(bytes_list=tf.train.BytesList(value=[b"raw"])),
                "label": feature(int64_list=tf.train.Int64List(value=[label])),
                **{f"box/{k}": feature(float_list=tf.train.FloatList(value=v)) for k, v in floats.items()},
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    handlers = slim.tfexample_decoder
    with tf.Graph().as_default(), tf.Session() as session:
        decoder = handlers.TFExampleDecoder(
            {
                "image/encoded": tf.FixedLenFeature([], tf.string), "label": tf.FixedLenFeature([1], tf.int64),
                "image/format": tf.FixedLenFeature([], tf.string, "raw"),
                **{f"box/{name}": tf.VarLenFeature(tf.float32) for name in floats},
            },
            {
                "image": handlers.Image(shape=[2, 2, 3]), "label": handlers.Tensor("label", shape=[]),
                "boxes": handlers.BoundingBox(prefix="box/"),
                "twice": handlers.ItemHandlerCallback("label", lambda features: features["label"] * 2),
            },
        )  # fmt: skip
        data = slim.dataset.Dataset(str(tmp_path / "part-*"), tf.TFRecordReader, decoder, 2, {"label": "a number"})
        provider = slim.dataset_data_provider.DatasetDataProvider(data, shuffle=False, num_epochs=1)
        assert sorted(provider.list_items()) == ["boxes", "image", "label", "record_key", "twice"]
        with pytest.raises(ValueError, match=r"^Items \['lable'\] are not provided; there are \["):
            provider.get(["lable"])
        items = provider.get(["image", "label", "boxes", "twice"])
        session.run(tf.local_variables_initializer())
        with slim.queues.QueueRunners(session):
            for label in (4, 5):
                image, number, boxes, twice = session.run(items)
                np.testing.assert_array_equal(image, pixels)
                np.testing.assert_allclose(boxes, np.transpose(list(floats.values())))
                assert (number, twice.tolist()) == (label, [2 * label])
            with pytest.raises(tf.errors.OutOfRangeError):
                session.run(items)


def test_inception_v3_has_the_sizes_of_its_paper() -> None:
    """Table 1 of Szegedy et al., arXiv:1512.00567."""
    nets = tf.contrib.slim.nets.inception
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [None, 299, 299, 3])
        with tf.contrib.slim.arg_scope(nets.inception_v3_arg_scope()):
            logits, ends = nets.inception_v3(images, 1001)
        sizes = {name: ends[name].shape.as_list()[1:] for name in ends}
        kernels = [v for v in tf.trainable_variables() if v.op.name.endswith("weights") and "Logits" not in v.op.name]
        names = {v.op.name for v in tf.global_variables()}
    assert logits.shape.as_list() == [None, 1001] and ends["AuxLogits"].shape.as_list() == [None, 1001]
    assert {name: sizes[name] for name in ("Conv2d_1a_3x3", "MaxPool_5a_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c")} == {
        "Conv2d_1a_3x3": [149, 149, 32], "MaxPool_5a_3x3": [35, 35, 192], "Mixed_5d": [35, 35, 288],
        "Mixed_6e": [17, 17, 768], "Mixed_7c": [8, 8, 2048],
    }  # fmt: skip
    assert {
        "InceptionV3/Mixed_5c/Branch_1/Conv_1_0c_5x5/weights", "InceptionV3/Mixed_7b/Branch_1/Conv2d_0b_3x1/weights",
        "InceptionV3/Mixed_7c/Branch_1/Conv2d_0c_3x1/BatchNorm/moving_mean",
        "InceptionV3/AuxLogits/Conv2d_2a_5x5/weights",
    } <= names  # fmt: skip
    # Keras tells 23,851,784 parameters: 51,648 are of the normalisation, 2,049,000 of the last layer.
    assert sum(v.shape.num_elements() for v in kernels) == 23_851_784 - 51_648 - 2_049_000
    with tf.Graph().as_default():
        _, ends = nets.inception_v3_base(tf.placeholder(tf.float32, [2, 80, 80, 3]), "Mixed_6a", depth_multiplier=0.25)
        assert list(ends)[-1] == "Mixed_6a" and ends["Mixed_6a"].shape.as_list() == [2, 3, 3, 192]


def test_bijectors_that_are_left_out_say_so() -> None:
    bijectors = tf.contrib.distributions.bijectors
    assert {"Callable", "Any"}.isdisjoint(dir(bijectors)) and "Softplus" in dir(bijectors)
    with pytest.raises(NotImplementedError, match=r"bijectors\.Affine .*bijectors\.Inline takes the functions"):
        bijectors.Affine(1.0)
    with pytest.raises(AttributeError, match=r"graphc\.contrib\.distributions\.bijectors has no 'Afine'"):
        _ = bijectors.Afine
