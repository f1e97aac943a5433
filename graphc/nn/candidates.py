"""A few classes drawn to stand for all others, where there are too many to look at each.

Classes that must differ are drawn one after the other, those that were drawn before left out. The same seeds give the
classes that TensorFlow draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import fill
from graphc.ops.base import apply, constant, convert_to_tensor
from graphc.ops.lookup import gather
from graphc.ops.loops import while_loop
from graphc.ops.positions import where
from graphc.ops.random import CandidateInt, CandidateUniform, seeds_of
from graphc.ops.reduction import reduce_any
from graphc.ops.reshaping import expand_dims, reshape
from graphc.ops.sampling import HIGHEST, LOWEST
from graphc.ops.sequences import range as sequence
from graphc.scopes import get_default_graph

Draw = Callable[[int], Tensor]  # so many draws: the first of the stream
Chance = Callable[[Tensor], Tensor]


class Candidates(NamedTuple):
    """Classes drawn, and how often each true class and each of those drawn is expected among them."""

    sampled_candidates: Tensor
    true_expected_count: Tensor
    sampled_expected_count: Tensor


def uniform_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: int | None = None,
    name: str | None = None,
) -> Candidates:  # fmt: skip
    """Classes below ``range_max``, all equally likely."""
    called = name or "UniformCandidateSampler"
    _check_counts(called, num_true, num_sampled, range_max)
    seeds, limits = seeds_of(seed), (constant(0, dtypes.int64), constant(range_max, dtypes.int64))

    def draw(count: int) -> Tensor:
        return apply(CandidateInt(dtypes.int64, *seeds, (count,), num_sampled), *limits)

    def chance(classes: Tensor) -> Tensor:
        return 0 * e.cast(classes, dtypes.float32) + 1 / range_max

    return _candidates(true_classes, num_true, num_sampled, unique, range_max, draw, chance, called)


def log_uniform_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: int | None = None,
    name: str | None = None,
) -> Candidates:  # fmt: skip
    """Class k with the probability ``log((k + 2) / (k + 1)) / log(range_max + 1)``: words by falling frequency."""
    called = name or "LogUniformCandidateSampler"
    _check_counts(called, num_true, num_sampled, range_max)
    seeds, width = seeds_of(seed), math.log(range_max + 1)

    def draw(count: int) -> Tensor:
        value = e.exp(apply(CandidateUniform(dtypes.float64, *seeds, (count,), num_sampled)) * width)
        return (e.cast(value, dtypes.int64) - 1) % range_max

    def chance(classes: Tensor) -> Tensor:
        number = e.cast(classes, dtypes.float32)
        return e.log1p(1 / (number + 1)) / width

    return _candidates(true_classes, num_true, num_sampled, unique, range_max, draw, chance, called)


def fixed_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: Sequence[float] = (),
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Classes by given frequencies raised to ``distortion``: from ``unigrams``, or the last column of ``vocab_file``.

    The first ``num_reserved_ids`` classes are never drawn; with shards, only every ``num_shards``-th is.
    """
    called = name or "FixedUnigramCandidateSampler"
    _check_counts(called, num_true, num_sampled, range_max)
    if not 0 <= shard < num_shards:
        raise ValueError(f"{called}: shard must be in [0, num_shards), not {shard} of {num_shards}")
    weights = _frequencies(vocab_file, unigrams, distortion, num_reserved_ids, range_max)
    weights[[k for k in range(range_max) if k % num_shards != shard]] = 0
    if not weights.sum() > 0:
        raise ValueError("fixed_unigram_candidate_sampler: no class has a frequency above 0")
    if unique and num_sampled > np.count_nonzero(weights):
        raise ValueError(
            f"fixed_unigram_candidate_sampler cannot draw {num_sampled} different classes: "
            f"{np.count_nonzero(weights)} have a frequency above 0"
        )
    shares = constant((weights / weights.sum()).astype(np.float32))
    least, others = (constant(table) for table in _alias_table(weights[shard::num_shards]))
    seeds, limits = seeds_of(seed), (constant(LOWEST, dtypes.int32), constant(HIGHEST, dtypes.int32))

    def draw(count: int) -> Tensor:
        """Two words each: an even number of 23 bits, and the place in the table."""
        words = apply(CandidateInt(dtypes.int32, *seeds, (2 * count,), num_sampled), *limits)
        bits = e.cast(reshape(words, [count, 2]), dtypes.int64) - LOWEST
        even, place = e.cast(bits[:, 0] % 2**23, dtypes.float32) * 2.0**-23, bits[:, 1] % least.shape[0].value
        return e.select(even < gather(least, place), place, gather(others, place)) * num_shards + shard

    return _candidates(
        true_classes, num_true, num_sampled, unique, range_max, draw, lambda classes: gather(shares, classes), called
    )


def _alias_table(weights: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """For each place: below which even number its own class is drawn, and which class is drawn else.

    Walker, ACM Transactions on Mathematical Software 3 (1977); Vose, IEEE Transactions on Software Engineering 17
    (1991).
    """
    weights = weights.astype(np.float32).astype(np.float64)
    shares = weights * len(weights) / weights.sum()  # of what each place holds
    least, others = np.ones(len(weights), np.float32), np.arange(len(weights))
    low, high = ([int(k) for k in np.flatnonzero(kept)] for kept in (shares < 1, shares >= 1))
    while low and high:
        small, large = low.pop(), high.pop()
        least[small], others[small] = shares[small], large
        shares[large] -= 1 - shares[small]
        (low if shares[large] < 1 else high).append(large)
    return least, others


def _check_counts(called: str, num_true: int, num_sampled: int, range_max: int) -> None:
    for what, number in (("num_true", num_true), ("num_sampled", num_sampled), ("range_max", range_max)):
        if number < 1:
            raise ValueError(f"{called}: {what} must be at least 1, not {number}")


def _frequencies(
    vocab_file: str, unigrams: Sequence[float], distortion: float, reserved: int, range_max: int
) -> np.ndarray[Any, Any]:
    if bool(vocab_file) == bool(len(unigrams)):
        raise ValueError("Must provide either vocab_file or unigrams, but not both.")
    if vocab_file:
        with open(vocab_file, encoding="utf-8") as lines:
            unigrams = [float(line.rstrip().rsplit(",", 1)[-1]) for line in lines if line.strip()]
    given = np.asarray(unigrams, np.float64)
    wrong = given[~((given >= 0) & np.isfinite(given))]
    if len(wrong):
        raise ValueError(f"fixed_unigram_candidate_sampler: a frequency is at least 0 and finite, not {wrong[0]}")
    weights = np.concatenate([np.zeros(reserved), given**distortion])
    if len(weights) != range_max:
        raise ValueError(f"range_max is {range_max} for {len(weights)} classes: reserved ones and frequencies")
    return weights


def learned_unigram_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: int | None = None,
    name: str | None = None,
) -> Candidates:  # fmt: skip
    """Not available: it would change with each run in a way that no variable shows."""
    raise NotImplementedError(
        "learned_unigram_candidate_sampler keeps counts outside of variables; "
        "use fixed_unigram_candidate_sampler with the frequencies, or log_uniform_candidate_sampler"
    )


@telling_line
def all_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, seed: int | None = None, name: str | None = None
) -> Candidates:
    """All classes below ``num_sampled``, each once: for tests."""
    called = name or "AllCandidateSampler"
    _check_counts(called, num_true, num_sampled, num_sampled)
    with get_default_graph().name_scope(called):
        true = _true_classes(true_classes, num_true)
        ones = 0 * e.cast(true, dtypes.float32) + 1
        return Candidates(constant(np.arange(num_sampled)), ones, constant(np.ones(num_sampled, np.float32)))


def _true_classes(true_classes: Any, num_true: int) -> Tensor:
    true = e.cast(convert_to_tensor(true_classes), dtypes.int64)
    if true.type.rank not in (2, None) or true.shape[-1].value not in (num_true, None):
        raise ValueError(f"true_classes must be [batch, {num_true}], not {true.type}")
    return true


def _candidates(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, draw: Draw, chance: Chance,
    name: str,
) -> Candidates:  # fmt: skip
    if unique and num_sampled > range_max:
        raise ValueError(f"{name} cannot draw {num_sampled} different classes: there are {range_max}")
    with get_default_graph().name_scope(name):
        true = _true_classes(true_classes, num_true)
        if not unique:
            drawn = draw(num_sampled)
            return Candidates(drawn, chance(true) * num_sampled, chance(drawn) * num_sampled)
        drawn, tries = _different(num_sampled, draw)
        number = e.cast(tries, dtypes.float32)

        def expected(classes: Tensor) -> Tensor:
            """The probability of at least one in that many tries; as TensorFlow, the mean where all tries differed."""
            found = chance(classes)
            return e.select(e.equal(tries, num_sampled), found * number, -e.expm1(number * e.log1p(-found)))

        return Candidates(drawn, expected(true), expected(drawn))


def _different(number: int, draw: Draw) -> tuple[Tensor, Tensor]:
    """Classes that differ, in the order in which they came, and how many draws it took."""
    places = sequence(number)
    ahead = draw(8 * number + 256)  # nearly always enough; what is drawn beyond is as good, if not TensorFlow's
    enough = ahead.shape[0].value

    def more(found: Tensor, _: Tensor, __: Tensor) -> Tensor:
        return found < number

    def one(found: Tensor, tries: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        value = e.select(tries < enough, gather(ahead, e.minimum(tries, enough - 1)), draw(1)[0])
        known = reduce_any(e.equal(chosen, value))
        here = e.logical_and(e.equal(places, found), e.logical_not(known))
        step = e.cast(e.logical_not(known), dtypes.int32)
        return found + step, tries + 1, e.select(here, value, chosen)

    start = (constant(0), constant(0), fill([number], constant(-1, dtypes.int64)))
    _, tries, chosen = while_loop(more, one, start)
    chosen.set_shape([number])
    return chosen, tries


def compute_accidental_hits(
    true_classes: Any, sampled_candidates: Any, num_true: int, seed: int | None = None, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Where a class that was drawn is true: examples [hits], positions among those drawn [hits], the least floats."""
    drawn = e.cast(convert_to_tensor(sampled_candidates), dtypes.int64)
    with get_default_graph().name_scope(name or "ComputeAccidentalHits"):
        true = _true_classes(true_classes, num_true)
        places = where(e.equal(expand_dims(true, 2), drawn))  # [hits, 3]: example, number among the true ones, position
        weights = 0 * e.cast(places[:, 0], dtypes.float32) + float(np.finfo(np.float32).min)
        return e.cast(places[:, 0], dtypes.int32), places[:, 2], weights
