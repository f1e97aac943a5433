"""What all metrics share: local variables that add up over runs, and the shapes of labels, predictions and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import dtypes
from graphc.losses import fitting_weights
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops import state
from graphc.ops.arrays import zeros
from graphc.ops.base import convert_to_tensor
from graphc.ops.reshaping import broadcast_like, expand_dims, squeeze
from graphc.scopes import GraphKeys
from graphc.variables import Variable

Result = tuple[Tensor, Tensor]


def metric_variable(shape: Sequence[Any], name: str, dtype: Any = dtypes.float32) -> Variable:
    """A variable that begins at 0, in the collections ``LOCAL_VARIABLES`` and ``METRIC_VARIABLES``."""
    keys = [GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES]
    return Variable(lambda: zeros(shape, dtype), trainable=False, collections=keys, name=name)


def added(variable: Variable, value: Tensor) -> Tensor:
    """The sum after this run."""
    return state.assign_add(variable, value)


def published(value: Tensor, update: Tensor, value_keys: Any, update_keys: Any) -> Result:
    """The pair that a metric gives, put into the collections asked for."""
    if value_keys:
        value.graph.add_to_collections(value_keys, value)
    if update_keys:
        update.graph.add_to_collections(update_keys, update)
    return value, update


def quotient(sum: Any, number: Any, name: str | None = None) -> Tensor:
    """``sum / number``, 0 where the number is 0."""
    divisor = convert_to_tensor(number)
    some = e.greater(divisor, 0)
    safe = e.select(some, divisor, convert_to_tensor(1, divisor.dtype))
    return e.select(some, convert_to_tensor(sum) / safe, 0, name=name)


def fitted(labels: Any, predictions: Any, weights: Any = None) -> tuple[Tensor, Tensor, Tensor | None]:
    """The three as tensors, an axis of size 1 at the end of one left out where the other has none.

    ``ValueError`` where the shapes of labels and predictions differ.
    """
    wanted, guessed = convert_to_tensor(labels), convert_to_tensor(predictions)
    a, b = wanted.type.rank, guessed.type.rank
    if a is not None and b is not None and a != b:
        if a == b + 1 and wanted.shape[-1].value in (1, None):
            wanted = squeeze(wanted, [-1])
        elif b == a + 1 and guessed.shape[-1].value in (1, None):
            guessed = squeeze(guessed, [-1])
    wanted.shape.assert_is_compatible_with(guessed.shape)
    return wanted, guessed, None if weights is None else of_rank(weights, guessed)


def of_rank(weights: Any, values: Tensor) -> Tensor:
    """Weights with as many axes as the values, where they have one more or one less; one number stays."""
    tensor = convert_to_tensor(weights)
    have, wanted = tensor.type.rank, values.type.rank
    if have and wanted is not None:
        if have == wanted + 1:
            return squeeze(tensor, [-1])
        if have == wanted - 1:
            return expand_dims(tensor, -1)
    return tensor


def weights_of_each(weights: Any, values: Tensor) -> Tensor:
    """One weight for each value; ``ValueError`` where the shapes do not go beside each other."""
    return broadcast_like(fitting_weights(weights, values), values)


def as_float(value: Any) -> Tensor:
    """The value as float32."""
    return e.cast(convert_to_tensor(value), dtypes.float32)
