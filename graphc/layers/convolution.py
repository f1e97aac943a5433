"""Convolution layers over rows, pictures and volumes: [batch, places, channels], or with the channels second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from graphc.initializers import Zeros
from graphc.layers.core import check_data_format
from graphc.layers.layer import Layer, activation_function, check_rank, function_of
from graphc.nn.convolution import conv1d as along_rows
from graphc.nn.convolution import convolution
from graphc.nn.convolution import separable_conv2d as by_depth_and_place
from graphc.nn.normalisation import bias_add
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.convolution import conv2d_transpose as spread_picture
from graphc.ops.convolution import conv3d_transpose as spread_volume
from graphc.ops.reshaping import expand_dims, shape, squeeze
from graphc.shapes import TensorShape


class Convolution(Layer):
    """A window of weights over every place, one output channel for each filter; subclasses say over how many axes."""

    default_name = "conv"
    rank: ClassVar[int]

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = Zeros,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **settings: Any,
    ):
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **settings)
        self.filters = int(filters)
        self.kernel_size = numbers(kernel_size, "kernel_size", self.rank)
        self.strides = numbers(strides, "strides", self.rank)
        self.padding = check_padding(padding)
        self.data_format = check_data_format(data_format)
        self.dilation_rate = numbers(dilation_rate, "dilation_rate", self.rank)
        self.activation = activation_function(activation)
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint

    @property
    def letters(self) -> str:
        """The data format as ops spell it."""
        return letters(self.data_format, self.rank)

    def build(self, input_shape: TensorShape) -> None:
        channels = input_shape[1 if self.data_format == "channels_first" else -1].value if input_shape.ndims else None
        if channels is None:
            raise ValueError(
                f"The channel dimension of the inputs should be defined. Found `None`: {self.name!r} got {input_shape}."
            )
        self._add_weights(channels)
        self.bias = None
        if self.use_bias:
            self.bias = self.add_variable(
                "bias", [self.filters], initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip

    def _add_weights(self, channels: int) -> None:
        self.kernel = self.add_variable(
            "kernel", self._kernel_shape(channels), initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, channels, self.filters]

    def call(self, inputs: Any) -> Tensor:
        return self._finished(self._convolved(inputs))

    def _convolved(self, inputs: Tensor) -> Tensor:
        return convolution(
            inputs, self.kernel, self.padding, self.strides, self.dilation_rate, f"Conv{self.rank}D", self.letters
        )  # fmt: skip

    def _finished(self, outputs: Tensor) -> Tensor:
        if self.bias is not None:
            outputs = bias_add(outputs, self.bias, data_format="NCHW" if self.letters[1] == "C" else "NHWC")
        return outputs if self.activation is None else self.activation(outputs)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        images = convert_to_tensor(inputs)
        check_rank(self, images, self.rank + 2)  # before any variable is made
        return super().__call__(images, *args, **kwargs)


class Conv1D(Convolution):
    """A window of weights over every place of rows [batch, width, channels]."""

    default_name = "conv1d"
    rank = 1

    def _convolved(self, inputs: Tensor) -> Tensor:
        return along_rows(
            inputs, self.kernel, self.strides, self.padding, data_format=self.letters, dilations=self.dilation_rate
        )  # fmt: skip


class Conv2D(Convolution):
    """A window of weights over every place of the picture, one output channel for each filter."""

    default_name = "conv2d"
    rank = 2


class Conv3D(Convolution):
    """A window of weights over every place of volumes [batch, depth, height, width, channels]."""

    default_name = "conv3d"
    rank = 3


class ConvolutionTranspose(Convolution):
    """The adjoint of a convolution as a layer: images become larger by ``strides``."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = Zeros,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **settings: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, 1, activation, use_bias, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint, trainable, name, **settings,
        )  # fmt: skip

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, self.filters, channels]

    def _convolved(self, inputs: Tensor) -> Tensor:
        sizes, known = shape(inputs), inputs.type.shape or (None,) * (self.rank + 2)
        first = 2 if self.data_format == "channels_first" else 1
        lengths: list[Any] = []
        for axis in range(first, first + self.rank):
            size = known[axis] if isinstance(known[axis], int) else sizes[axis]
            lengths.append(self._length(size, axis - first))
        batch = known[0] if isinstance(known[0], int) else sizes[0]
        wanted = [batch, *lengths, self.filters] if first == 1 else [batch, self.filters, *lengths]
        spread = {2: spread_picture, 3: spread_volume}[self.rank]
        return spread(inputs, self.kernel, wanted, self.strides, self.padding, self.letters)

    def _length(self, size: Any, axis: int) -> Any:
        """The length of the output along an axis: without padding the last window sticks out."""
        length = size * self.strides[axis]
        beyond = max(self.kernel_size[axis] - self.strides[axis], 0)
        return length + beyond if self.padding == "VALID" else length


class Conv2DTranspose(ConvolutionTranspose):
    """The adjoint of a convolution of pictures as a layer."""

    default_name = "conv2d_transpose"
    rank = 2


class Conv3DTranspose(ConvolutionTranspose):
    """The adjoint of a convolution of volumes as a layer."""

    default_name = "conv3d_transpose"
    rank = 3


class Separable(Convolution):
    """Each channel under its own filters, then at each place the channels mixed."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = Zeros,
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **settings: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, bias_constraint=bias_constraint, trainable=trainable, name=name,
            **settings,
        )  # fmt: skip
        self.depth_multiplier = depth_multiplier
        self.depthwise_settings = (depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self.pointwise_settings = (pointwise_initializer, pointwise_regularizer, pointwise_constraint)

    def _add_weights(self, channels: int) -> None:
        by_depth = [*self.kernel_size, channels, self.depth_multiplier]
        by_place = [1] * self.rank + [channels * self.depth_multiplier, self.filters]
        self.depthwise_kernel = self._weights("depthwise_kernel", by_depth, *self.depthwise_settings)
        self.pointwise_kernel = self._weights("pointwise_kernel", by_place, *self.pointwise_settings)

    def _weights(self, name: str, sizes: list[int], initializer: Any, regularizer: Any, constraint: Any) -> Any:
        return self.add_variable(
            name, sizes, initializer=initializer, regularizer=regularizer, constraint=constraint
        )  # fmt: skip


class SeparableConv2D(Separable):
    """Each channel of a picture under its own filters, then at each place the channels mixed."""

    default_name = "separable_conv2d"
    rank = 2

    def _convolved(self, inputs: Tensor) -> Tensor:
        return by_depth_and_place(
            inputs, self.depthwise_kernel, self.pointwise_kernel, on_image(self.strides, self.data_format),
            self.padding, self.dilation_rate, data_format=self.letters,
        )  # fmt: skip


class SeparableConv1D(Separable):
    """Each channel of rows under its own filters, then at each place the channels mixed."""

    default_name = "separable_conv1d"
    rank = 1

    def _convolved(self, inputs: Tensor) -> Tensor:
        axis = 2 if self.data_format == "channels_first" else 1
        pictures = by_depth_and_place(
            expand_dims(inputs, axis), expand_dims(self.depthwise_kernel, 0), expand_dims(self.pointwise_kernel, 0),
            on_image((1, *self.strides), self.data_format), self.padding, (1, *self.dilation_rate),
            data_format=letters(self.data_format, 2),
        )  # fmt: skip
        return squeeze(pictures, [axis])


conv1d = function_of(
    Conv1D, "A convolution of rows with variables ``conv1d/kernel`` [width, channels, filters] and ``conv1d/bias``."
)
conv2d = function_of(
    Conv2D, "A convolution with variables ``conv2d/kernel`` [height, width, channels, filters] and ``conv2d/bias``."
)
conv3d = function_of(Conv3D, "A convolution of volumes with variables ``conv3d/kernel`` and ``conv3d/bias``.")
conv2d_transpose = function_of(
    Conv2DTranspose,
    "The adjoint of a convolution, with variables ``conv2d_transpose/kernel`` and ``conv2d_transpose/bias``.",
)
conv3d_transpose = function_of(
    Conv3DTranspose,
    "The adjoint of a convolution of volumes, with variables ``conv3d_transpose/kernel`` and ``.../bias``.",
)
separable_conv1d = function_of(
    SeparableConv1D,
    "Convolution of each channel, then of all: ``depthwise_kernel``, ``pointwise_kernel`` and ``bias``.",
)
separable_conv2d = function_of(
    SeparableConv2D,
    "Convolution of each channel, then of all: ``depthwise_kernel``, ``pointwise_kernel`` and ``bias``.",
)


def numbers(value: Any, what: str, rank: int) -> tuple[int, ...]:
    """One number for each axis of places, from a number for all or as many numbers."""
    found = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(found) != rank or not all(isinstance(number, int) for number in found):
        raise ValueError(f"The `{what}` argument must be a tuple of {rank} integers. Received: {value}")
    return found


def check_padding(padding: str) -> str:
    """``VALID`` or ``SAME`` from any spelling; ``ValueError`` otherwise."""
    if str(padding).lower() not in ("valid", "same"):
        raise ValueError(f'The `padding` argument must be one of "valid", "same". Received: {padding}')
    return padding.upper()


def letters(data_format: str, rank: int) -> str:
    """The format as ops spell it."""
    places = "DHW"[3 - rank :]
    return f"NC{places}" if data_format == "channels_first" else f"N{places}C"


def on_image(sizes: Sequence[int], data_format: str) -> list[int]:
    """The numbers for places as one for each axis of an image."""
    return [1, 1, *sizes] if data_format == "channels_first" else [1, *sizes, 1]
