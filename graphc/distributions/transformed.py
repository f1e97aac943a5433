"""Distributions of what a bijector makes of draws of another one."""

from __future__ import annotations

from typing import Any

from graphc.distributions.bijectors import Bijector
from graphc.distributions.distribution import Distribution, Sizes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e


class ConditionalDistribution(Distribution):
    """A distribution whose methods take further arguments by name."""


class TransformedDistribution(Distribution):
    """``bijector(x)`` for draws x of a distribution: ``log p(y) = log p(x) - log |det g'(x)|``.

    ``bijector_kwargs`` and ``distribution_kwargs`` of its methods reach the two parts.
    """

    def __init__(
        self, distribution: Distribution, bijector: Bijector | None = None, batch_shape: Any = None,
        event_shape: Any = None, validate_args: bool = False, name: str | None = None,
    ):  # fmt: skip
        given = dict(locals())
        if bijector is None:
            raise ValueError("TransformedDistribution needs a bijector")
        if batch_shape is not None or event_shape is not None:
            raise NotImplementedError(
                "TransformedDistribution: batch_shape and event_shape are not taken; give the distribution these shapes"
            )
        self._distribution, self._bijector = distribution, bijector
        self.reparameterization_type = distribution.reparameterization_type
        rank = max(distribution.event_shape.ndims or 0, bijector.forward_min_event_ndims)
        if rank > (distribution.event_shape.ndims or 0):
            raise ValueError(
                f"{bijector.name} moves events of {rank} axes, {distribution.name} draws ones of "
                f"{distribution.event_shape.ndims}; take a distribution over vectors"
            )
        called = name or f"{bijector.name}{distribution.name.strip('/')}"
        super().__init__(called, distribution.dtype, given, validate_args, distribution.allow_nan_stats, rank)

    @property
    def distribution(self) -> Distribution:
        """What is drawn from."""
        return self._distribution

    @property
    def bijector(self) -> Bijector:
        """What draws are moved by."""
        return self._bijector

    def _whole(self) -> Tensor:
        return self._bijector.forward(self._distribution._whole())

    def sample(
        self, sample_shape: Any = (), seed: int | None = None, name: str = "sample", bijector_kwargs: Any = None,
        distribution_kwargs: Any = None,
    ) -> Tensor:  # fmt: skip
        """Draws of the shape ``sample_shape``, then batch, then event."""
        with self._scope(name):
            x = self._distribution.sample(sample_shape, seed, **(distribution_kwargs or {}))
            return self._bijector.forward(x, **(bijector_kwargs or {}))

    def log_prob(
        self, value: Any, name: str = "log_prob", bijector_kwargs: Any = None, distribution_kwargs: Any = None
    ) -> Tensor:
        """The logarithm of the density of a value."""
        with self._scope(name):
            y, given = self._value(value), bijector_kwargs or {}
            x = self._bijector.inverse(y, **given)
            return self._distribution.log_prob(x, **(distribution_kwargs or {})) + self._stretch(y, given)

    def prob(
        self, value: Any, name: str = "prob", bijector_kwargs: Any = None, distribution_kwargs: Any = None
    ) -> Tensor:
        """The density of a value."""
        with self._scope(name):
            return e.exp(self.log_prob(value, bijector_kwargs=bijector_kwargs, distribution_kwargs=distribution_kwargs))

    def _stretch(self, y: Tensor, given: dict[str, Any]) -> Tensor:
        return self._bijector.inverse_log_det_jacobian(y, self._event_rank, **given)

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        raise self._missing("_draws")  # sample asks the distribution itself

    def _cdf(self, value: Tensor) -> Tensor:
        self._of_numbers("cdf")
        return self._distribution.cdf(self._bijector.inverse(value))

    def _quantile(self, value: Tensor) -> Tensor:
        self._of_numbers("quantile")
        return self._bijector.forward(self._distribution.quantile(value))

    def _of_numbers(self, what: str) -> None:
        if self._event_rank:
            raise NotImplementedError(f"{what} is not implemented for vectors: {self.name}")

    def _mean(self) -> Tensor:
        if not self._bijector.is_constant_jacobian:
            raise NotImplementedError(f"mean is not implemented for non-affine bijectors such as {self._bijector.name}")
        return self._bijector.forward(self._distribution.mean())

    def _entropy(self) -> Tensor:
        if not self._bijector.is_constant_jacobian:
            raise NotImplementedError("entropy is not implemented for non-affine bijectors")
        entropy, point = self._distribution.entropy(), self._distribution._whole()
        return entropy + self._bijector.forward_log_det_jacobian(0 * point, self._event_rank)


class ConditionalTransformedDistribution(TransformedDistribution):
    """A :class:`TransformedDistribution` of parts that take further arguments by name."""
