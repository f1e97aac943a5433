"""``tf.contrib.opt``: kin of Adam, weights that decay, averaged weights, and optimizers outside of the graph."""

from graphc.contrib.opt.adam_variants import (
    AdaMaxOptimizer,
    AdamWOptimizer,
    DecoupledWeightDecayExtension,
    LazyAdamOptimizer,
    MomentumWOptimizer,
    NadamOptimizer,
    extend_with_decoupled_weight_decay,
)
from graphc.contrib.opt.averaged import MovingAverageOptimizer
from graphc.contrib.opt.external import ExternalOptimizerInterface, ScipyOptimizerInterface

__all__ = [
    "AdaMaxOptimizer",
    "AdamWOptimizer",
    "DecoupledWeightDecayExtension",
    "ExternalOptimizerInterface",
    "LazyAdamOptimizer",
    "MomentumWOptimizer",
    "MovingAverageOptimizer",
    "NadamOptimizer",
    "ScipyOptimizerInterface",
    "extend_with_decoupled_weight_decay",
]
