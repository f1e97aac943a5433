"""What residual networks are made of (He et al., CVPR 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from graphc.contrib import slim
from graphc.contrib.layers.utils import collect_named_outputs
from graphc.nodes import Tensor
from graphc.ops.elementwise import relu
from graphc.ops.padding import pad
from graphc.variable_scope import variable_scope


class Block(NamedTuple):
    """Units of one kind one after the other, each with its arguments."""

    scope: str
    unit_fn: Callable[..., Tensor]
    args: Sequence[dict[str, Any]]


def subsample(inputs: Tensor, factor: int, scope: str | None = None) -> Tensor:
    """Every ``factor``-th place."""
    return inputs if factor == 1 else slim.max_pool2d(inputs, [1, 1], stride=factor, scope=scope)


def conv2d_same(
    inputs: Tensor, num_outputs: int, kernel_size: int, stride: int, rate: int = 1, scope: str | None = None
) -> Tensor:
    """A convolution whose padding does not depend on the size of the inputs, also where it takes strides."""
    if stride == 1:
        return slim.conv2d(inputs, num_outputs, kernel_size, stride=1, rate=rate, padding="SAME", scope=scope)
    total = kernel_size + (kernel_size - 1) * (rate - 1) - 1
    before = total // 2
    around = [before, total - before]
    padded = pad(inputs, [[0, 0], around, around, [0, 0]])
    return slim.conv2d(padded, num_outputs, kernel_size, stride=stride, rate=rate, padding="VALID", scope=scope)


@slim.add_arg_scope
def stack_blocks_dense(
    net: Tensor, blocks: Sequence[Block], output_stride: int | None = None, outputs_collections: Any = None
) -> Tensor:
    """The blocks one after the other; once the stride of all is ``output_stride``, holes take the place of strides.

    ``ValueError`` where that stride cannot be reached.
    """
    stride, rate = 1, 1
    for block in blocks:
        with variable_scope(block.scope, "block") as scope:
            for number, unit in enumerate(block.args, 1):
                if output_stride is not None and stride > output_stride:
                    raise ValueError("The target output_stride cannot be reached.")
                with variable_scope(f"unit_{number}"):
                    if stride == output_stride:
                        net = block.unit_fn(net, rate=rate, **{**unit, "stride": 1})
                        rate *= unit.get("stride", 1)
                    else:
                        net = block.unit_fn(net, rate=1, **unit)
                        stride *= unit.get("stride", 1)
            net = collect_named_outputs(outputs_collections, scope.name, net)
    if output_stride is not None and stride != output_stride:
        raise ValueError("The target output_stride cannot be reached.")
    return net


def resnet_arg_scope(
    weight_decay: float = 0.0001,
    batch_norm_decay: float = 0.997,
    batch_norm_epsilon: float = 1e-5,
    batch_norm_scale: bool = True,
) -> dict[Any, dict[str, Any]]:
    """Weights that decay, and convolutions that are followed by batch normalisation and ReLU."""
    normalisation = {"decay": batch_norm_decay, "epsilon": batch_norm_epsilon, "scale": batch_norm_scale}
    with (
        slim.arg_scope(
            [slim.conv2d], weights_regularizer=slim.l2_regularizer(weight_decay),
            weights_initializer=slim.variance_scaling_initializer(), activation_fn=relu,
            normalizer_fn=slim.batch_norm, normalizer_params=normalisation,
        ),
        slim.arg_scope([slim.batch_norm], **normalisation),
        slim.arg_scope([slim.max_pool2d], padding="SAME") as scope,
    ):  # fmt: skip
        return scope
