"""Distributions over classes and counts."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.debugging.assertions import assert_equal
from graphc.distributions.distribution import Distribution, Sizes, divergence, last_size, parameter
from graphc.distributions.validity import Checks, chances, shares, whole_numbers
from graphc.nn.classification import log_softmax, sigmoid_cross_entropy_with_logits, softmax
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor
from graphc.ops.indexing import one_hot
from graphc.ops.random import random_uniform
from graphc.ops.reduction import argmax, reduce_sum
from graphc.ops.reshaping import broadcast_like, count, expand_dims, reshape, transpose
from graphc.ops.sampling import multinomial
from graphc.ops.sequences import range as sequence
from graphc.ops.special import lgamma


def _logits_and_probs(logits: Any, probs: Any, by_class: bool) -> tuple[Tensor, Tensor]:
    """Both, from the one that is given; ``ValueError`` unless exactly one is."""
    if (logits is None) == (probs is None):
        raise ValueError("Must pass probs or logits, but not both.")
    if logits is not None:
        scores = parameter(logits, "logits")
        return scores, softmax(scores) if by_class else e.sigmoid(scores)
    chances = parameter(probs, "probs")
    return (e.log(chances) if by_class else e.log(chances) - e.log1p(-chances)), chances


class _OfChances(Distribution):
    """What has ``logits`` and ``probs``."""

    _logits: Tensor
    _probs: Tensor

    @property
    def logits(self) -> Tensor:
        """The logarithms of probabilities, or of odds."""
        return self._logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._probs

    def _checks(self) -> Checks:
        return [] if self._parameters.get("probs") is None else shares(self._probs, "probs")


class Bernoulli(_OfChances):
    """1 with the probability ``probs``, else 0"""

    def __init__(
        self, logits: Any = None, probs: Any = None, dtype: Any = dtypes.int32, validate_args: bool = False,
        allow_nan_stats: bool = True, name: str = "Bernoulli",
    ):  # fmt: skip
        given = dict(locals())
        self._logits, self._probs = _logits_and_probs(logits, probs, by_class=False)
        super().__init__(name, dtype, given, validate_args, allow_nan_stats)

    def _whole(self) -> Tensor:
        return self._logits

    def _checks(self) -> Checks:
        return [] if self._parameters.get("probs") is None else chances(self._probs)

    def _checks_of(self, value: Tensor) -> Checks:
        return whole_numbers(value, "sample", 1)

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        return e.cast(random_uniform(sizes, dtype=self._probs.dtype, seed=seed) < self._probs, self.dtype)

    def _log_prob(self, value: Tensor) -> Tensor:
        event = e.cast(value, self._logits.dtype)
        zero = 0 * (event + self._logits)
        return -sigmoid_cross_entropy_with_logits(labels=event + zero, logits=self._logits + zero)

    def _entropy(self) -> Tensor:
        return -self._logits * (e.sigmoid(self._logits) - 1) + e.softplus(-self._logits)

    def _mean(self) -> Tensor:
        return e.identity(self._probs)

    def _variance(self) -> Tensor:
        return self._probs * (1 - self._probs)

    def _mode(self) -> Tensor:
        return e.cast(self._probs > 0.5, self.dtype)


class Categorical(_OfChances):
    """The number of a class, with the probabilities along the last axis"""

    def __init__(
        self, logits: Any = None, probs: Any = None, dtype: Any = dtypes.int32, validate_args: bool = False,
        allow_nan_stats: bool = True, name: str = "Categorical",
    ):  # fmt: skip
        given = dict(locals())
        self._logits, self._probs = _logits_and_probs(logits, probs, by_class=True)
        super().__init__(name, dtype, given, validate_args, allow_nan_stats)

    @property
    def event_size(self) -> Tensor:
        """The number of classes."""
        return convert_to_tensor(last_size(self._logits))

    def _whole(self) -> Tensor:
        return reduce_sum(self._logits, -1)

    def _checks_of(self, value: Tensor) -> Checks:
        return whole_numbers(value, "sample", last_size(self._logits) - 1)

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        rank = (self._logits.type.rank or 1) - 1
        return e.cast(_classes(self._logits, sizes, len(sizes) - rank, seed), self.dtype)

    def _log_prob(self, value: Tensor) -> Tensor:
        scores = log_softmax(self._logits)
        numbers = e.cast(value, dtypes.int32) if not value.dtype.is_integer else value
        rank = (scores.type.rank or 1) - 1
        if (numbers.type.rank or 0) < rank:
            numbers = numbers + e.cast(0 * reduce_sum(scores, -1), numbers.dtype)
        chosen = one_hot(numbers, last_size(scores), True, False, dtype=dtypes.bool)
        zero = broadcast_like(convert_to_tensor(0, scores.dtype), e.cast(chosen, scores.dtype) + scores)
        return reduce_sum(e.select(chosen, scores + zero, zero), -1)

    def _cdf(self, value: Tensor) -> Tensor:
        """The probability of less than the value, as TensorFlow has it."""
        number = count(self._probs, ((self._probs.type.rank or 1) - 1,), dtypes.int32)
        below = e.cast(sequence(number), value.dtype) < expand_dims(value, -1)
        return reduce_sum(e.cast(below, self._probs.dtype) * self._probs, -1)

    def _entropy(self) -> Tensor:
        return -reduce_sum(log_softmax(self._logits) * self._probs, -1)

    def _mode(self) -> Tensor:
        return e.cast(argmax(self._logits, -1), self.dtype)


def _classes(logits: Tensor, sizes: Sizes, samples: int, seed: int | None) -> Tensor:
    """Classes of the shape ``sizes``: the first ``samples`` axes are draws, the others the batch."""
    number: Any = 1
    for size in sizes[:samples]:
        number = number * size
    drawn = multinomial(reshape(logits, [-1, last_size(logits)]), number, seed, output_dtype=dtypes.int32)
    return reshape(transpose(drawn), sizes)


class OneHotCategorical(_OfChances):
    """A class as a row that is 1 at its number and 0 elsewhere"""

    def __init__(
        self, logits: Any = None, probs: Any = None, dtype: Any = dtypes.int32, validate_args: bool = False,
        allow_nan_stats: bool = True, name: str = "OneHotCategorical",
    ):  # fmt: skip
        given = dict(locals())
        self._logits, self._probs = _logits_and_probs(logits, probs, by_class=True)
        super().__init__(name, dtype, given, validate_args, allow_nan_stats, event_rank=1)

    def _whole(self) -> Tensor:
        return self._logits

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        samples = len(sizes) - (self._logits.type.rank or 1)
        return one_hot(_classes(self._logits, sizes[:-1], samples, seed), last_size(self._logits), dtype=self.dtype)

    def _log_prob(self, value: Tensor) -> Tensor:
        return reduce_sum(e.cast(value, self._logits.dtype) * log_softmax(self._logits), -1)

    def _entropy(self) -> Tensor:
        return -reduce_sum(log_softmax(self._logits) * self._probs, -1)

    def _mean(self) -> Tensor:
        return e.identity(self._probs)

    def _variance(self) -> Tensor:
        return self._probs * (1 - self._probs)

    def _mode(self) -> Tensor:
        return one_hot(argmax(self._logits, -1), last_size(self._logits), dtype=self.dtype)


class Multinomial(_OfChances):
    """How often each class is drawn in ``total_count`` draws"""

    def __init__(
        self, total_count: Any, logits: Any = None, probs: Any = None, validate_args: bool = False,
        allow_nan_stats: bool = True, name: str = "Multinomial",
    ):  # fmt: skip
        given = dict(locals())
        self._logits, self._probs = _logits_and_probs(logits, probs, by_class=True)
        self._total = parameter(total_count, "total_count", self._logits)
        super().__init__(name, self._probs.dtype, given, validate_args, allow_nan_stats, event_rank=1)
        self._number = total_count

    @property
    def total_count(self) -> Tensor:
        """The number of draws."""
        return self._total

    def _whole(self) -> Tensor:
        return self._logits + 0 * expand_dims(self._total, -1)

    def _checks(self) -> Checks:
        return [*super()._checks(), *whole_numbers(self._total, "total_count")]

    def _checks_of(self, value: Tensor) -> Checks:
        total = reduce_sum(e.cast(value, self.dtype), -1)
        same = assert_equal(self._total, total, message="counts must sum to total_count")
        return [*whole_numbers(value, "counts"), same]

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        number = self._number
        if not isinstance(number, (int, float)):
            raise NotImplementedError("Multinomial.sample needs a total_count that is one number known while declaring")
        samples = len(sizes) - (self._logits.type.rank or 1)
        places = [*sizes[:samples], int(number), *sizes[samples:-1]]  # those of one sample follow each other
        classes = _classes(self._logits, places, samples + 1, seed)
        return reduce_sum(one_hot(classes, last_size(self._logits), dtype=self.dtype), samples)

    def _log_prob(self, value: Tensor) -> Tensor:
        counts = e.cast(value, self.dtype)
        ways = lgamma(self._total + 1) - reduce_sum(lgamma(counts + 1), -1)
        return reduce_sum(counts * log_softmax(self._logits), -1) + ways

    def _mean(self) -> Tensor:
        return self._probs * expand_dims(self._total, -1)

    def _variance(self) -> Tensor:
        return self._mean() * (1 - self._probs)


@divergence(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    """``sum over yes and no of p (log p - log q)``, from logits so that nothing overflows"""
    no = e.softplus(-q.logits) - e.softplus(-p.logits)
    yes = e.softplus(q.logits) - e.softplus(p.logits)
    return e.sigmoid(p.logits) * no + e.sigmoid(-p.logits) * yes


@divergence(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    """``sum p (log p - log q)``"""
    return reduce_sum(p.probs * (log_softmax(p.logits) - log_softmax(q.logits)), -1)


@divergence(OneHotCategorical, OneHotCategorical)
def _one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    """``sum p (log p - log q)``"""
    return reduce_sum(p.probs * (log_softmax(p.logits) - log_softmax(q.logits)), -1)
