"""The default arguments of Inception v3 (Szegedy et al., CVPR 2016)."""

from __future__ import annotations

from typing import Any

from graphc.contrib import slim
from graphc.ops.elementwise import relu
from graphc.scopes import GraphKeys


def inception_v3_arg_scope(
    weight_decay: float = 0.00004,
    batch_norm_var_collection: str = "moving_vars",
    batch_norm_decay: float = 0.9997,
    batch_norm_epsilon: float = 0.001,
    updates_collections: Any = GraphKeys.UPDATE_OPS,
    use_fused_batchnorm: bool = True,
) -> dict[Any, dict[str, Any]]:
    """Weights that decay, and convolutions that are followed by batch normalisation and ReLU."""
    averages = {
        "beta": None, "gamma": None, "moving_mean": [batch_norm_var_collection],
        "moving_variance": [batch_norm_var_collection],
    }  # fmt: skip
    normalisation = {
        "decay": batch_norm_decay, "epsilon": batch_norm_epsilon, "updates_collections": updates_collections,
        "fused": use_fused_batchnorm, "variables_collections": averages,
    }  # fmt: skip
    decay = slim.l2_regularizer(weight_decay)
    with (
        slim.arg_scope([slim.conv2d, slim.fully_connected], weights_regularizer=decay),
        slim.arg_scope(
            [slim.conv2d], weights_initializer=slim.variance_scaling_initializer(), activation_fn=relu,
            normalizer_fn=slim.batch_norm, normalizer_params=normalisation,
        ) as scope,
    ):  # fmt: skip
        return scope
