"""``tf.contrib.distributions.bijectors``: functions that can be undone, and how they stretch what they move.

For a draw x with density p, ``y = g(x)`` has the density ``p(x) / |det g'(x)|``. A bijector says ``_forward``,
``_inverse`` and the logarithm of the determinant over its smallest event (a number, or the last axis); the methods
with public names sum it over the axes of larger events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.lazily import when_named
from graphc.nn.activations import log_sigmoid
from graphc.nn.classification import log_softmax, softmax
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, zeros_like
from graphc.ops.base import convert_to_tensor
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import shape
from graphc.scopes import get_default_graph

__all__ = [
    "AffineScalar", "Bijector", "Chain", "ConditionalBijector", "Exp", "Identity", "Inline", "Invert", "PowerTransform",
    "Sigmoid", "SoftmaxCentered", "Softplus",
]  # fmt: skip
__getattr__ = when_named(__name__, "graphc.contrib.distributions.bijectors", {})


def __dir__() -> list[str]:
    return __all__


class Bijector:
    """A function of tensors that can be undone; subclasses say what it is."""

    def __init__(
        self, graph_parents: Any = None, is_constant_jacobian: bool = False, validate_args: bool = False,
        dtype: Any = None, forward_min_event_ndims: int | None = 0, inverse_min_event_ndims: int | None = None,
        name: str | None = None,
    ):  # fmt: skip
        self._constant, self._dtype, self._validate = is_constant_jacobian, dtype, validate_args
        forward = inverse_min_event_ndims if forward_min_event_ndims is None else forward_min_event_ndims
        inverse = forward if inverse_min_event_ndims is None else inverse_min_event_ndims
        self._ndims = forward or 0, inverse or 0
        self._name = name or type(self).__name__.lower()

    # -- what subclasses say -------------------------------------------------------------------------

    def _forward(self, x: Any, **_: Any) -> Tensor:
        raise NotImplementedError(f"forward not implemented: {type(self).__name__}")

    def _inverse(self, y: Any, **_: Any) -> Tensor:
        raise NotImplementedError(f"inverse not implemented: {type(self).__name__}")

    def _forward_log_det_jacobian(self, x: Any, **given: Any) -> Tensor:
        """``log |det g'(x)|``; of a bijector that says the other one alone, its negative."""
        if type(self)._inverse_log_det_jacobian is Bijector._inverse_log_det_jacobian:
            raise NotImplementedError(f"log_det_jacobian not implemented: {type(self).__name__}")
        return -self._inverse_log_det_jacobian(self._forward(x, **given), **given)

    def _inverse_log_det_jacobian(self, y: Any, **given: Any) -> Tensor:
        return -self._forward_log_det_jacobian(self._inverse(y, **given), **given)

    # -- what users ask ------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name given."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The dtype of what it takes, None where it takes any."""
        return self._dtype

    @property
    def is_constant_jacobian(self) -> bool:
        """Whether it stretches alike everywhere."""
        return self._constant

    @property
    def validate_args(self) -> bool:
        """As given; arguments are not checked while a step runs."""
        return self._validate

    @property
    def graph_parents(self) -> list[Any]:
        """Nothing: what the bijector depends on, its results do."""
        return []

    @property
    def forward_min_event_ndims(self) -> int:
        """How many axes an x has at least."""
        return self._ndims[0]

    @property
    def inverse_min_event_ndims(self) -> int:
        """How many axes a y has at least."""
        return self._ndims[1]

    def forward(self, x: Any, name: str = "forward", **condition_kwargs: Any) -> Tensor:
        """``g(x)``."""
        with get_default_graph().name_scope(self._name), get_default_graph().name_scope(name):
            return self._forward(convert_to_tensor(x, self._dtype), **condition_kwargs)

    def inverse(self, y: Any, name: str = "inverse", **condition_kwargs: Any) -> Tensor:
        """The x of which ``y`` is g(x)."""
        with get_default_graph().name_scope(self._name), get_default_graph().name_scope(name):
            return self._inverse(convert_to_tensor(y, self._dtype), **condition_kwargs)

    def forward_log_det_jacobian(
        self, x: Any, event_ndims: int, name: str = "forward_log_det_jacobian", **condition_kwargs: Any
    ) -> Tensor:
        """``log |det g'(x)|`` of events of ``event_ndims`` axes; ``ValueError`` where these are too few."""
        with get_default_graph().name_scope(self._name), get_default_graph().name_scope(name):
            given = convert_to_tensor(x, self._dtype)
            found = self._forward_log_det_jacobian(given, **condition_kwargs)
            return _over_event(found, given, self._name, event_ndims, self._ndims[0])

    def inverse_log_det_jacobian(
        self, y: Any, event_ndims: int, name: str = "inverse_log_det_jacobian", **condition_kwargs: Any
    ) -> Tensor:
        """``-log |det g'(x)|`` at ``y = g(x)``, of events of ``event_ndims`` axes."""
        with get_default_graph().name_scope(self._name), get_default_graph().name_scope(name):
            given = convert_to_tensor(y, self._dtype)
            found = self._inverse_log_det_jacobian(given, **condition_kwargs)
            return _over_event(found, given, self._name, event_ndims, self._ndims[1])


def _over_event(found: Tensor, of: Tensor, name: str, event_ndims: int, least: int) -> Tensor:
    if event_ndims < least:
        raise ValueError(f"{name}: event_ndims must be at least {least}, not {event_ndims}")
    axes = event_ndims - least
    if least == 0:
        found = found + zeros_like(of)  # a constant counts for each element
    return reduce_sum(found, list(range(-axes, 0))) if axes else found


class ConditionalBijector(Bijector):
    """A bijector whose methods take further arguments by name, which ``bijector_kwargs`` of a distribution hands on."""


class Identity(Bijector):
    """``y = x``"""

    def __init__(self, validate_args: bool = False, name: str = "identity"):
        super().__init__(is_constant_jacobian=True, validate_args=validate_args, name=name)

    def _forward(self, x: Any, **_: Any) -> Tensor:
        return x

    def _inverse(self, y: Any, **_: Any) -> Tensor:
        return y

    def _forward_log_det_jacobian(self, x: Any, **_: Any) -> Tensor:
        return zeros_like(x)


class PowerTransform(Bijector):
    """``y = (1 + c x)^(1/c)``, and ``exp(x)`` for the power 0"""

    def __init__(self, power: float = 0.0, validate_args: bool = False, name: str = "power_transform"):
        if power < 0:
            raise ValueError(f"{name}: power must not be negative, it is {power}")
        self._power = power
        super().__init__(validate_args=validate_args, name=name)

    @property
    def power(self) -> float:
        """The c of the formula."""
        return self._power

    def _forward(self, x: Any, **_: Any) -> Tensor:
        return e.exp(x) if self._power == 0 else e.exp(e.log1p(x * self._power) / self._power)

    def _inverse(self, y: Any, **_: Any) -> Tensor:
        return e.log(y) if self._power == 0 else e.expm1(e.log(y) * self._power) / self._power

    def _inverse_log_det_jacobian(self, y: Any, **_: Any) -> Tensor:
        return (self._power - 1) * e.log(y)

    def _forward_log_det_jacobian(self, x: Any, **_: Any) -> Tensor:
        return e.identity(x) if self._power == 0 else (1 / self._power - 1) * e.log1p(x * self._power)


class Exp(PowerTransform):
    """``y = exp(x)``"""

    def __init__(self, validate_args: bool = False, name: str = "exp"):
        super().__init__(0.0, validate_args, name)


class AffineScalar(Bijector):
    """``y = scale x + shift``"""

    def __init__(self, shift: Any = None, scale: Any = None, validate_args: bool = False, name: str = "affine_scalar"):
        self._shift = None if shift is None else convert_to_tensor(shift, name="shift")
        self._scale = None if scale is None else convert_to_tensor(scale, name="scale")
        super().__init__(is_constant_jacobian=True, validate_args=validate_args, name=name)

    @property
    def shift(self) -> Tensor | None:
        """What is added."""
        return self._shift

    @property
    def scale(self) -> Tensor | None:
        """The factor."""
        return self._scale

    def _forward(self, x: Any, **_: Any) -> Tensor:
        scaled = x if self._scale is None else x * self._scale
        return scaled if self._shift is None else scaled + self._shift

    def _inverse(self, y: Any, **_: Any) -> Tensor:
        moved = y if self._shift is None else y - self._shift
        return moved if self._scale is None else moved / self._scale

    def _forward_log_det_jacobian(self, x: Any, **_: Any) -> Tensor:
        return zeros_like(x) if self._scale is None else e.log(e.abs(self._scale))


class Sigmoid(Bijector):
    """``y = 1 / (1 + exp(-x))``"""

    def __init__(self, validate_args: bool = False, name: str = "sigmoid"):
        super().__init__(validate_args=validate_args, name=name)

    def _forward(self, x: Any, **_: Any) -> Tensor:
        return e.sigmoid(x)

    def _inverse(self, y: Any, **_: Any) -> Tensor:
        return e.log(y) - e.log1p(-y)

    def _forward_log_det_jacobian(self, x: Any, **_: Any) -> Tensor:
        return log_sigmoid(x) + log_sigmoid(-x)

    def _inverse_log_det_jacobian(self, y: Any, **_: Any) -> Tensor:
        return -e.log(y) - e.log1p(-y)


class Softplus(Bijector):
    """``y = h log(1 + exp(x / h))`` with the softness h, which is 1 where it is not given"""

    def __init__(self, hinge_softness: Any = None, validate_args: bool = False, name: str = "softplus"):
        self._softness = None if hinge_softness is None else convert_to_tensor(hinge_softness, name="hinge_softness")
        super().__init__(validate_args=validate_args, name=name)

    @property
    def hinge_softness(self) -> Tensor | None:
        """The softness given."""
        return self._softness

    def _forward(self, x: Any, **_: Any) -> Tensor:
        return e.softplus(x) if self._softness is None else self._softness * e.softplus(x / self._softness)

    def _inverse(self, y: Any, **_: Any) -> Tensor:
        # log(exp(y) - 1) = y + log(1 - exp(-y)), which does not overflow
        scaled = y if self._softness is None else y / self._softness
        found = scaled + e.log(-e.expm1(-scaled))
        return found if self._softness is None else found * self._softness

    def _forward_log_det_jacobian(self, x: Any, **_: Any) -> Tensor:
        return -e.softplus(-x if self._softness is None else -x / self._softness)

    def _inverse_log_det_jacobian(self, y: Any, **_: Any) -> Tensor:
        return -e.log(-e.expm1(-y if self._softness is None else -y / self._softness))


class SoftmaxCentered(Bijector):
    """``y = softmax([x, 0])``: k numbers become k + 1 probabilities"""

    def __init__(self, validate_args: bool = False, name: str = "softmax_centered"):
        super().__init__(validate_args=validate_args, forward_min_event_ndims=1, name=name)

    def _forward(self, x: Any, **_: Any) -> Tensor:
        return softmax(self._padded(x))

    def _padded(self, x: Tensor) -> Tensor:
        return concat([x, zeros_like(x[..., :1])], -1)

    def _inverse(self, y: Any, **_: Any) -> Tensor:
        logs = e.log(y)
        return logs[..., :-1] - logs[..., -1:]

    def _inverse_log_det_jacobian(self, y: Any, **_: Any) -> Tensor:
        # With the last probability y_0 = 1 - sum(y_i), det(dy/dx) = y_0 prod(y_i) (the matrix determinant lemma);
        # the area of the simplex's surface adds the root of the number of its corners.
        corners = e.cast(shape(y)[-1], y.dtype)
        return -0.5 * e.log(corners) - reduce_sum(e.log(y), -1)

    def _forward_log_det_jacobian(self, x: Any, **_: Any) -> Tensor:
        padded = self._padded(x)
        corners = e.cast(shape(padded)[-1], padded.dtype)
        return 0.5 * e.log(corners) + reduce_sum(log_softmax(padded), -1)


class Invert(Bijector):
    """Another bijector the other way round"""

    def __init__(self, bijector: Bijector, validate_args: bool = False, name: str | None = None):
        self._bijector = bijector
        super().__init__(
            is_constant_jacobian=bijector.is_constant_jacobian, validate_args=validate_args, dtype=bijector.dtype,
            forward_min_event_ndims=bijector.inverse_min_event_ndims,
            inverse_min_event_ndims=bijector.forward_min_event_ndims, name=name or f"invert_{bijector.name}",
        )  # fmt: skip

    @property
    def bijector(self) -> Bijector:
        """The one that is inverted."""
        return self._bijector

    def _forward(self, x: Any, **given: Any) -> Tensor:
        return self._bijector._inverse(x, **given)

    def _inverse(self, y: Any, **given: Any) -> Tensor:
        return self._bijector._forward(y, **given)

    def _forward_log_det_jacobian(self, x: Any, **given: Any) -> Tensor:
        return self._bijector._inverse_log_det_jacobian(x, **given)

    def _inverse_log_det_jacobian(self, y: Any, **given: Any) -> Tensor:
        return self._bijector._forward_log_det_jacobian(y, **given)


class Chain(Bijector):
    """``y = first(second(...last(x)))``: the last of the list comes first, as functions are composed"""

    def __init__(self, bijectors: Sequence[Bijector] = (), validate_args: bool = False, name: str | None = None):
        self._bijectors = list(bijectors)
        ndims = max((one.forward_min_event_ndims for one in self._bijectors), default=0)
        constant = all(one.is_constant_jacobian for one in self._bijectors)
        called = name or (
            "identity" if not self._bijectors else "_of_".join(["chain", *(one.name for one in self._bijectors)])
        )
        super().__init__(
            is_constant_jacobian=constant, validate_args=validate_args, forward_min_event_ndims=ndims, name=called
        )

    @property
    def bijectors(self) -> list[Bijector]:
        """The parts."""
        return list(self._bijectors)

    def _forward(self, x: Any, **given: Any) -> Tensor:
        for one in reversed(self._bijectors):
            x = one.forward(x, **given.get(one.name, {}))
        return x

    def _inverse(self, y: Any, **given: Any) -> Tensor:
        for one in self._bijectors:
            y = one.inverse(y, **given.get(one.name, {}))
        return y

    def _forward_log_det_jacobian(self, x: Any, **given: Any) -> Tensor:
        total = None
        for one in reversed(self._bijectors):
            own = given.get(one.name, {})
            part = one.forward_log_det_jacobian(x, self.forward_min_event_ndims, **own)
            total, x = part if total is None else total + part, one.forward(x, **own)
        return zeros_like(x) if total is None else total


class Inline(Bijector):
    """A bijector of functions"""

    def __init__(
        self, forward_fn: Callable[..., Any] | None = None, inverse_fn: Callable[..., Any] | None = None,
        inverse_log_det_jacobian_fn: Callable[..., Any] | None = None,
        forward_log_det_jacobian_fn: Callable[..., Any] | None = None, forward_event_shape_fn: Any = None,
        forward_event_shape_tensor_fn: Any = None, inverse_event_shape_fn: Any = None,
        inverse_event_shape_tensor_fn: Any = None, is_constant_jacobian: bool = False, validate_args: bool = False,
        forward_min_event_ndims: int | None = None, inverse_min_event_ndims: int | None = None, name: str = "inline",
    ):  # fmt: skip
        super().__init__(
            is_constant_jacobian=is_constant_jacobian, validate_args=validate_args,
            forward_min_event_ndims=forward_min_event_ndims, inverse_min_event_ndims=inverse_min_event_ndims, name=name,
        )  # fmt: skip
        self._functions = forward_fn, inverse_fn, inverse_log_det_jacobian_fn, forward_log_det_jacobian_fn

    def _called(self, number: int, what: str, x: Any, given: dict[str, Any]) -> Tensor:
        function = self._functions[number]
        if function is None:
            raise NotImplementedError(f"Cannot call {what} of {self._name}: no function was given for it")
        return function(x, **given)

    def _forward(self, x: Any, **given: Any) -> Tensor:
        return self._called(0, "forward", x, given)

    def _inverse(self, y: Any, **given: Any) -> Tensor:
        return self._called(1, "inverse", y, given)

    def _inverse_log_det_jacobian(self, y: Any, **given: Any) -> Tensor:
        if self._functions[2] is None and self._functions[3] is not None:
            return -self._called(3, "forward_log_det_jacobian", self._inverse(y, **given), given)
        return self._called(2, "inverse_log_det_jacobian", y, given)

    def _forward_log_det_jacobian(self, x: Any, **given: Any) -> Tensor:
        if self._functions[3] is None:
            return -self._inverse_log_det_jacobian(self._forward(x, **given), **given)
        return self._called(3, "forward_log_det_jacobian", x, given)
