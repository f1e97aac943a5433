"""What all distributions have, and how far one lies from another.

A distribution has parameters of a batch shape; each draw has that shape and, behind it, the shape of one event. The
methods with a public name open name scopes and convert arguments; subclasses say what they mean under ``_`` names.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from graphc import dtypes
from graphc.distributions.validity import Checks
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, is_tensor_like
from graphc.ops.reshaping import shape as shape_of
from graphc.ops.slicing import getitem
from graphc.scopes import get_default_graph
from graphc.shapes import TensorShape

Sizes = list[Any]  # whole numbers, and tensors where they are not known


class ReparameterizationType:
    """Whether a draw is a differentiable function of the parameters."""

    def __init__(self, rep_type: str):
        self._rep_type = rep_type

    def __repr__(self) -> str:
        return f"<Reparameterization Type: {self._rep_type}>"


FULLY_REPARAMETERIZED = ReparameterizationType("FULLY_REPARAMETERIZED")
NOT_REPARAMETERIZED = ReparameterizationType("NOT_REPARAMETERIZED")


class Distribution:
    """A distribution over numbers or vectors."""

    reparameterization_type = NOT_REPARAMETERIZED

    def __init__(
        self, name: str, dtype: Any, parameters: dict[str, Any], validate_args: bool = False,
        allow_nan_stats: bool = True, event_rank: int = 0,
    ):  # fmt: skip
        self._name = name
        self._dtype = dtypes.as_dtype(dtype)
        self._parameters = {key: value for key, value in parameters.items() if key != "self" and key[0] != "_"}
        self._validate_args = validate_args
        self._allow_nan_stats = allow_nan_stats
        self._event_rank = event_rank
        self._asserted: Checks = []
        if validate_args:
            with get_default_graph().name_scope(name):
                self._asserted = self._checks()

    # -- what subclasses say -------------------------------------------------------------------------

    def _whole(self) -> Tensor:
        """A tensor of the batch shape and the event shape, of which only the shape is looked at."""
        raise NotImplementedError(f"{type(self).__name__} does not say its shape")

    def _checks(self) -> Checks:
        """What must hold of the parameters."""
        return []

    def _checks_of(self, value: Tensor) -> Checks:
        """What must hold of a value of which the density is asked."""
        return []

    def _draws(self, sizes: Sizes, seed: int | None) -> Tensor:
        """Draws of this shape: sample, batch, event."""
        raise self._missing("sample")

    def _log_prob(self, value: Tensor) -> Tensor:
        raise self._missing("log_prob")

    def _prob(self, value: Tensor) -> Tensor:
        return e.exp(self._log_prob(value))

    def _cdf(self, value: Tensor) -> Tensor:
        raise self._missing("cdf")

    def _log_cdf(self, value: Tensor) -> Tensor:
        return e.log(self._cdf(value))

    def _survival_function(self, value: Tensor) -> Tensor:
        return 1.0 - self._cdf(value)

    def _quantile(self, value: Tensor) -> Tensor:
        raise self._missing("quantile")

    def _entropy(self) -> Tensor:
        raise self._missing("entropy")

    def _mean(self) -> Tensor:
        raise self._missing("mean")

    def _variance(self) -> Tensor:
        raise self._missing("variance")

    def _stddev(self) -> Tensor:
        return e.sqrt(self._variance())

    def _covariance(self) -> Tensor:
        raise self._missing("covariance")

    def _mode(self) -> Tensor:
        raise self._missing("mode")

    def _missing(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{what} is not implemented: {type(self).__name__}")

    # -- what users ask ------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name given."""
        return self._name

    @property
    def dtype(self) -> dtypes.DType:
        """The element type of draws."""
        return self._dtype

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments that the distribution was made with."""
        return dict(self._parameters)

    @property
    def validate_args(self) -> bool:
        """Whether a step that uses wrong parameters or values fails."""
        return self._validate_args

    @property
    def allow_nan_stats(self) -> bool:
        """As given: what is undefined is NaN."""
        return self._allow_nan_stats

    @property
    def batch_shape(self) -> TensorShape:
        """What is known of the shape of the parameters."""
        known = self._whole().type.shape
        return TensorShape(None if known is None else known[: len(known) - self._event_rank])

    @property
    def event_shape(self) -> TensorShape:
        """What is known of the shape of one event."""
        known = self._whole().type.shape
        return TensorShape(None if known is None else known[len(known) - self._event_rank :])

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Tensor:
        """The shape of the parameters, when the graph runs."""
        sizes = self._sizes()
        return convert_to_tensor(sizes[: len(sizes) - self._event_rank], dtypes.int32, name)

    def event_shape_tensor(self, name: str = "event_shape_tensor") -> Tensor:
        """The shape of one event, when the graph runs."""
        sizes = self._sizes()
        return convert_to_tensor(sizes[len(sizes) - self._event_rank :], dtypes.int32, name)

    def _sizes(self) -> Sizes:
        """The batch shape and the event shape."""
        whole = self._whole()
        if whole.type.shape is None:
            raise ValueError(f"{self._name}: the parameters must have a known rank; give it with set_shape")
        return [n if isinstance(n, int) else getitem(shape_of(whole), axis) for axis, n in enumerate(whole.type.shape)]

    def copy(self, **override_parameters_kwargs: Any) -> Any:
        """The same distribution with some parameters changed."""
        return type(self)(**{**self._parameters, **override_parameters_kwargs})

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Tensor:
        """Draws of the shape ``sample_shape`` (a number or several), then batch, then event."""
        with self._scope(name):
            return self._draws([*_as_sizes(sample_shape), *self._sizes()], seed)

    def log_prob(self, value: Any, name: str = "log_prob") -> Tensor:
        """The logarithm of the density, or of the probability, of a value."""
        with self._scope(name):
            return self._log_prob(self._checked(self._value(value)))

    def prob(self, value: Any, name: str = "prob") -> Tensor:
        """The density, or the probability, of a value."""
        with self._scope(name):
            return self._prob(self._checked(self._value(value)))

    def cdf(self, value: Any, name: str = "cdf") -> Tensor:
        """The probability of at most the value."""
        with self._scope(name):
            return self._cdf(self._value(value))

    def log_cdf(self, value: Any, name: str = "log_cdf") -> Tensor:
        """The logarithm of :meth:`cdf`."""
        with self._scope(name):
            return self._log_cdf(self._value(value))

    def survival_function(self, value: Any, name: str = "survival_function") -> Tensor:
        """The probability of more than the value."""
        with self._scope(name):
            return self._survival_function(self._value(value))

    def log_survival_function(self, value: Any, name: str = "log_survival_function") -> Tensor:
        """The logarithm of :meth:`survival_function`."""
        with self._scope(name):
            return e.log(self._survival_function(self._value(value)))

    def quantile(self, value: Any, name: str = "quantile") -> Tensor:
        """The value whose :meth:`cdf` is given."""
        with self._scope(name):
            return self._quantile(self._value(value))

    def entropy(self, name: str = "entropy") -> Tensor:
        """Shannon's entropy in nats."""
        with self._scope(name):
            return self._entropy()

    def mean(self, name: str = "mean") -> Tensor:
        """The mean."""
        with self._scope(name):
            return self._mean()

    def variance(self, name: str = "variance") -> Tensor:
        """The variance."""
        with self._scope(name):
            return self._variance()

    def stddev(self, name: str = "stddev") -> Tensor:
        """The standard deviation."""
        with self._scope(name):
            return self._stddev()

    def covariance(self, name: str = "covariance") -> Tensor:
        """The matrix of covariances of the parts of an event."""
        with self._scope(name):
            return self._covariance()

    def mode(self, name: str = "mode") -> Tensor:
        """A most likely value."""
        with self._scope(name):
            return self._mode()

    def cross_entropy(self, other: Distribution, name: str = "cross_entropy") -> Tensor:
        """The entropy of this one and how far the other lies from it."""
        with self._scope(name):
            return self._entropy() + kl_divergence(self, other)

    def kl_divergence(self, other: Distribution, name: str = "kl_divergence") -> Tensor:
        """How far ``other`` lies from this one; see :func:`kl_divergence`."""
        with self._scope(name):
            return kl_divergence(self, other)

    def _value(self, value: Any) -> Tensor:
        return convert_to_tensor(value) if is_tensor_like(value) else convert_to_tensor(value, self._dtype, "value")

    def _checked(self, value: Tensor) -> Tensor:
        if not self._validate_args:
            return value
        with get_default_graph().control_dependencies(self._checks_of(value)):
            return e.identity(value)

    @contextmanager
    def _scope(self, name: str) -> Iterator[None]:
        graph = get_default_graph()
        with graph.name_scope(self._name), graph.name_scope(name), graph.control_dependencies(self._asserted):
            yield

    def __repr__(self) -> str:
        return (
            f"<tf.distributions.{type(self).__name__} '{self._name}' batch_shape={self.batch_shape} "
            f"event_shape={self.event_shape} dtype={self._dtype.name}>"
        )


def parameter(value: Any, name: str, like: Any = None) -> Tensor:
    """A parameter as a float tensor."""
    wanted = getattr(like, "dtype", None)
    tensor = convert_to_tensor(value, None if is_tensor_like(value) else wanted, name)
    return tensor if tensor.dtype.is_floating else e.cast(tensor, dtypes.float32)


def parameters(*given: tuple[Any, str]) -> list[Tensor]:
    """Several parameters as float tensors of one dtype: ``TypeError`` where tensors differ."""
    tensors = [parameter(value, name) for value, name in given if is_tensor_like(value)]
    like = tensors[0] if tensors else next((v for v, _ in given if hasattr(v, "dtype")), None)
    found = [parameter(value, name, like) for value, name in given]
    kinds = {tensor.dtype for tensor in found}
    if len(kinds) > 1:
        raise TypeError(f"Parameters must have one dtype, not {', '.join(sorted(kind.name for kind in kinds))}")
    return found


def last_size(x: Tensor) -> Any:
    """The last size: a number, or a tensor where it is not known."""
    size = (x.type.shape or (None,))[-1]
    return size if isinstance(size, int) else getitem(shape_of(x), -1)


def _as_sizes(sample_shape: Any) -> Sizes:
    if isinstance(sample_shape, TensorShape):
        return sample_shape.as_list()
    if is_tensor_like(sample_shape):
        tensor = convert_to_tensor(sample_shape)
        if tensor.type.rank == 0:
            return [tensor]
        number = (tensor.type.shape or (None,))[0]
        if not isinstance(number, int):
            raise ValueError("sample_shape must have a known length")
        return [getitem(tensor, axis) for axis in range(number)]
    if hasattr(sample_shape, "__index__"):
        return [int(sample_shape)]
    return [size if is_tensor_like(size) else int(size) for size in sample_shape]


# -- how far one lies from another -----------------------------------------------------------------------

Divergence = Callable[[Any, Any], Tensor]
_divergences: dict[tuple[type, type], Divergence] = {}


class RegisterKL:
    """Makes a function ``(p, q)`` known as the divergence for two classes; ``ValueError`` where there is one."""

    def __init__(self, dist_cls_a: type, dist_cls_b: type):
        self._key = dist_cls_a, dist_cls_b

    def __call__(self, kl_fn: Any) -> Any:
        if not callable(kl_fn):
            raise TypeError(f"kl_fn must be callable, received: {kl_fn}")
        if self._key in _divergences:
            names = " and ".join(kind.__name__ for kind in self._key)
            raise ValueError(f"KL({names}) has already been registered to: {_divergences[self._key]}")
        _divergences[self._key] = lambda p, q: kl_fn(p, q, name=None)
        return kl_fn


def divergence(of: type, other: type) -> Callable[[Divergence], Divergence]:
    """Makes a function of two distributions the divergence for their classes."""

    def register(formula: Divergence) -> Divergence:
        _divergences[of, other] = formula
        return formula

    return register


def kl_divergence(
    distribution_a: Distribution, distribution_b: Distribution, allow_nan_stats: bool = True, name: str | None = None
) -> Tensor:
    """``E_a[log a(x) - log b(x)]`` (Kullback and Leibler), where a formula is known for the two classes.

    ``NotImplementedError`` where none is.
    """
    pairs = [
        (first, second)
        for first in type(distribution_a).__mro__
        for second in type(distribution_b).__mro__
        if (first, second) in _divergences
    ]
    if not pairs:
        raise NotImplementedError(
            f"No KL(distribution_a || distribution_b) registered for distribution_a type "
            f"{type(distribution_a).__name__} and distribution_b type {type(distribution_b).__name__}"
        )
    with get_default_graph().name_scope(name or "KullbackLeibler"):
        return _divergences[pairs[0]](distribution_a, distribution_b)


def cross_entropy(ref: Distribution, other: Distribution, allow_nan_stats: bool = True, name: str | None = None) -> Any:
    """``E_ref[-log other(x)]``."""
    return ref.entropy() + kl_divergence(ref, other, name=name)


HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def derived_seed(seed: int | None, salt: str) -> int | None:
    """The seed of a second stream beside that of ``seed``: TensorFlow's, 31 bits of an MD5 sum."""
    if seed is None:
        return None
    digest = hashlib.md5(f"{seed}{salt}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) & 0x7FFFFFFF
