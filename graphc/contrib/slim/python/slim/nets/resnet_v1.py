"""``tensorflow.contrib.slim.python.slim.nets.resnet_v1``."""

from graphc.contrib.slim.nets.resnet_v1 import (
    bottleneck,
    resnet_v1,
    resnet_v1_50,
    resnet_v1_101,
    resnet_v1_152,
    resnet_v1_block,
)

__all__ = ["bottleneck", "resnet_v1", "resnet_v1_50", "resnet_v1_101", "resnet_v1_152", "resnet_v1_block"]
