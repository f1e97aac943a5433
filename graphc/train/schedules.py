"""Learning rates that change with the number of steps: each a formula of ``p = global_step / decay_steps``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.random import random_normal


@telling_line
def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """``learning_rate * decay_rate ** p``; p is rounded down with ``staircase``."""
    rate, step, steps = _start("exponential_decay", learning_rate, global_step, decay_steps)
    with graph_of([rate]).name_scope(name or "ExponentialDecay") as scope:
        factor = e.pow(convert_to_tensor(decay_rate, rate.dtype), _progress(step, steps, staircase))
        return e.multiply(rate, factor, name=scope)


@telling_line
def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """``learning_rate * exp(-decay_rate * p)``; p is rounded down with ``staircase``."""
    rate, step, steps = _start("natural_exp_decay", learning_rate, global_step, decay_steps)
    with graph_of([rate]).name_scope(name or "NaturalExpDecay") as scope:
        exponent = -convert_to_tensor(decay_rate, rate.dtype) * _progress(step, steps, staircase)
        return e.multiply(rate, e.exp(exponent), name=scope)


@telling_line
def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """``learning_rate / (1 + decay_rate * p)``; p is rounded down with ``staircase``."""
    rate, step, steps = _start("inverse_time_decay", learning_rate, global_step, decay_steps)
    with graph_of([rate]).name_scope(name or "InverseTimeDecay") as scope:
        divisor = convert_to_tensor(decay_rate, rate.dtype) * _progress(step, steps, staircase) + 1
        return e.realdiv(rate, divisor, name=scope)


@telling_line
def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Tensor:
    """``(learning_rate - end) * (1 - p) ** power + end`` until ``p = 1``; with ``cycle``, ever longer rounds."""
    rate, step, steps = _start("polynomial_decay", learning_rate, global_step, decay_steps)
    with graph_of([rate]).name_scope(name or "PolynomialDecay") as scope:
        end = convert_to_tensor(end_learning_rate, rate.dtype)
        if cycle:
            rounds = e.select(e.equal(step, 0), convert_to_tensor(1, rate.dtype), e.ceil(step / steps))
            steps = steps * rounds
        else:
            step = e.minimum(step, steps)
        left = e.pow(1 - step / steps, convert_to_tensor(power, rate.dtype))
        return e.add((rate - end) * left, end, name=scope)


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: Any = 0.0, name: str | None = None
) -> Tensor:
    """``learning_rate * ((1 - alpha) * (1 + cos(pi * p)) / 2 + alpha)`` until ``p = 1``."""
    rate, step, steps = _start("cosine_decay", learning_rate, global_step, decay_steps)
    with graph_of([rate]).name_scope(name or "CosineDecay") as scope:
        fraction = e.minimum(step, steps) / steps
        wave = (e.cos(fraction * math.pi) + 1) * 0.5
        return e.multiply(rate, wave * (1 - alpha) + alpha, name=scope)


def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
    name: str | None = None,
) -> Tensor:
    """Half a cosine again and again, each ``t_mul`` times as long as the one before and ``m_mul`` times as high.

    (Loshchilov and Hutter, SGDR, ICLR 2017.)
    """
    rate, step, steps = _start("cosine_decay_restarts", learning_rate, global_step, first_decay_steps)
    with graph_of([rate]).name_scope(name or "SGDRDecay") as scope:
        periods = step / steps
        if t_mul == 1:
            restarts = e.floor(periods)
            fraction = periods - restarts
        else:  # 1 + t + ... + t**(i - 1) periods have gone by before restart i
            restarts = e.floor(e.log(1 - periods * (1 - t_mul)) / math.log(t_mul))
            length = e.pow(convert_to_tensor(t_mul, rate.dtype), restarts)
            fraction = (periods - (1 - length) / (1 - t_mul)) / length
        wave = e.pow(convert_to_tensor(m_mul, rate.dtype), restarts) * 0.5 * (1 + e.cos(fraction * math.pi))
        return e.multiply(rate, (1 - alpha) * wave + alpha, name=scope)


def linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Tensor:
    """``learning_rate * ((alpha + 1 - p) * (1 + cos(2 pi num_periods p)) / 2 + beta)`` with p of at most 1.

    (Bello et al., Neural Optimizer Search with Reinforcement Learning, ICML 2017.)
    """
    rate, step, steps = _start("linear_cosine_decay", learning_rate, global_step, decay_steps)
    with graph_of([rate]).name_scope(name or "LinearCosineDecay") as scope:
        fraction = e.minimum(step, steps) / steps
        wave = 0.5 * (1 + e.cos(fraction * (2 * math.pi * num_periods)))
        return e.multiply(rate, (alpha + 1 - fraction) * wave + beta, name=scope)


def noisy_linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    initial_variance: float = 1.0,
    variance_decay: float = 0.55,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Tensor:
    """As :func:`linear_cosine_decay`, with normal noise of variance ``initial_variance / (1 + step)^variance_decay``.

    The noise is added to ``1 - p``.
    """
    rate, step, steps = _start("noisy_linear_cosine_decay", learning_rate, global_step, decay_steps)
    with graph_of([rate]).name_scope(name or "NoisyLinearCosineDecay") as scope:
        step = e.minimum(step, steps)
        fraction = step / steps
        deviation = e.sqrt(initial_variance / e.pow(1 + step, convert_to_tensor(variance_decay, rate.dtype)))
        noisy = 1 - fraction + random_normal([], dtype=rate.dtype) * deviation
        wave = 0.5 * (1 + e.cos(fraction * (2 * math.pi * num_periods)))
        return e.multiply(rate, (alpha + noisy) * wave + beta, name=scope)


@telling_line
def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Tensor:
    """``values[i]`` where ``boundaries[i - 1] < x <= boundaries[i]``."""
    if len(boundaries) != len(values) - 1:
        raise ValueError(
            "piecewise_constant: The length of boundaries should be 1 less than the length of values; they are "
            f"{len(boundaries)} and {len(values)}"
        )
    step = convert_to_tensor(x)
    with graph_of([step]).name_scope(name or "PiecewiseConstant") as scope:
        first = convert_to_tensor(values[0])
        result = first
        for boundary, value in zip(boundaries, values[1:]):
            limit = convert_to_tensor(boundary)
            result = e.select(step > e.cast(limit, step.dtype), convert_to_tensor(value, first.dtype), result)
        return e.identity(result, name=scope)


piecewise_constant_decay = piecewise_constant


def _start(schedule: str, learning_rate: Any, global_step: Any, decay_steps: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The learning rate as a tensor, and the step and the number of steps in its dtype."""
    if global_step is None:
        raise ValueError(f"global_step is required for {schedule}.")
    rate = convert_to_tensor(learning_rate)
    return rate, e.cast(global_step, rate.dtype), e.cast(decay_steps, rate.dtype)


def _progress(step: Tensor, steps: Tensor, staircase: bool) -> Tensor:
    progress = step / steps
    return e.floor(progress) if staircase else progress
