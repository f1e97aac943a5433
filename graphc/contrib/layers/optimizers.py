"""A training operation in one call: gradients, noise, clipping, a decaying rate, updates, the global step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphc import clipping
from graphc.initializers import Constant, Zeros
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops import random as draws
from graphc.ops import state
from graphc.ops.base import convert_to_tensor
from graphc.ops.indexing import IndexedSlices
from graphc.ops.reshaping import shape
from graphc.scopes import GraphKeys, get_collection, get_default_graph
from graphc.train.adam import AdamOptimizer
from graphc.train.adaptive import AdagradOptimizer, RMSPropOptimizer
from graphc.train.descent import GradientDescentOptimizer, MomentumOptimizer
from graphc.train.ftrl import FtrlOptimizer
from graphc.train.optimizer import Optimizer
from graphc.train.step_counter import assert_global_step, get_global_step
from graphc.variable_scope import get_variable, variable_scope
from graphc.variables import trainable_variables

Pairs = list[tuple[Any, Any]]

OPTIMIZER_CLS_NAMES: dict[str, Callable[..., Optimizer]] = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "Momentum": lambda learning_rate: MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}
OPTIMIZER_SUMMARIES = [
    "learning_rate", "loss", "gradients", "gradient_norm", "global_gradient_norm",
]  # fmt: skip


def optimize_loss(
    loss: Any,
    global_step: Any,
    learning_rate: Any,
    optimizer: Any,
    gradient_noise_scale: float | None = None,
    gradient_multipliers: Mapping[Any, Any] | None = None,
    clip_gradients: Any = None,
    learning_rate_decay_fn: Callable[[Any, Any], Any] | None = None,
    update_ops: Sequence[Any] | None = None,
    variables: Sequence[Any] | None = None,
    name: str | None = None,
    summaries: Sequence[str] | None = None,
    colocate_gradients_with_ops: bool = False,
    increment_global_step: bool = True,
) -> Tensor:
    """The loss, whose evaluation makes one step of training.

    ``optimizer`` is a name of OPTIMIZER_CLS_NAMES, a class, a function of the rate, or an optimizer;
    ``clip_gradients`` a global norm or a function of the pairs (gradient, variable).
    """
    value = convert_to_tensor(loss)
    step = get_global_step() if global_step is None else global_step
    if step is not None:
        assert_global_step(step)
    with variable_scope(name, "OptimizeLoss"):
        updates = get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else list(update_ops)
        if updates:
            with get_default_graph().control_dependencies(updates):
                value = e.identity(value)
        rate = _learning_rate(learning_rate, learning_rate_decay_fn, step)
        opt = _optimizer(optimizer, rate)
        pairs = opt.compute_gradients(value, trainable_variables() if variables is None else variables)
        if gradient_noise_scale is not None:
            pairs = _with_noise(pairs, gradient_noise_scale)
        if gradient_multipliers is not None:
            if not isinstance(gradient_multipliers, Mapping):
                raise ValueError("Gradient multipliers should be a dict (keyed by the variable or its name)")
            pairs = multiplied_gradients(pairs, gradient_multipliers)
        pairs = _clipped(pairs, clip_gradients)
        _summarise(summaries, value, rate, pairs)
        count = step if increment_global_step else None
        trained = opt.apply_gradients(pairs, global_step=count, name="train")
        with get_default_graph().control_dependencies([trained]):
            return e.identity(value)


def _summarise(names: Sequence[str] | None, loss: Tensor, rate: Any, pairs: Pairs) -> None:
    """Summaries of those of OPTIMIZER_SUMMARIES that are named, for ``tf.summary.merge_all``."""
    unknown = [name for name in names or () if name not in OPTIMIZER_SUMMARIES]
    if unknown:
        raise ValueError(f"Summaries should be one of [{', '.join(OPTIMIZER_SUMMARIES)}], you provided {unknown[0]}.")
    if not names:
        return
    from graphc.summary.ops import histogram, scalar  # which loads what writes files

    if "loss" in names:
        scalar("loss", loss)
    if "learning_rate" in names and rate is not None:
        scalar("learning_rate", rate)
    if "global_gradient_norm" in names:
        scalar("global_norm/gradient_norm", clipping.global_norm([gradient for gradient, _ in pairs]))
    for gradient, variable in pairs:
        if gradient is None:
            continue
        values = gradient.values if isinstance(gradient, IndexedSlices) else gradient
        if "gradients" in names:
            histogram(f"gradients/{variable.op.name}", values)
        if "gradient_norm" in names:
            scalar(f"gradient_norm/{variable.op.name}", clipping.global_norm([values]))


def _learning_rate(given: Any, decay: Callable[[Any, Any], Any] | None, step: Any) -> Any:
    if given is None:
        return None
    if isinstance(given, (int, float)):
        if given < 0.0:
            raise ValueError(f"Invalid learning_rate {given}.")
        rate: Any = get_variable("learning_rate", [], trainable=False, initializer=Constant(float(given)))
    else:
        rate = convert_to_tensor(given)
        if rate.shape.ndims != 0:
            raise ValueError(f"Learning rate should be 0d Tensor or float. Got {given} of type {type(given)}")
    if decay is None:
        return rate
    if step is None:
        raise ValueError("global_step is required for learning_rate_decay_fn.")
    return decay(rate, step)


def _optimizer(given: Any, rate: Any) -> Optimizer:
    if isinstance(given, Optimizer):
        return given
    if isinstance(given, str):
        if given not in OPTIMIZER_CLS_NAMES:
            raise ValueError(
                f"Optimizer name should be one of [{', '.join(OPTIMIZER_CLS_NAMES)}], you provided {given}."
            )
        given = OPTIMIZER_CLS_NAMES[given]
    if not callable(given):
        raise ValueError(
            f"Unrecognized optimizer: should be string, subclass of Optimizer, instance of subclass of Optimizer or "
            f"function with one argument. Got {given}."
        )
    if rate is None and isinstance(given, type):
        raise ValueError("Learning rate is None, but should be specified if optimizer is class.")
    made = given() if rate is None else given(rate)
    if not isinstance(made, Optimizer):
        raise ValueError(f"Unrecognized optimizer: function should return subclass of Optimizer. Got {made}.")
    return made


def _with_noise(pairs: Pairs, scale: float) -> Pairs:
    """Gradients with normal noise, cut at two deviations (Neelakantan et al., arXiv:1511.06807)."""
    noisy = []
    for gradient, variable in pairs:
        if gradient is not None:
            gradient = convert_to_tensor(gradient)
            gradient = gradient + draws.truncated_normal(shape(gradient), dtype=gradient.dtype) * scale
        noisy.append((gradient, variable))
    return noisy


def multiplied_gradients(pairs: Pairs, factors: Mapping[Any, Any]) -> Pairs:
    """Gradients times the number found under the variable or its name."""
    result = []
    for gradient, variable in pairs:
        factor = factors.get(variable, factors.get(variable.name))
        if gradient is not None and factor is not None:
            gradient = _times(gradient, convert_to_tensor(factor))
        result.append((gradient, variable))
    return result


def _times(gradient: Any, factor: Tensor) -> Any:
    if isinstance(gradient, IndexedSlices):
        values = gradient.values * e.cast(factor, gradient.dtype)
        return IndexedSlices(values, gradient.indices, gradient.dense_shape)
    return gradient * e.cast(factor, gradient.dtype)


def _clipped(pairs: Pairs, clip: Any) -> Pairs:
    if clip is None:
        return pairs
    if callable(clip):
        return list(clip(pairs))
    if not isinstance(clip, (int, float)):
        raise ValueError(f"Unknown type {type(clip)} for clip_gradients")
    gradients, _ = clipping.clip_by_global_norm([gradient for gradient, _ in pairs], clip)
    return [(gradient, variable) for gradient, (_, variable) in zip(gradients, pairs)]


def adaptive_clipping_fn(
    std_factor: float = 2.0,
    decay: float = 0.95,
    static_max_norm: float | None = None,
    global_step: Any = None,
    report_summary: bool = False,
    epsilon: float = 1e-8,
    name: str | None = None,
) -> Callable[[Pairs], Pairs]:
    """A ``clip_gradients`` that makes norms smaller which lie ``std_factor`` deviations above their moving mean.

    Mean and deviation are those of the logarithm of the global norm, and lie in variables.
    """

    def clip(pairs: Pairs) -> Pairs:
        norm = clipping.global_norm([gradient for gradient, _ in pairs])
        greatest, mean = _greatest_usual(norm, std_factor, decay, global_step, epsilon, name)
        factor = e.select(e.less(norm, greatest), convert_to_tensor(1.0, norm.dtype), e.exp(mean) / norm)
        if static_max_norm is not None:
            factor = e.minimum(static_max_norm / norm, factor)
        return [(None if gradient is None else gradient * factor, variable) for gradient, variable in pairs]

    return clip


def _greatest_usual(
    norm: Tensor, std_factor: float, decay: float, step: Any, epsilon: float, name: str | None
) -> tuple[Tensor, Tensor]:
    with variable_scope(name, "AdaptiveMaxNorm"):
        log_norm = e.log(norm + epsilon)
        share: Any = decay
        if step is not None:
            number = e.cast(convert_to_tensor(step), norm.dtype)
            share = e.minimum(decay, number / (number + 1.0))
        mean = _average("mean", log_norm, share)
        square = _average("sq_mean", e.square(log_norm), share)
        deviation = e.sqrt(e.maximum(epsilon, square - e.square(mean)))
        return e.exp(mean + std_factor * deviation), mean


def _average(name: str, value: Tensor, decay: Any) -> Tensor:
    average = get_variable(name, [], dtype=value.dtype, initializer=Zeros(), trainable=False)
    return state.assign(average, average * decay + value * (1 - decay))
