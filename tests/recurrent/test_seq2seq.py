"""Decoders, attention, beam search and the losses of sequences, against NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.contrib import legacy_seq2seq, seq2seq
from tests.recurrent.programs import BATCH, DEPTH, LENGTHS, STEPS, UNITS, X, gru, set_weights

RNG = np.random.default_rng(3)
CLASSES = 5


def _softmax(x: Any) -> Any:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def _started(seed: int = 1) -> tf.Session:
    """A session with small known weights."""
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    session.run(set_weights(tf.trainable_variables(), seed))
    return session


# -- losses ----------------------------------------------------------------------------------------------------

LOGITS = RNG.normal(size=(2, 4, CLASSES)).astype(np.float32)
TARGETS = RNG.integers(0, CLASSES, (2, 4)).astype(np.int32)
SHARES = np.array([[1, 0.5, 0, 0], [1, 1, 2, 0]], np.float32)
LOSSES = -np.log(np.take_along_axis(_softmax(LOGITS), TARGETS[..., None], 2))[..., 0] * SHARES


@pytest.mark.parametrize(("settings", "wanted"), [
    ({}, LOSSES.sum() / SHARES.sum()),
    ({"average_across_batch": False}, LOSSES.sum(1) / SHARES.sum(1)),
    ({"average_across_timesteps": False}, np.append(LOSSES[:, :3].sum(0) / SHARES[:, :3].sum(0), 0)),
    ({"average_across_timesteps": False, "average_across_batch": False}, LOSSES),
    ({"average_across_timesteps": False, "average_across_batch": False, "sum_over_timesteps": True,
      "sum_over_batch": True}, LOSSES.sum() / 5),
    ({"average_across_timesteps": False, "average_across_batch": False, "sum_over_timesteps": True},
     LOSSES.sum(1) / [2, 3]),
])  # fmt: skip
def test_sequence_loss(settings: dict[str, bool], wanted: Any) -> None:
    with tf.Session() as session:
        found = session.run(seq2seq.sequence_loss(tf.constant(LOGITS), TARGETS, SHARES, **settings))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_sequence_loss_refuses_other_ranks_and_both_ways() -> None:
    with pytest.raises(ValueError, match=r"Logits must be a .batch_size x sequence_length x logits. tensor"):
        seq2seq.sequence_loss(tf.constant(LOGITS[0]), TARGETS, SHARES)
    with pytest.raises(ValueError, match="average_across_batch and sum_over_batch cannot be set to True"):
        seq2seq.sequence_loss(tf.constant(LOGITS), TARGETS, SHARES, sum_over_batch=True)


def test_losses_of_lists() -> None:
    steps = [list(map(tf.constant, part.swapaxes(0, 1))) for part in (LOGITS, TARGETS, SHARES)]
    each = legacy_seq2seq.sequence_loss_by_example(*steps)
    total = legacy_seq2seq.sequence_loss_by_example(*steps, average_across_timesteps=False)
    mean = legacy_seq2seq.sequence_loss(*steps)
    squared = legacy_seq2seq.sequence_loss(
        *steps, softmax_loss_function=lambda labels, logits: tf.cast(labels, tf.float32) ** 2
    )
    with tf.Session() as session:
        found = session.run([each, total, mean, squared])
    by_example = LOSSES.sum(1) / SHARES.sum(1)
    np.testing.assert_allclose(found[0], by_example, rtol=1e-5)
    np.testing.assert_allclose(found[1], LOSSES.sum(1), rtol=1e-5)
    np.testing.assert_allclose(found[2], by_example.mean(), rtol=1e-5)
    np.testing.assert_allclose(found[3], ((TARGETS**2 * SHARES).sum(1) / SHARES.sum(1)).mean(), rtol=1e-5)
    with pytest.raises(ValueError, match="Lengths of logits, weights, and targets must be the same"):
        legacy_seq2seq.sequence_loss_by_example(steps[0], steps[1], steps[2][1:])


# -- decoders --------------------------------------------------------------------------------------------------


def test_training_equals_dynamic_rnn_with_a_layer() -> None:
    x, lengths = tf.placeholder(tf.float32, [None, None, DEPTH]), tf.placeholder(tf.int32, [None])
    cell = tf.nn.rnn_cell.GRUCell(UNITS)
    first = cell.zero_state(tf.shape(x)[0], tf.float32)
    decoder = seq2seq.BasicDecoder(cell, seq2seq.TrainingHelper(x, lengths), first, tf.layers.Dense(CLASSES))
    outputs, state, ends = seq2seq.dynamic_decode(decoder, impute_finished=True)
    names = [v.op.name for v in tf.trainable_variables()]
    assert names[0] == "decoder/gru_cell/gates/kernel"
    assert names[-2:] == ["decoder/dense/kernel", "decoder/dense/bias"]
    states, last = tf.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32)
    grads = tf.gradients(outputs.rnn_output * 2, tf.trainable_variables())
    with _started() as session:
        kernel, bias = session.run(tf.trainable_variables()[-2:])
        for given in ([2, 6, 0], [1, 3, 2]):
            feeds = {x: X, lengths: given}
            found, wanted, after, wanted_after, steps = session.run([outputs, states, state, last, ends], feeds)
            within = np.arange(max(given)) < np.array(given)[:, None]
            scores = (wanted[:, : max(given)] @ kernel + bias) * within[..., None]
            np.testing.assert_allclose(found.rnn_output, scores, rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(found.sample_id, scores.argmax(2))
            np.testing.assert_allclose(after, wanted_after, rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(steps, given)
            np.testing.assert_allclose(session.run(grads, feeds)[-1], 2.0 * sum(given) * np.ones(CLASSES), rtol=1e-5)


def _speaker(beam: int = 0) -> tuple[Any, ...]:
    """A cell, a table, an output layer and a first state."""
    with tf.variable_scope("speaker"):
        table = tf.get_variable("table", [CLASSES, DEPTH])
    first = tf.constant(RNG.uniform(-1, 1, (BATCH, UNITS)).astype(np.float32))
    return tf.nn.rnn_cell.GRUCell(UNITS), table, tf.layers.Dense(CLASSES, name="out"), first


def _step(w: dict[str, Any], token: Any, state: Any) -> tuple[Any, Any]:
    """The log probabilities of the next tokens and the next state of what :func:`_speaker` gives."""
    values = [value for name, value in w.items() if "gru_cell" in name]
    state = gru(w["speaker/table"][token], state, *values)
    return np.log(_softmax(state @ w["decoder/out/kernel"] + w["decoder/out/bias"])), state


def test_greedy_decoding() -> None:
    cell, table, layer, first = _speaker()
    helper = seq2seq.GreedyEmbeddingHelper(table, tf.fill([BATCH], 1), 2)
    outputs, _, ends = seq2seq.dynamic_decode(seq2seq.BasicDecoder(cell, helper, first, layer), maximum_iterations=7)
    with _started(12) as session:
        found, lengths = session.run([outputs.sample_id, ends])
        variables = tf.trainable_variables()
        w = {v.op.name: value for v, value in zip(variables, session.run(variables), strict=True)}
        token, state, wanted = np.full(BATCH, 1), session.run(first), []
    for _ in range(7):
        scores, state = _step(w, token, state)
        token = scores.argmax(1)
        wanted.append(token)
    ids = np.stack(wanted, 1)
    over = (ids == 2).argmax(1) + 1
    steps = np.where((ids == 2).any(1), over, 7)
    np.testing.assert_array_equal(lengths, steps)
    assert found.shape[1] == steps.max()
    np.testing.assert_array_equal(found, ids[:, : steps.max()])


@pytest.mark.parametrize("beam", [0, 2])
def test_a_decoder_without_a_limit_runs_until_all_have_ended(beam: int) -> None:
    cell, table, layer, first = _speaker()
    layer = tf.layers.Dense(CLASSES, name="out", bias_initializer=tf.constant_initializer([0.0, 0.0, 0.4, 0.0, 0.0]))
    tokens = tf.fill([BATCH], 1)
    found = []
    for limit in (None, 60):
        if beam:
            state = seq2seq.tile_batch(first, beam)
            decoder: Any = seq2seq.BeamSearchDecoder(cell, table, tokens, 2, state, beam, layer)
        else:
            helper = seq2seq.GreedyEmbeddingHelper(table, tokens, 2)
            decoder = seq2seq.BasicDecoder(cell, helper, first, layer)
        outputs, _, lengths = seq2seq.dynamic_decode(decoder, maximum_iterations=limit, scope=f"decoder{limit}")
        found.append([outputs.predicted_ids if beam else outputs.sample_id, lengths])
    with _started(12) as session:
        (ids, lengths), (wanted, wanted_lengths) = session.run(found)
    assert wanted_lengths.max() < 60
    np.testing.assert_array_equal(ids, wanted)
    np.testing.assert_array_equal(lengths, wanted_lengths)
    with pytest.raises(TypeError, match="Expected decoder to be type Decoder"):
        seq2seq.dynamic_decode(cell)
    with pytest.raises(ValueError, match="start_tokens must be a vector"):
        seq2seq.GreedyEmbeddingHelper(table, 1, 2)


def test_sampling_follows_the_probabilities() -> None:
    class Uniform(tf.nn.rnn_cell.RNNCell):
        """Always the same scores."""

        state_size, output_size = 1, 3

        def call(self, inputs: Any, state: Any) -> Any:
            return tf.log(tf.tile([[0.5, 0.25, 0.25]], [400, 1])) + 0 * state, state

    def probabilities(**settings: Any) -> Any:
        helper = seq2seq.SampleEmbeddingHelper(lambda ids: tf.zeros([400, 1]), tf.fill([400], 0), 9, **settings)
        decoder = seq2seq.BasicDecoder(Uniform(), helper, tf.zeros([400, 1]))
        outputs, _, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=20)
        with tf.Session() as session:
            ids = session.run(outputs.sample_id)
        return np.bincount(ids.ravel(), minlength=3) / ids.size

    np.testing.assert_allclose(probabilities(seed=1), [0.5, 0.25, 0.25], atol=0.02)  # 4 deviations of 8000 draws
    np.testing.assert_allclose(probabilities(seed=1, softmax_temperature=0.5), [2 / 3, 1 / 6, 1 / 6], atol=0.02)


def test_scheduled_sampling_at_its_two_ends() -> None:
    cell, table, layer, first = _speaker()
    x = tf.constant(X)

    def ids(probability: float) -> Any:
        helper = seq2seq.ScheduledEmbeddingTrainingHelper(x, [STEPS] * BATCH, table, probability, seed=1)
        with tf.variable_scope("at", reuse=tf.AUTO_REUSE):
            return seq2seq.dynamic_decode(seq2seq.BasicDecoder(cell, helper, first, layer))[0]

    with tf.variable_scope("at", reuse=tf.AUTO_REUSE):
        given, _, _ = seq2seq.dynamic_decode(
            seq2seq.BasicDecoder(cell, seq2seq.TrainingHelper(x, [STEPS] * BATCH), first, layer)
        )
    never, always = ids(0.0), ids(1.0)
    with _started() as session:
        found = session.run([given, never, always])
    np.testing.assert_array_equal(found[0].rnn_output, found[1].rnn_output)
    assert (found[1].sample_id == -1).all()
    assert (found[2].sample_id >= 0).all()
    assert not np.allclose(found[0].rnn_output[:, 1:], found[2].rnn_output[:, 1:])


# -- attention -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bahdanau", "normed", "luong", "scaled"])
def test_attention(kind: str) -> None:
    memory, lengths = X, np.array([6, 2, 4])
    with tf.variable_scope("net"):
        if kind in ("bahdanau", "normed"):
            mechanism: Any = seq2seq.BahdanauAttention(UNITS, tf.constant(memory), lengths, normalize=kind == "normed")
        else:
            mechanism = seq2seq.LuongAttention(UNITS, tf.constant(memory), lengths, scale=kind == "scaled")
        cell = seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(UNITS), mechanism, attention_layer_size=3)
        state = cell.zero_state(BATCH, tf.float32)
        first = tf.constant(RNG.uniform(-1, 1, (BATCH, UNITS)).astype(np.float32))
        output, after = cell(tf.constant(X[:, 0]), state.clone(cell_state=first))
    assert output.shape.as_list() == [BATCH, 3]
    variables = tf.trainable_variables()
    with _started() as session:
        h, found, weights, attention, time = session.run([first, output, after.alignments, after.attention, after.time])
        w = {v.op.name.removeprefix("net/"): value for v, value in zip(variables, session.run(variables), strict=True)}
    inside = "attention_wrapper/"
    h = gru(np.concatenate([X[:, 0], np.zeros((BATCH, 3))], 1), h,
            *(value for name, value in w.items() if "gru_cell" in name))  # fmt: skip
    mask = np.arange(STEPS) < lengths[:, None]
    values = memory * mask[..., None]
    keys = values @ w["memory_layer/kernel"]
    if kind in ("bahdanau", "normed"):
        scope = f"{inside}bahdanau_attention/"
        v, sums = w[f"{scope}attention_v"], keys + (h @ w[f"{scope}query_layer/kernel"])[:, None]
        if kind == "normed":
            v = w[f"{scope}attention_g"] * v / np.sqrt((v**2).sum())
            sums = sums + w[f"{scope}attention_b"]
        score = (v * np.tanh(sums)).sum(2)
    else:
        score = np.einsum("bu,btu->bt", h, keys)
        if kind == "scaled":
            score = score * w[f"{inside}luong_attention/attention_g"]
    wanted = _softmax(np.where(mask, score, -np.inf))
    context = np.einsum("bt,btd->bd", wanted, values)
    np.testing.assert_allclose(weights, wanted, rtol=1e-5, atol=1e-6)
    layer = np.concatenate([h, context], 1) @ w[f"{inside}attention_layer/kernel"]
    np.testing.assert_allclose(found, layer, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(attention, found)
    assert time == 1


def test_the_history_of_alignments_and_several_mechanisms() -> None:
    memory = tf.constant(X)
    mechanisms = [seq2seq.LuongAttention(UNITS, memory), seq2seq.BahdanauAttention(2, memory)]
    cell = seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(UNITS), mechanisms, [3, 4], alignment_history=True)
    helper = seq2seq.TrainingHelper(memory, LENGTHS)
    decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(BATCH, tf.float32))
    outputs, state, _ = seq2seq.dynamic_decode(decoder)
    with _started() as session:
        found, histories, last = session.run(
            [outputs.rnn_output, [array.stack() for array in state.alignment_history], state.alignments]
        )
    assert found.shape == (BATCH, STEPS, 7)
    for history, weights in zip(histories, last, strict=True):
        assert history.shape == (STEPS, BATCH, STEPS)
        np.testing.assert_allclose(history.sum(2), 1, rtol=1e-5)
        np.testing.assert_array_equal(history[-1], weights)


# -- beam search -----------------------------------------------------------------------------------------------


def test_gather_tree() -> None:
    # Two beams that swap places: each is followed back through its parents.
    ids = np.array([[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]], [[0, 0, 0]]], np.int32)
    parents = np.array([[[0, 0, 0]], [[0, 1, 1]], [[2, 1, 2]], [[0, 0, 0]]], np.int32)
    with tf.Session() as session:
        found = session.run(seq2seq.gather_tree(ids, parents, [3], 10))
        ended = session.run(seq2seq.gather_tree(ids, parents, [3], 6))
    np.testing.assert_array_equal(found, [[[2, 2, 2]], [[6, 5, 6]], [[7, 8, 9]], [[10, 10, 10]]])
    np.testing.assert_array_equal(ended, [[[2, 2, 2]], [[6, 5, 6]], [[6, 8, 6]], [[6, 6, 6]]])


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_beam_as_wide_as_all_sequences_finds_the_best(penalty: float) -> None:
    cell, table, layer, first = _speaker()
    width, steps, end = CLASSES**2, 3, 2
    decoder = seq2seq.BeamSearchDecoder(
        cell, table, tf.fill([BATCH], 1), end, seq2seq.tile_batch(first, width), width, layer, penalty
    )
    found, state, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=steps)
    with _started(5) as session:
        ids, totals, lengths, state_of = session.run([found.predicted_ids, state.log_probs, state.lengths, first])
    with _started(5) as session:
        variables = tf.trainable_variables()
        w = {v.op.name: value for v, value in zip(variables, session.run(variables), strict=True)}
    for b in range(BATCH):
        scored = {}
        for tokens in itertools.product(range(CLASSES), repeat=steps):
            token, h, total, length = np.array([1]), state_of[b : b + 1], 0.0, 0
            for following in tokens:
                scores, h = _step(w, token, h)
                total, length, token = total + scores[0, following], length + 1, np.array([following])
                if following == end:
                    break
            # TensorFlow does not count the end token of a sequence in its penalty.
            counted = length - (tokens[length - 1] == end)
            key = tokens[:length] + (end,) * (steps - length)
            scored[key] = (total / ((5 + counted) / 6) ** penalty, total, length)
        best = max(scored, key=lambda key: scored[key][0])
        assert tuple(ids[b, :, 0]) == best
        np.testing.assert_allclose(totals[b, 0], scored[best][1], rtol=1e-5)
        assert lengths[b, 0] == scored[best][2]


def test_beam_search_refuses_what_it_does_not_do() -> None:
    cell, table, layer, first = _speaker()
    with pytest.raises(NotImplementedError, match="no coverage penalty"):
        seq2seq.BeamSearchDecoder(cell, table, tf.fill([BATCH], 1), 2, first, 1, layer, coverage_penalty_weight=0.5)


# -- lists of steps --------------------------------------------------------------------------------------------


def test_a_decoder_that_attends_to_lists() -> None:
    steps = [tf.constant(X[:, t]) for t in range(2)]
    memory, first = tf.constant(X), tf.constant(RNG.uniform(-1, 1, (BATCH, UNITS)).astype(np.float32))
    outputs, state = legacy_seq2seq.attention_decoder(steps, first, memory, tf.nn.rnn_cell.GRUCell(UNITS), 3)
    with _started() as session:
        *found, last, h = session.run([*outputs, state, first])
        variables = tf.trainable_variables()
        w = {v.op.name.removeprefix("attention_decoder/"): value
             for v, value in zip(variables, session.run(variables), strict=True)}  # fmt: skip
    assert [name for name in w if "gru_cell" not in name] == [
        "AttnW_0", "AttnV_0", "kernel", "bias", "Attention_0/kernel", "Attention_0/bias", "AttnOutputProjection/kernel",
        "AttnOutputProjection/bias"]  # fmt: skip
    attended = np.zeros((BATCH, DEPTH))
    for t in range(2):
        x = np.concatenate([X[:, t], attended], 1) @ w["kernel"] + w["bias"]
        h = gru(x, h, *(value for name, value in w.items() if "gru_cell" in name))
        query = h @ w["Attention_0/kernel"] + w["Attention_0/bias"]
        score = (w["AttnV_0"] * np.tanh(X @ w["AttnW_0"][0, 0] + query[:, None])).sum(2)
        attended = np.einsum("bt,btd->bd", _softmax(score), X)
        wanted = np.concatenate([h, attended], 1) @ w["AttnOutputProjection/kernel"] + w["AttnOutputProjection/bias"]
        np.testing.assert_allclose(found[t], wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(last, h, rtol=1e-5, atol=1e-6)


MODELS = {
    "plain": lambda e, d, feed: legacy_seq2seq.embedding_rnn_seq2seq(
        e, d, tf.nn.rnn_cell.GRUCell(UNITS), CLASSES, CLASSES, DEPTH, feed_previous=feed),
    "tied": lambda e, d, feed: legacy_seq2seq.embedding_tied_rnn_seq2seq(
        e, d, tf.nn.rnn_cell.GRUCell(UNITS), CLASSES, DEPTH, feed_previous=feed),
    "attention": lambda e, d, feed: legacy_seq2seq.embedding_attention_seq2seq(
        e, d, tf.nn.rnn_cell.BasicLSTMCell(UNITS), CLASSES, CLASSES, DEPTH, feed_previous=feed),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_models_feed_what_they_said(name: str) -> None:
    encoder = [tf.constant([1, 2, 0]), tf.constant([3, 4, 4])]
    decoder = [tf.placeholder_with_default(np.full(BATCH, 1, np.int32), [BATCH]) for _ in range(3)]
    feeds_previous = tf.placeholder(tf.bool, [])
    outputs, _ = MODELS[name](encoder, decoder, feeds_previous)
    assert len({v.op.name for v in tf.trainable_variables()}) == len(tf.trainable_variables())
    with _started() as session:
        fed = session.run(outputs, {feeds_previous: True})
        said = [scores.argmax(1) for scores in fed]
        given = session.run(outputs, {feeds_previous: False, decoder[1]: said[0], decoder[2]: said[1]})
        alone = session.run(outputs, {feeds_previous: False})
    for one, other in zip(fed, given, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert fed[0].shape == (BATCH, CLASSES)
    assert not np.allclose(alone[1], fed[1]) or (said[0] == 1).all()


def test_buckets_share_their_variables() -> None:
    encoder = [tf.constant([1, 2, 0]) for _ in range(4)]
    decoder = [tf.constant([1, 3, 0]) for _ in range(5)]
    shares = [tf.ones([BATCH]) for _ in range(5)]
    outputs, losses = legacy_seq2seq.model_with_buckets(
        encoder, decoder, decoder[1:] + decoder[:1], shares, [(2, 3), (4, 5)],
        lambda x, y: MODELS["attention"](x, y, False),
    )  # fmt: skip
    assert [len(steps) for steps in outputs] == [3, 5]
    assert len(tf.trainable_variables()) == 16
    with _started() as session:
        assert np.isfinite(session.run(losses)).all()
    with pytest.raises(ValueError, match=r"Length of targets \(2\) must be at least that of last bucket \(5\)"):
        legacy_seq2seq.model_with_buckets(encoder, decoder, decoder[:2], shares, [(4, 5)], lambda x, y: (x, y))


def test_basic_and_tied_models() -> None:
    steps = [tf.constant(X[:, t]) for t in range(3)]
    basic, _ = legacy_seq2seq.basic_rnn_seq2seq(steps[:2], steps[2:], tf.nn.rnn_cell.BasicRNNCell(DEPTH))
    tied, _ = legacy_seq2seq.tied_rnn_seq2seq(steps[:2], steps[1:], tf.nn.rnn_cell.BasicRNNCell(DEPTH))
    assert [v.op.name for v in tf.trainable_variables()] == [
        f"{scope}/basic_rnn_cell/{name}"
        for scope in ("basic_rnn_seq2seq/rnn", "basic_rnn_seq2seq/rnn_decoder",
                      "combined_tied_rnn_seq2seq/tied_rnn_seq2seq")
        for name in ("kernel", "bias")
    ]  # fmt: skip
    with _started() as session:
        one, two, *w = session.run([basic[0], tied[1], *tf.trainable_variables()])

    def run(kernels: list[Any], inputs: list[int]) -> Any:
        h = np.zeros((BATCH, DEPTH))
        for (kernel, bias), t in zip(kernels, inputs, strict=True):
            h = np.tanh(np.concatenate([X[:, t], h], 1) @ kernel + bias)
        return h

    np.testing.assert_allclose(one, run([(w[0], w[1])] * 2 + [(w[2], w[3])], [0, 1, 2]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(two, run([(w[4], w[5])] * 4, [0, 1, 1, 2]), rtol=1e-5, atol=1e-6)
