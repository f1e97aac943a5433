"""``tf.contrib.opt``: kin of Adam, LAMB, weights that decay or are averaged, L-BFGS, optimizers outside the graph."""

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
from graphc.contrib.opt.lamb import LAMBOptimizer
from graphc.contrib.opt.lbfgs import LBFGSOptimizer

__all__ = [
    "AdaMaxOptimizer",
    "AdamWOptimizer",
    "DecoupledWeightDecayExtension",
    "ExternalOptimizerInterface",
    "LAMBOptimizer",
    "LBFGSOptimizer",
    "LazyAdamOptimizer",
    "MomentumWOptimizer",
    "MovingAverageOptimizer",
    "NadamOptimizer",
    "ScipyOptimizerInterface",
    "extend_with_decoupled_weight_decay",
]
