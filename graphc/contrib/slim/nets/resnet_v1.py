"""Residual networks whose activation comes after the sum (He et al., CVPR 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.contrib import slim
from graphc.contrib.layers import utils
from graphc.contrib.slim.nets.resnet_utils import Block, conv2d_same, resnet_arg_scope, stack_blocks_dense, subsample
from graphc.nodes import Tensor
from graphc.ops.elementwise import relu
from graphc.ops.reduction import reduce_mean
from graphc.ops.reshaping import squeeze
from graphc.variable_scope import variable_scope

__all__ = [
    "bottleneck", "resnet_arg_scope", "resnet_v1", "resnet_v1_50", "resnet_v1_101", "resnet_v1_152", "resnet_v1_block",
]  # fmt: skip

Network = tuple[Tensor, dict[str, Tensor]]


@slim.add_arg_scope
def bottleneck(
    inputs: Tensor,
    depth: int,
    depth_bottleneck: int,
    stride: int,
    rate: int = 1,
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """``relu(shortcut + conv3(conv2(conv1(x))))`` with few channels in the middle."""
    with variable_scope(scope, "bottleneck_v1") as sc:
        channels = utils.last_dimension(inputs.shape, min_rank=4)
        if depth == channels:
            shortcut = subsample(inputs, stride, "shortcut")
        else:
            shortcut = slim.conv2d(inputs, depth, [1, 1], stride=stride, activation_fn=None, scope="shortcut")
        residual = slim.conv2d(inputs, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        residual = conv2d_same(residual, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
        residual = slim.conv2d(residual, depth, [1, 1], stride=1, activation_fn=None, scope="conv3")
        return utils.collect_named_outputs(outputs_collections, sc.name, relu(shortcut + residual))


def resnet_v1_block(scope: str, base_depth: int, num_units: int, stride: int) -> Block:
    """Units of four times ``base_depth`` channels, the last of which takes the stride."""
    unit = {"depth": base_depth * 4, "depth_bottleneck": base_depth}
    return Block(scope, bottleneck, [{**unit, "stride": 1}] * (num_units - 1) + [{**unit, "stride": stride}])


def resnet_v1(
    inputs: Tensor,
    blocks: Sequence[Block],
    num_classes: int | None = None,
    is_training: Any = True,
    global_pool: bool = True,
    output_stride: int | None = None,
    include_root_block: bool = True,
    reuse: Any = None,
    scope: str | None = None,
) -> Network:
    """The network of these blocks, and its outputs on the way by name."""
    with variable_scope(scope, "resnet_v1", reuse=reuse) as sc:
        ends = f"{sc.original_name_scope}_end_points"
        with (
            slim.arg_scope([slim.conv2d, bottleneck, stack_blocks_dense], outputs_collections=ends),
            slim.arg_scope([slim.batch_norm], is_training=is_training),
        ):
            net = inputs
            if include_root_block:
                if output_stride is not None:
                    if output_stride % 4:
                        raise ValueError("The output_stride needs to be a multiple of 4.")
                    output_stride //= 4
                net = conv2d_same(net, 64, 7, stride=2, scope="conv1")
                net = slim.max_pool2d(net, [3, 3], stride=2, scope="pool1")
            net = stack_blocks_dense(net, blocks, output_stride)
            if global_pool:
                net = reduce_mean(net, [1, 2], name="pool5", keepdims=True)
            if num_classes is not None:
                net = slim.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="logits")
            end_points = utils.convert_collection_to_dict(ends)
            if num_classes is not None:
                if global_pool:
                    net = squeeze(net, [1, 2], name="SpatialSqueeze")
                end_points["predictions"] = slim.softmax(net, scope="predictions")
            return net, end_points


def _of_depth(name: str, units: Sequence[int]) -> Any:
    def network(
        inputs: Tensor,
        num_classes: int | None = None,
        is_training: Any = True,
        global_pool: bool = True,
        output_stride: int | None = None,
        reuse: Any = None,
        scope: str = name,
    ) -> Network:
        depths = (64, 128, 256, 512)
        blocks = [
            resnet_v1_block(f"block{number}", depth, count, 1 if number == 4 else 2)
            for number, (depth, count) in enumerate(zip(depths, units), 1)
        ]
        return resnet_v1(
            inputs, blocks, num_classes, is_training, global_pool, output_stride, True, reuse, scope
        )  # fmt: skip

    network.__name__ = network.__qualname__ = name
    network.__doc__ = f"The residual network with {sum(units) * 3 + 2} layers, for pictures of 224 by 224."
    return network


resnet_v1_50 = _of_depth("resnet_v1_50", [3, 4, 6, 3])
resnet_v1_101 = _of_depth("resnet_v1_101", [3, 4, 23, 3])
resnet_v1_152 = _of_depth("resnet_v1_152", [3, 8, 36, 3])
