"""A transformer decoder of two layers that predicts the next byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.data import draw, ones, zeros
from benchmarks.systems.vocabulary import Vocabulary
from benchmarks.workload import Adam, Arrays, Training, Workload

LAYERS, WIDTH, HEADS, STEPS, BATCH, BYTES = 2, 128, 4, 64, 16, 256


def weights() -> list[np.ndarray]:
    """In the order in which ``decoder`` takes them; standard deviation 0.02 as in GPT-2."""
    random = np.random.RandomState(0)

    def dense(inputs: int, outputs: int) -> list[np.ndarray]:
        return [draw(random, 0.02, inputs, outputs), zeros(outputs)]

    norm = [ones(WIDTH), zeros(WIDTH)]
    layer_sizes = ((WIDTH, 3 * WIDTH), (WIDTH, WIDTH)), ((WIDTH, 4 * WIDTH), (4 * WIDTH, WIDTH))
    made = [draw(random, 0.02, BYTES, WIDTH), draw(random, 0.02, STEPS, WIDTH)]
    for _ in range(LAYERS):
        for half in layer_sizes:
            made += [*norm, *dense(*half[0]), *dense(*half[1])]
    return [*made, *norm, *dense(WIDTH, BYTES)]


def decoder(v: Vocabulary, weights: list[Any], tokens: Any, following: Any) -> Any:
    """Mean cross-entropy of the following bytes; activations are [batch * steps, width] outside of attention."""
    left = iter(weights)
    x = v.reshape(v.rows(next(left), tokens) + next(left), (-1, WIDTH))
    for _ in range(LAYERS):
        x = x + attention(v, left, v.layer_norm(x, next(left), next(left)))
        x = x + feed_forward(v, left, v.layer_norm(x, next(left), next(left)))
    x = v.layer_norm(x, next(left), next(left))
    return v.cross_entropy(v.dense(x, next(left), next(left)), v.reshape(following, (-1,)))


def attention(v: Vocabulary, left: Iterator[Any], x: Any) -> Any:
    """Several heads that look back only."""
    together = v.reshape(v.dense(x, next(left), next(left)), (-1, STEPS, 3, HEADS, WIDTH // HEADS))
    by_head = v.transpose(together, (2, 0, 3, 1, 4))  # [3, batch, heads, steps, width of a head]
    seen = v.causal_attention(by_head[0], by_head[1], by_head[2], STEPS, WIDTH // HEADS)
    joined = v.reshape(v.transpose(seen, (0, 2, 1, 3)), (-1, WIDTH))
    return v.dense(joined, next(left), next(left))


def feed_forward(v: Vocabulary, left: Iterator[Any], x: Any) -> Any:
    """Dense, GELU, dense."""
    return v.dense(v.gelu(v.dense(x, next(left), next(left))), next(left), next(left))


def batches() -> list[Arrays]:
    """Bytes that mostly count upwards, and the same moved on by one."""
    random = np.random.RandomState(1)
    made: list[Arrays] = []
    for _ in range(8):
        text = np.cumsum(random.randint(1, 4, (BATCH, STEPS + 1)), axis=1) % BYTES
        made.append((text[:, :-1].astype(np.int32), text[:, 1:].astype(np.int32)))
    return made


WORKLOADS = (
    Workload.single(
        "transformer",
        "transformer decoder, 2 layers, d=128, 4 heads, T=64, batch 16, Adam",
        Training(decoder, weights, batches, Adam()),
    ),
)
