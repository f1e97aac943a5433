"""Pooling layers: the greatest or the mean of each window of a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.layers.convolution import check_padding, letters, on_image, pair
from graphc.layers.core import check_data_format
from graphc.layers.layer import Layer, check_rank
from graphc.nodes import Tensor
from graphc.ops.pooling import avg_pool, max_pool


class _Pooling2D(Layer):
    pool: Callable[..., Tensor]

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **settings: Any,
    ):
        super().__init__(name=name, **settings)
        self.pool_size = pair(pool_size, "pool_size")
        self.strides = pair(strides, "strides")
        self.padding = check_padding(padding)
        self.data_format = check_data_format(data_format)

    def call(self, inputs: Any) -> Tensor:
        check_rank(self, inputs, 4)
        return type(self).pool(
            inputs, on_image(self.pool_size, self.data_format), on_image(self.strides, self.data_format),
            self.padding, data_format=letters(self.data_format),
        )  # fmt: skip


class MaxPooling2D(_Pooling2D):
    """The greatest of each window."""

    default_name = "max_pooling2d"
    pool = staticmethod(max_pool)


class AveragePooling2D(_Pooling2D):
    """The mean of each window."""

    default_name = "average_pooling2d"
    pool = staticmethod(avg_pool)


def max_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The greatest of each window of ``pool_size``, every ``strides``."""
    return MaxPooling2D(pool_size, strides, padding, data_format, name)(inputs)


def average_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of ``pool_size``, every ``strides``."""
    return AveragePooling2D(pool_size, strides, padding, data_format, name)(inputs)
