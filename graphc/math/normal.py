"""The normal distribution's function and its inverse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import check_dtype, convert_to_tensor, graph_of
from graphc.ops.custom_gradients import custom_gradient
from graphc.ops.special import erfc

# The rational approximations of ndtri.c in S. L. Moshier's Cephes library, highest powers first: around one half by
# (p - 1/2)^2, and in the tails by 1 / sqrt(-2 log p), for roots below and above 8. Denominators begin with 1.
_MIDDLE = (
    (-5.99633501014107895267e1, 9.80010754185999661536e1, -5.66762857469070293439e1, 1.39312609387279679503e1,
     -1.23916583867381258016e0),
    (1.0, 1.95448858338141759834e0, 4.67627912898881538453e0, 8.63602421390890590575e1, -2.25462687854119370527e2,
     2.00260212380060660359e2, -8.20372256168333339912e1, 1.59056225126211695515e1, -1.18331621121330003142e0),
)  # fmt: skip
_NEAR = (
    (4.05544892305962419923e0, 3.15251094599893866154e1, 5.71628192246421288162e1, 4.40805073893200834700e1,
     1.46849561928858024014e1, 2.18663306850790267539e0, -1.40256079171354495875e-1, -3.50424626827848203418e-2,
     -8.57456785154685413611e-4),
    (1.0, 1.57799883256466749731e1, 4.53907635128879210584e1, 4.13172038254672030440e1, 1.50425385692907503408e1,
     2.50464946208309415979e0, -1.42182922854787788574e-1, -3.80806407691578277194e-2, -9.33259480895457427372e-4),
)  # fmt: skip
_FAR = (
    (3.23774891776946035970e0, 6.91522889068984211695e0, 3.93881025292474443415e0, 1.33303460815807542389e0,
     2.01485389549179081538e-1, 1.23716634817820021358e-2, 3.01581553508235416007e-4, 2.65806974686737550832e-6,
     6.23974539184983651783e-9),
    (1.0, 6.02427039364742014255e0, 3.67983563856160859403e0, 1.37702099489081330271e0, 2.16236993594496635890e-1,
     1.34204006088543189037e-2, 3.28014464682127739104e-4, 2.89247864745380683936e-6, 6.79019408009981274425e-9),
)  # fmt: skip
_TAIL = math.exp(-2)  # where the tails begin


def ndtr(x: Any, name: str = "ndtr") -> Tensor:
    """The probability that a standard normal number is at most ``x``: ``erfc(-x / sqrt(2)) / 2``."""
    value = convert_to_tensor(x)
    check_dtype(value.type, dtypes.FLOATS, "ndtr")
    with graph_of([value]).name_scope(name) as scope:
        return e.multiply(0.5, erfc(-value * math.sqrt(0.5)), name=scope)


@telling_line
def ndtri(x: Any, name: str | None = None) -> Tensor:
    """The number that a standard normal one is below with probability ``x``; infinite at 0 and 1, NaN outside.

    Computed in the dtype of ``x``. The gradient is ``sqrt(2 pi) exp(ndtri(x)^2 / 2)``.
    """
    value = convert_to_tensor(x)
    check_dtype(value.type, (dtypes.float32, dtypes.float64), "ndtri")
    with graph_of([value]).name_scope(name or "ndtri") as scope:
        return e.identity(_inverse(value), name=scope)


@telling_line
def erfinv(x: Any, name: str | None = None) -> Tensor:
    """The number whose error function is ``x``: ``ndtri((x + 1) / 2) / sqrt(2)``."""
    value = convert_to_tensor(x)
    check_dtype(value.type, (dtypes.float32, dtypes.float64), "erfinv")
    with graph_of([value]).name_scope(name or "erfinv") as scope:
        return e.multiply(_inverse((value + 1) * 0.5), math.sqrt(0.5), name=scope)


@custom_gradient
def _inverse(p: Tensor) -> Any:
    y = _quantile(e.stop_gradient(p))

    def grad(dy: Tensor) -> Tensor:
        again = _inverse(p)  # a function of p, so that it has a gradient too
        return dy * math.sqrt(2 * math.pi) * e.exp(0.5 * again * again)

    return y, grad


def _quantile(p: Tensor) -> Tensor:
    upper = p > 1 - _TAIL
    low = e.select(upper, 1 - p, p)  # in the tails, how far it is to the end
    in_middle = low > _TAIL
    centred = e.select(in_middle, low, 0 * low + 0.5) - 0.5
    square = centred * centred
    middle = (centred + centred * square * _ratio(square, _MIDDLE)) * math.sqrt(2 * math.pi)
    root = e.sqrt(-2.0 * e.log(e.select(in_middle, 0 * low + _TAIL, low)))
    inverse = 1.0 / root
    near, far = (inverse * _ratio(inverse, form) for form in (_NEAR, _FAR))
    tail = root - e.log(root) * inverse - e.select(root < 8.0, near, far)
    found = e.select(in_middle, middle, e.select(upper, tail, -tail))
    infinite = convert_to_tensor(np.inf, p.dtype)
    found = e.select(e.equal(p, 0 * p), -infinite, e.select(e.equal(p, 0 * p + 1), infinite, found))
    return e.select(e.logical_and(p >= 0, p <= 1), found, convert_to_tensor(np.nan, p.dtype))


def _ratio(x: Tensor, form: tuple[Sequence[float], Sequence[float]]) -> Tensor:
    return _polynomial(x, form[0]) / _polynomial(x, form[1])


def _polynomial(x: Tensor, coefficients: Sequence[float]) -> Tensor:
    total = 0 * x + coefficients[0]
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total
