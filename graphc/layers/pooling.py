"""Pooling layers: the greatest or the mean of each window of rows, pictures or volumes."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.layers.convolution import check_padding, letters, numbers, on_image
from graphc.layers.core import check_data_format
from graphc.layers.layer import Layer, check_rank, function_of
from graphc.nodes import Tensor
from graphc.ops.pooling import pool
from graphc.ops.reshaping import expand_dims, squeeze


class _Pooling(Layer):
    default_name = "pooling"
    rank: ClassVar[int]
    kind: ClassVar[str]

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
        self.pool_size = numbers(pool_size, "pool_size", self.rank)
        self.strides = numbers(strides, "strides", self.rank)
        self.padding = check_padding(padding)
        self.data_format = check_data_format(data_format)

    def call(self, inputs: Any) -> Tensor:
        check_rank(self, inputs, self.rank + 2)
        if self.rank > 1:
            return self._pooled(inputs, self.pool_size, self.strides)
        axis = 2 if self.data_format == "channels_first" else 1
        pictures = self._pooled(expand_dims(inputs, axis), (1, *self.pool_size), (1, *self.strides))
        return squeeze(pictures, [axis])

    def _pooled(self, images: Tensor, size: tuple[int, ...], strides: tuple[int, ...]) -> Tensor:
        layout = letters(self.data_format, len(size))
        return pool(
            images, on_image(size, self.data_format), self.kind, self.padding,
            strides=on_image(strides, self.data_format), data_format=layout,
        )  # fmt: skip


class _MaxPooling(_Pooling):
    kind = "MAX"


class _AveragePooling(_Pooling):
    kind = "AVG"


class MaxPooling1D(_MaxPooling):
    """The greatest of each window of rows."""

    default_name = "max_pooling1d"
    rank = 1


class MaxPooling2D(_MaxPooling):
    """The greatest of each window of pictures."""

    default_name = "max_pooling2d"
    rank = 2


class MaxPooling3D(_MaxPooling):
    """The greatest of each window of volumes."""

    default_name = "max_pooling3d"
    rank = 3


class AveragePooling1D(_AveragePooling):
    """The mean of each window of rows."""

    default_name = "average_pooling1d"
    rank = 1


class AveragePooling2D(_AveragePooling):
    """The mean of each window of pictures."""

    default_name = "average_pooling2d"
    rank = 2


class AveragePooling3D(_AveragePooling):
    """The mean of each window of volumes."""

    default_name = "average_pooling3d"
    rank = 3


max_pooling1d = function_of(MaxPooling1D, "The greatest of each window of ``pool_size``, every ``strides``.")
max_pooling2d = function_of(MaxPooling2D, "The greatest of each window of ``pool_size``, every ``strides``.")
max_pooling3d = function_of(MaxPooling3D, "The greatest of each window of ``pool_size``, every ``strides``.")
average_pooling1d = function_of(AveragePooling1D, "The mean of each window of ``pool_size``, every ``strides``.")
average_pooling2d = function_of(AveragePooling2D, "The mean of each window of ``pool_size``, every ``strides``.")
average_pooling3d = function_of(AveragePooling3D, "The mean of each window of ``pool_size``, every ``strides``.")
