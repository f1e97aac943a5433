"""Inception v3 (Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.contrib import slim
from graphc.initializers import TruncatedNormal
from graphc.nodes import Tensor
from graphc.ops.arrays import concat
from graphc.ops.elementwise import relu
from graphc.ops.reshaping import squeeze
from graphc.scopes import GraphKeys
from graphc.variable_scope import variable_scope

# What comes before the branches: name, channels (0 for pooling), side of the kernel, stride, padding.
_STEM = (
    ("Conv2d_1a_3x3", 32, 3, 2, "VALID"), ("Conv2d_2a_3x3", 32, 3, 1, "VALID"), ("Conv2d_2b_3x3", 64, 3, 1, "SAME"),
    ("MaxPool_3a_3x3", 0, 3, 2, "VALID"), ("Conv2d_3b_1x1", 80, 1, 1, "VALID"), ("Conv2d_4a_3x3", 192, 3, 1, "VALID"),
    ("MaxPool_5a_3x3", 0, 3, 2, "VALID"),
)  # fmt: skip

# A branch is convolutions, as (name, channels); the sides of the kernel are the end of the name. A third number is the
# side of a kernel that halves the size. Pooling has a name alone; a list of two is a fork, whose ends stand side by
# side.
_BLOCKS: dict[str, Any] = {
    "Mixed_5b": (
        [("Conv2d_0a_1x1", 64)],
        [("Conv2d_0a_1x1", 48), ("Conv2d_0b_5x5", 64)],
        [("Conv2d_0a_1x1", 64), ("Conv2d_0b_3x3", 96), ("Conv2d_0c_3x3", 96)],
        ["AvgPool_0a_3x3", ("Conv2d_0b_1x1", 32)],
    ),
    "Mixed_5c": (
        [("Conv2d_0a_1x1", 64)],
        [("Conv2d_0b_1x1", 48), ("Conv_1_0c_5x5", 64)],
        [("Conv2d_0a_1x1", 64), ("Conv2d_0b_3x3", 96), ("Conv2d_0c_3x3", 96)],
        ["AvgPool_0a_3x3", ("Conv2d_0b_1x1", 64)],
    ),
    "Mixed_5d": (
        [("Conv2d_0a_1x1", 64)],
        [("Conv2d_0a_1x1", 48), ("Conv2d_0b_5x5", 64)],
        [("Conv2d_0a_1x1", 64), ("Conv2d_0b_3x3", 96), ("Conv2d_0c_3x3", 96)],
        ["AvgPool_0a_3x3", ("Conv2d_0b_1x1", 64)],
    ),
    "Mixed_6a": (
        [("Conv2d_1a_1x1", 384, 3)],
        [("Conv2d_0a_1x1", 64), ("Conv2d_0b_3x3", 96), ("Conv2d_1a_1x1", 96, 3)],
        ["MaxPool_1a_3x3"],
    ),
    **{name: (
        [("Conv2d_0a_1x1", 192)],
        [("Conv2d_0a_1x1", inner), ("Conv2d_0b_1x7", inner), ("Conv2d_0c_7x1", 192)],
        [("Conv2d_0a_1x1", inner), ("Conv2d_0b_7x1", inner), ("Conv2d_0c_1x7", inner), ("Conv2d_0d_7x1", inner),
         ("Conv2d_0e_1x7", 192)],
        ["AvgPool_0a_3x3", ("Conv2d_0b_1x1", 192)],
    ) for name, inner in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192))},
    "Mixed_7a": (
        [("Conv2d_0a_1x1", 192), ("Conv2d_1a_3x3", 320, 3)],
        [("Conv2d_0a_1x1", 192), ("Conv2d_0b_1x7", 192), ("Conv2d_0c_7x1", 192), ("Conv2d_1a_3x3", 192, 3)],
        ["MaxPool_1a_3x3"],
    ),
    **{name: (
        [("Conv2d_0a_1x1", 320)],
        [("Conv2d_0a_1x1", 384), [("Conv2d_0b_1x3", 384), (second, 384)]],
        [("Conv2d_0a_1x1", 448), ("Conv2d_0b_3x3", 384), [("Conv2d_0c_1x3", 384), ("Conv2d_0d_3x1", 384)]],
        ["AvgPool_0a_3x3", ("Conv2d_0b_1x1", 192)],
    ) for name, second in (("Mixed_7b", "Conv2d_0b_3x1"), ("Mixed_7c", "Conv2d_0c_3x1"))},
}  # fmt: skip


def inception_v3_base(
    inputs: Any, final_endpoint: str = "Mixed_7c", min_depth: int = 16, depth_multiplier: float = 1.0,
    scope: Any = None,
) -> tuple[Tensor, dict[str, Tensor]]:  # fmt: skip
    """The network of pictures up to an end point, and all end points up to it by name.

    ``ValueError`` for an end point that there is not, or a ``depth_multiplier`` that is not above 0.
    """
    if depth_multiplier <= 0:
        raise ValueError("depth_multiplier is not greater than zero.")
    if final_endpoint not in [*(stage[0] for stage in _STEM), *_BLOCKS]:
        raise ValueError(f"Unknown final endpoint {final_endpoint}")

    depth = _depths(depth_multiplier, min_depth)
    ends: dict[str, Tensor] = {}
    net = inputs
    with variable_scope(scope, "InceptionV3"):
        for name, channels, side, stride, padding in _STEM:
            if channels:
                net = slim.conv2d(net, depth(channels), [side, side], stride=stride, padding=padding, scope=name)
            else:
                net = slim.max_pool2d(net, [side, side], stride=stride, padding=padding, scope=name)
            ends[name] = net
            if name == final_endpoint:
                return net, ends
        for name, branches in _BLOCKS.items():
            with variable_scope(name):
                net = concat([_branch(net, parts, f"Branch_{n}", depth) for n, parts in enumerate(branches)], 3)
            ends[name] = net
            if name == final_endpoint:
                break
    return net, ends


def _depths(multiplier: float, least: int) -> Callable[[int], int]:
    return lambda channels: max(int(channels * multiplier), least)


def _branch(net: Tensor, parts: Any, scope: str, depth: Callable[[int], int]) -> Tensor:
    with variable_scope(scope):
        for part in parts:
            if isinstance(part, list):
                net = concat([_convolved(net, one, depth) for one in part], 3)
            elif isinstance(part, tuple):
                net = _convolved(net, part, depth)
            elif part.startswith("Avg"):
                net = slim.avg_pool2d(net, [3, 3], stride=1, padding="SAME", scope=part)
            else:
                net = slim.max_pool2d(net, [3, 3], stride=2, padding="VALID", scope=part)
        return net


def _convolved(net: Tensor, part: Any, depth: Callable[[int], int]) -> Tensor:
    """A convolution with the sides that its name ends in, or of half the size with a side that is given."""
    name, channels, *side = part
    if side:
        return slim.conv2d(net, depth(channels), side * 2, stride=2, padding="VALID", scope=name)
    sides = [int(size) for size in name.rsplit("_", 1)[1].split("x")]
    return slim.conv2d(net, depth(channels), sides, stride=1, padding="SAME", scope=name)


def inception_v3(
    inputs: Any, num_classes: int | None = 1000, is_training: Any = True, dropout_keep_prob: float = 0.8,
    min_depth: int = 16, depth_multiplier: float = 1.0, prediction_fn: Callable[..., Any] = slim.softmax,
    spatial_squeeze: bool = True, reuse: Any = None, scope: str = "InceptionV3",
) -> tuple[Tensor, dict[str, Tensor]]:  # fmt: skip
    """The logits for pictures of 299 by 299, and all end points by name: AuxLogits, PreLogits, Logits, Predictions."""
    with (
        variable_scope(scope, "InceptionV3", [inputs, num_classes], reuse=reuse) as own,
        slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training),
    ):
        net, ends = inception_v3_base(inputs, "Mixed_7c", min_depth, depth_multiplier, own)
        ends["AuxLogits"] = _auxiliary(ends["Mixed_6e"], num_classes, _depths(depth_multiplier, min_depth))
        with variable_scope("Logits"):
            sides = [min(side, 8) if isinstance(side, int) else 8 for side in net.type.shape[1:3]]  # type: ignore[index]
            net = slim.avg_pool2d(net, sides, stride=1, padding="VALID", scope="AvgPool_1a_{}x{}".format(*sides))
            net = slim.dropout(net, keep_prob=dropout_keep_prob, scope="Dropout_1b")
            ends["PreLogits"] = net
            logits = slim.conv2d(
                net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="Conv2d_1c_1x1"
            )
            if spatial_squeeze:
                logits = squeeze(logits, [1, 2], name="SpatialSqueeze")
        ends["Logits"] = logits
        ends["Predictions"] = prediction_fn(logits, scope="Predictions")
        return logits, ends


inception_v3.default_image_size = 299  # type: ignore[attr-defined]


def _auxiliary(net: Tensor, num_classes: Any, depth: Callable[[int], int]) -> Tensor:
    """The logits that are trained beside the others, half way through the network."""
    with variable_scope("AuxLogits"):
        net = slim.avg_pool2d(net, [5, 5], stride=3, padding="VALID", scope="AvgPool_1a_5x5")
        net = slim.conv2d(net, depth(128), [1, 1], scope="Conv2d_1b_1x1")
        sides = [min(side, 5) if isinstance(side, int) else 5 for side in net.type.shape[1:3]]  # type: ignore[index]
        net = slim.conv2d(
            net, depth(768), sides, padding="VALID", weights_initializer=TruncatedNormal(stddev=0.01),
            scope="Conv2d_2a_{}x{}".format(*sides),
        )  # fmt: skip
        net = slim.conv2d(
            net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None,
            weights_initializer=TruncatedNormal(stddev=0.001), scope="Conv2d_2b_1x1",
        )  # fmt: skip
        return squeeze(net, [1, 2], name="SpatialSqueeze")


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
