"""``tensorflow.contrib.slim.python.slim.nets``: parts of well-known networks."""

from graphc.contrib.slim.nets import inception, inception_v3, resnet_utils, resnet_v1, vgg

__all__ = ["inception", "inception_v3", "resnet_utils", "resnet_v1", "vgg"]
