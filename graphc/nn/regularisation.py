"""What keeps a model from learning its examples by heart: dropout and the size of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dtypes import FLOATS
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import check_dtype, convert_to_tensor, graph_of, is_scalar_number, is_tensor_like
from graphc.ops.random import random_uniform
from graphc.ops.reduction import reduce_mean, reduce_sum
from graphc.ops.reshaping import as_scalar, shape


@telling_line
def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
    rate: Any = None,
) -> Tensor:
    """Each element zero with probability ``rate``, else ``x / (1 - rate)``, so that the mean stays.

    ``keep_prob`` is the older spelling of ``1 - rate``. ``noise_shape`` broadcasts to ``x``: along its axes of size 1,
    elements are kept or dropped together.
    """
    tensor = convert_to_tensor(x)
    if not tensor.dtype.is_floating:
        raise ValueError(
            "x has to be a floating point tensor since it's going to be scaled. "
            f"Got a {tensor.dtype.name} tensor instead."
        )
    share = _dropped_share(keep_prob, rate)
    if not is_tensor_like(share) and share == 0:
        return tensor
    with graph_of([tensor]).name_scope(name or "dropout") as scope:
        share = as_scalar(convert_to_tensor(share, tensor.dtype))
        noise = random_uniform(_noise_shape(tensor, noise_shape), 0, 1, tensor.dtype, seed=seed)
        # Selected and not multiplied by a mask, so that an infinite element that is dropped gives 0.
        return e.select(noise >= share, tensor * (1 / (1 - share)), 0, name=scope)


def _dropped_share(keep_prob: Any, rate: Any) -> Any:
    if keep_prob is not None and rate is not None:
        raise ValueError("Only one of `rate` and `keep_prob` can be given: rate is 1 - keep_prob")
    if keep_prob is not None:
        if is_scalar_number(keep_prob) and not 0 < keep_prob <= 1:
            raise ValueError(f"keep_prob must be a scalar tensor or a float in the range (0, 1], got {keep_prob:g}")
        return 1 - keep_prob
    if rate is None:
        raise ValueError("You must provide a rate to dropout.")
    if is_scalar_number(rate) and not 0 <= rate < 1:
        raise ValueError(f"rate must be a scalar tensor or a float in the range [0, 1), got {rate:g}")
    return rate


def _noise_shape(x: Tensor, noise_shape: Any) -> Any:
    if noise_shape is None:
        return x.type.sizes if x.type.is_exact else shape(x)
    if isinstance(noise_shape, (list, tuple)) and None in noise_shape:
        sizes = shape(x)
        return [sizes[axis] if size is None else size for axis, size in enumerate(noise_shape)]
    return noise_shape


@telling_line
def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """``sum(t ** 2) / 2``."""
    tensor = convert_to_tensor(t)
    check_dtype(tensor.type, FLOATS, "l2_loss")
    with graph_of([tensor]).name_scope(name or "L2Loss") as scope:
        return e.multiply(reduce_sum(e.square(tensor)), 0.5, name=scope)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of elements that are zero."""
    tensor = convert_to_tensor(value)
    with graph_of([tensor]).name_scope(name or "zero_fraction"):
        return reduce_mean(
            e.cast(e.equal(tensor, convert_to_tensor(np.zeros((), tensor.dtype.numpy))), "float32"), name="fraction"
        )
