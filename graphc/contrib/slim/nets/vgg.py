"""The networks of the Visual Geometry Group (Simonyan and Zisserman, ICLR 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.contrib import slim
from graphc.contrib.layers import utils
from graphc.initializers import Zeros
from graphc.nodes import Tensor
from graphc.ops.elementwise import relu
from graphc.ops.reshaping import squeeze
from graphc.variable_scope import variable_scope


def vgg_arg_scope(weight_decay: float = 0.0005) -> dict[Any, dict[str, Any]]:
    """Weights that decay, ReLU, and convolutions with padding."""
    decay = slim.l2_regularizer(weight_decay)
    with (
        slim.arg_scope(
            [slim.conv2d, slim.fully_connected],
            activation_fn=relu,
            weights_regularizer=decay,
            biases_initializer=Zeros(),
        ),
        slim.arg_scope([slim.conv2d], padding="SAME") as scope,
    ):
        return scope


def _of_depth(name: str, repetitions: Sequence[int]) -> Any:
    def network(
        inputs: Tensor,
        num_classes: int = 1000,
        is_training: Any = True,
        dropout_keep_prob: float = 0.5,
        spatial_squeeze: bool = True,
        scope: str = name,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        with variable_scope(scope, name) as sc:
            ends = f"{sc.original_name_scope}_end_points"
            with slim.arg_scope([slim.conv2d, slim.fully_connected, slim.max_pool2d], outputs_collections=ends):
                net = inputs
                for number, (depth, count) in enumerate(zip((64, 128, 256, 512, 512), repetitions), 1):
                    net = slim.repeat(net, count, slim.conv2d, depth, [3, 3], scope=f"conv{number}")
                    net = slim.max_pool2d(net, [2, 2], scope=f"pool{number}")
                net = slim.conv2d(net, 4096, [7, 7], padding="VALID", scope="fc6")
                net = slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout6")
                net = slim.conv2d(net, 4096, [1, 1], scope="fc7")
                net = slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout7")
                net = slim.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="fc8")
                end_points = utils.convert_collection_to_dict(ends)
                if spatial_squeeze:
                    net = squeeze(net, [1, 2], name="fc8/squeezed")
                    end_points[f"{sc.name}/fc8"] = net
                return net, end_points

    network.__name__ = network.__qualname__ = name
    network.__doc__ = f"The network with {sum(repetitions) + 3} layers, for pictures of 224 by 224."
    return network


vgg_a = _of_depth("vgg_a", [1, 1, 2, 2, 2])
vgg_16 = _of_depth("vgg_16", [2, 2, 3, 3, 3])
vgg_19 = _of_depth("vgg_19", [2, 2, 4, 4, 4])
vgg_16.default_image_size = vgg_19.default_image_size = vgg_a.default_image_size = 224
