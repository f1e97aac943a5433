"""What weights add to a loss: functions of a variable, for ``regularizer=`` and ``weights_regularizer=``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

from graphc.composites import add_n
from graphc.nn.regularisation import l2_loss
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor, graph_of
from graphc.ops.reduction import reduce_sum
from graphc.scopes import GraphKeys, get_collection, get_default_graph

Regularizer = Callable[[Any], "Tensor | None"]


def l1_regularizer(scale: Any, scope: str | None = None) -> Regularizer:
    """``scale * sum |w|``"""
    return _scaled(scale, lambda weights: reduce_sum(e.abs(weights)), scope or "l1_regularizer")


def l2_regularizer(scale: Any, scope: str | None = None) -> Regularizer:
    """``scale * sum w^2 / 2``"""
    return _scaled(scale, l2_loss, scope or "l2_regularizer")


def l1_l2_regularizer(scale_l1: Any = 1.0, scale_l2: Any = 1.0, scope: str | None = None) -> Regularizer:
    """``scale_l1 * sum |w| + scale_l2 * sum w^2 / 2``"""
    for scale, name in ((scale_l1, "scale_l1"), (scale_l2, "scale_l2")):
        if isinstance(scale, Integral):
            raise ValueError(f"{name} cannot be an integer: {scale}")
    if not scale_l1:
        return l2_regularizer(scale_l2, scope)
    if not scale_l2:
        return l1_regularizer(scale_l1, scope)
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope or "l1_l2_regularizer")


def sum_regularizer(regularizer_list: Sequence[Regularizer | None], scope: str | None = None) -> Any:
    """The sum of several regularizers; None where there is none."""
    regularizers = [regularizer for regularizer in regularizer_list if regularizer is not None]
    if not regularizers:
        return None

    def penalty(weights: Any) -> Tensor | None:
        with get_default_graph().name_scope(scope or "sum_regularizer") as name:
            parts = [part for part in (regularizer(weights) for regularizer in regularizers) if part is not None]
            return add_n(parts, name=name) if parts else None

    return penalty


def apply_regularization(regularizer: Regularizer, weights_list: Any = None) -> Tensor:
    """The sum of the penalties of the weights (of the collection ``WEIGHTS`` where None), kept in the collection.

    ``ValueError`` where there are no weights, and where a penalty is no scalar.
    """
    weights = weights_list or get_collection(GraphKeys.WEIGHTS)
    if not weights:
        raise ValueError("No weights to regularize.")
    with get_default_graph().name_scope("get_regularization_penalty") as name:
        penalties = [penalty for penalty in map(regularizer, weights) if penalty is not None]
        for penalty in penalties:
            if penalty.shape.ndims != 0:
                raise ValueError(
                    f"regularizer must return a scalar Tensor instead of a Tensor with rank {penalty.shape}."
                )
        total = add_n(penalties, name=name) if penalties else constant(0.0)
    total.graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
    return total


def _scaled(scale: Any, penalty: Callable[[Any], Tensor], scope: str) -> Regularizer:
    if isinstance(scale, Integral):
        raise ValueError(f"scale cannot be an integer: {scale}")
    if isinstance(scale, Real):
        if scale < 0.0:
            raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale:g}")
        if scale == 0.0:
            return lambda _: None

    def scaled(weights: Any) -> Tensor:
        tensor = convert_to_tensor(weights)
        with graph_of([tensor]).name_scope(scope) as name:
            return e.multiply(convert_to_tensor(scale, tensor.dtype, name="scale"), penalty(tensor), name=name)

    return scaled
