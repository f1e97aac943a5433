"""Convolution layers over pictures [batch, height, width, channels] (or channels second)."""

from __future__ import annotations

from typing import Any

from graphc.initializers import Zeros
from graphc.layers.core import check_data_format
from graphc.layers.layer import Layer, check_rank
from graphc.nn.normalisation import bias_add
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.convolution import conv2d as convolve
from graphc.ops.convolution import conv2d_transpose as spread
from graphc.ops.reshaping import shape
from graphc.shapes import TensorShape


class Conv2D(Layer):
    """A window of weights over every place of the picture, one output channel for each filter."""

    default_name = "conv2d"

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = (1, 1),
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
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.strides = pair(strides, "strides")
        self.padding = check_padding(padding)
        self.data_format = check_data_format(data_format)
        self.dilation_rate = pair(dilation_rate, "dilation_rate")
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, channels, self.filters]

    def build(self, input_shape: TensorShape) -> None:
        channels = input_shape[1 if self.data_format == "channels_first" else -1].value if input_shape.ndims else None
        if channels is None:
            raise ValueError(
                f"The channel dimension of the inputs should be defined. Found `None`: {self.name!r} got {input_shape}."
            )
        self.kernel = self.add_variable(
            "kernel", self._kernel_shape(channels), initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_variable(
                "bias", [self.filters], initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip

    def call(self, inputs: Any) -> Tensor:
        return self._finished(self._convolved(inputs))

    def _convolved(self, inputs: Tensor) -> Tensor:
        return convolve(
            inputs, self.kernel, on_image(self.strides, self.data_format), self.padding,
            data_format=letters(self.data_format), dilations=on_image(self.dilation_rate, self.data_format),
        )  # fmt: skip

    def _finished(self, outputs: Tensor) -> Tensor:
        if self.bias is not None:
            outputs = bias_add(outputs, self.bias, data_format=letters(self.data_format))
        return outputs if self.activation is None else self.activation(outputs)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        images = convert_to_tensor(inputs)
        check_rank(self, images, 4)  # before any variable is made
        return super().__call__(images, *args, **kwargs)


class Conv2DTranspose(Conv2D):
    """The adjoint of a convolution as a layer: pictures become larger by ``strides``."""

    default_name = "conv2d_transpose"

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        **settings: Any,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, **settings)

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, self.filters, channels]

    def _convolved(self, inputs: Tensor) -> Tensor:
        sizes, known = shape(inputs), inputs.type.shape or (None,) * 4
        first = 2 if self.data_format == "channels_first" else 1
        lengths: list[Any] = []
        for axis in (first, first + 1):
            size = known[axis] if isinstance(known[axis], int) else sizes[axis]
            lengths.append(self._length(size, axis - first))
        batch = known[0] if isinstance(known[0], int) else sizes[0]
        wanted = [batch, *lengths, self.filters] if first == 1 else [batch, self.filters, *lengths]
        return spread(
            inputs, self.kernel, wanted, on_image(self.strides, self.data_format), self.padding,
            letters(self.data_format),
        )  # fmt: skip

    def _length(self, size: Any, axis: int) -> Any:
        """The length of the output along height or width: without padding the last window sticks out."""
        length = size * self.strides[axis]
        beyond = max(self.kernel_size[axis] - self.strides[axis], 0)
        return length + beyond if self.padding == "VALID" else length


def pair(value: Any, what: str) -> tuple[int, int]:
    """Height and width, from a number for both or two numbers."""
    numbers = (value, value) if isinstance(value, int) else tuple(value)
    if len(numbers) != 2 or not all(isinstance(number, int) for number in numbers):
        raise ValueError(f"The `{what}` argument must be a tuple of 2 integers. Received: {value}")
    return numbers


def check_padding(padding: str) -> str:
    """``VALID`` or ``SAME`` from any spelling; ``ValueError`` otherwise."""
    if padding.lower() not in ("valid", "same"):
        raise ValueError(f'The `padding` argument must be one of "valid", "same". Received: {padding}')
    return padding.upper()


def letters(data_format: str) -> str:
    """The format as ops spell it."""
    return "NCHW" if data_format == "channels_first" else "NHWC"


def on_image(sizes: tuple[int, int], data_format: str) -> list[int]:
    """Height and width as one number for each axis of a picture."""
    return [1, 1, *sizes] if data_format == "channels_first" else [1, *sizes, 1]


def conv2d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = (1, 1),
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
    reuse: Any = None,
) -> Tensor:
    """A convolution with variables ``conv2d/kernel`` [height, width, channels, filters] and ``conv2d/bias``."""
    layer = Conv2D(
        filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, kernel_initializer,
        bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
        bias_constraint, trainable, name, _reuse=reuse,
    )  # fmt: skip
    return layer(inputs)


def conv2d_transpose(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
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
    reuse: Any = None,
) -> Tensor:
    """The adjoint of a convolution, with variables ``conv2d_transpose/kernel`` and ``conv2d_transpose/bias``."""
    layer = Conv2DTranspose(
        filters, kernel_size, strides, padding, data_format, activation=activation, use_bias=use_bias,
        kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
        kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
        bias_constraint=bias_constraint, trainable=trainable, name=name, _reuse=reuse,
    )  # fmt: skip
    return layer(inputs)
