"""Optimizers, learning rate schedules, the global step and moving averages, under the names of TensorFlow 1."""

from graphc.train.adam import AdamOptimizer
from graphc.train.adaptive import AdadeltaOptimizer, AdagradOptimizer, RMSPropOptimizer
from graphc.train.descent import GradientDescentOptimizer, MomentumOptimizer
from graphc.train.ftrl import FtrlOptimizer
from graphc.train.moving_averages import ExponentialMovingAverage
from graphc.train.optimizer import Optimizer
from graphc.train.schedules import (
    cosine_decay,
    cosine_decay_restarts,
    exponential_decay,
    inverse_time_decay,
    linear_cosine_decay,
    natural_exp_decay,
    piecewise_constant,
    piecewise_constant_decay,
    polynomial_decay,
)
from graphc.train.step_counter import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
    global_step,
)

__all__ = [
    "AdadeltaOptimizer",
    "AdagradOptimizer",
    "AdamOptimizer",
    "ExponentialMovingAverage",
    "FtrlOptimizer",
    "GradientDescentOptimizer",
    "MomentumOptimizer",
    "Optimizer",
    "RMSPropOptimizer",
    "assert_global_step",
    "cosine_decay",
    "cosine_decay_restarts",
    "create_global_step",
    "exponential_decay",
    "get_global_step",
    "get_or_create_global_step",
    "global_step",
    "inverse_time_decay",
    "linear_cosine_decay",
    "natural_exp_decay",
    "piecewise_constant",
    "piecewise_constant_decay",
    "polynomial_decay",
]
