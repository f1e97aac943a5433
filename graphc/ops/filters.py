"""Images under filters: what convolutions of every kind share.

There are three ops of each kind: the result y = x * w, the adjoint of the images x, and that of the filter w. Each is
linear in both inputs, and the adjoints of each are again of the three. With <g, x * w> for the sum of the products of
all elements of g and x * w,

    <g, x * w> = <x, by_images(g, w)> = <w, by_filter(x, g)>
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from graphc import dtypes
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply, check_dtype, check_same_dtype, convert_to_tensor
from graphc.ops.reshaping import shape as shape_of
from graphc.ops.shape_values import sizes_from, static_sizes
from graphc.ops.windows import Window, check_images, make_window
from graphc.records import record, replace
from graphc.shapes import Shape, Size, TensorType


class Kind(NamedTuple):
    """The three ops of a kind of convolution."""

    forward: type[Forward]
    by_images: type[ByImages]
    by_filter: type[ByFilter]


@record
class Filtered(Op):
    """One of the three."""

    window: Window

    @property
    def kind(self) -> Kind:
        """The ops that this one and its adjoints are of."""
        raise NotImplementedError(f"{self.type} is of no kind of convolution")

    def check(self, x: TensorType, w: TensorType) -> Any:
        """The dtype of images (or their adjoint) and of a filter that fit."""
        dtype = check_same_dtype((x, w))
        check_dtype(x, dtypes.FLOATS, "the images")
        check_images(x, self.window.rank)
        check_filter(w, self.window.rank, self.kind.forward.filter_axes)
        return dtype

    def attributes(self) -> dict[str, Any]:
        window = self.window
        shown: dict[str, Any] = {"strides": window.strides, "padding": window.padding}
        shown |= {"dilations": window.dilations} if set(window.dilations) != {1} else {}
        return shown | ({} if window.channels_last else {"data_format": window.data_format})

    def images_adjoint(self, grad: Tensor, w: Tensor, x: Tensor) -> Tensor:
        """Of images like x."""
        return apply_sized(self.kind.by_images(self.window), grad, w, x)

    def filter_adjoint(self, x: Tensor, grad: Tensor, w: Tensor) -> Tensor:
        """Of a filter like w."""
        return apply_sized(self.kind.by_filter(self.window), x, grad, w)


@record
class Forward(Filtered):
    """``y = x * w``"""

    filter_axes = "channels in, channels out"  # what the axes of a filter are, after those of places

    @staticmethod
    def channels_out(w: TensorType) -> Size:
        """How many channels images have under a filter."""
        return None if w.shape is None else w.shape[-1]

    def infer(self, x: TensorType, w: TensorType) -> TensorType:
        dtype = self.check(x, w)
        if x.shape is not None and w.shape is not None:
            channels, wanted = x.shape[self.window.channel_axis], w.shape[-2]
            if channels is not None and wanted is not None and channels != wanted:
                raise ValueError(f"the images {x} have {channels} channels, but the filter {w} takes {wanted}")
        return TensorType(dtype, self.window.result_shape(x, self.channels_out(w)))

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, w = node.inputs
        return [self.images_adjoint(grad, w, x), self.filter_adjoint(x, grad, w)]


@record
class _Sized(Filtered):
    """An adjoint, which has ``shape``; where that is None, the sizes are the last input."""

    shape: Shape = None

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in."""
        return None if self.shape is not None else apply(with_sizes(self, values[2]), *inputs[:2])

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """``x * w``"""
        return apply(self.kind.forward(self.window), x, w)


@record
class ByImages(_Sized):
    """The adjoint of the images, from that of the result and the filter."""

    def infer(self, grad: TensorType, w: TensorType, sizes: TensorType | None = None) -> TensorType:
        dtype = self.check(grad, w)
        if self.shape is None:
            return TensorType(dtype, (None,) * (self.window.rank + 2))
        channels = None if w.shape is None else w.shape[-2]
        check_sizes(channels, self.shape[self.window.channel_axis], "the filter's channels and the images'")
        check_windows(self.window, grad, self.shape, self.kind.forward.channels_out(w))
        return TensorType(dtype, self.shape)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        g, w = node.inputs[:2]
        rest: list[Tensor | None] = [None] * (len(node.inputs) - 2)
        return [self.forward(grad, w), self.filter_adjoint(grad, g, w), *rest]


@record
class ByFilter(_Sized):
    """The adjoint of the filter, from the images and that of the result."""

    def infer(self, x: TensorType, grad: TensorType, sizes: TensorType | None = None) -> TensorType:
        dtype = check_same_dtype((x, grad))
        check_images(x, self.window.rank)
        check_images(grad, self.window.rank)
        return TensorType(dtype, (*self.window.size, None, None) if self.shape is None else self.shape)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        x, g = node.inputs[:2]
        rest: list[Tensor | None] = [None] * (len(node.inputs) - 2)
        return [self.images_adjoint(g, grad, x), self.forward(x, grad), *rest]


def check_filter(w: TensorType, rank: int, channels: str) -> None:
    """``ValueError`` unless there are ``rank`` axes of places and two of channels."""
    if w.rank not in (rank + 2, None):
        places = "height, width" if rank == 2 else "depth, height, width"
        raise ValueError(f"needs a filter with {rank + 2} axes [{places}, {channels}], not {w}")


def check_windows(window: Window, grad: TensorType, shape: Sequence[Any], channels: Any) -> None:
    """``ValueError`` unless ``grad`` has one cell for each window over images of this shape."""
    if grad.shape is not None:
        windows = window.result_shape(TensorType(grad.dtype, tuple(shape)), channels)
        for axis, (came, wanted) in enumerate(zip(grad.shape, windows or (), strict=True)):
            check_sizes(came, wanted, f"axis {axis} of {grad} and the windows'")


def check_sizes(came: Any, wanted: Any, what: str) -> None:
    """``ValueError`` where two known sizes differ."""
    if came is not None and wanted is not None and came != wanted:
        raise ValueError(f"{what} sizes differ: {came} and {wanted}")


def with_sizes(kind: Any, value: Any) -> Any:
    """``kind`` with its shape from the value of a tensor."""
    return replace(kind, shape=sizes_from(value, kind.type))


def apply_sized(kind: Any, a: Tensor, b: Tensor, like: Tensor) -> Tensor:
    """``kind`` of a and b with the shape of ``like``, as an input where it is not known."""
    if like.type.is_exact:
        return apply(replace(kind, shape=like.type.shape), a, b)
    result = apply(kind, a, b, shape_of(like))
    result.set_shape(like.type.shape)
    return result


def filter_window(
    function: str, w: Tensor, strides: Any, padding: Any, layout: Any, dilations: Any, rank: int = 2
) -> Window:
    """The window that a filter is."""
    sizes = w.type.shape
    if sizes is None or len(sizes) != rank + 2 or not all(isinstance(size, int) for size in sizes[:rank]):
        sides = "height and width" if rank == 2 else "depth, height and width"
        raise ValueError(f"{function} needs a filter with {rank + 2} axes and known {sides}, not {w.type}")
    return make_window(sizes[:rank], 1 if strides is None else strides, padding, layout, dilations)  # type: ignore


def given_window(function: str, filter_sizes: Any, rank: int) -> tuple[int, ...]:
    """The sizes of the window among those of the filter, which must be known while declaring."""
    sizes = static_sizes(filter_sizes)
    if sizes is None or len(sizes) != rank + 2 or None in sizes[:rank]:
        raise ValueError(f"{function} needs {rank + 2} sizes known while declaring, not {filter_sizes!r}")
    return tuple(sizes[:rank])  # type: ignore[arg-type]


def apply_given(kind: Any, a: Tensor, b: Tensor, sizes: Any, name: str | None) -> Tensor:
    """``kind`` of a and b with the sizes that the user gives, as numbers or as a tensor."""
    known = static_sizes(sizes)
    rank = kind.window.rank + 2
    if known is not None and len(known) != rank:
        raise ValueError(f"{kind.type} needs {rank} sizes, not {list(known)}")
    if known is not None and None not in known:
        return apply(replace(kind, shape=tuple(known)), a, b, name=name)
    result = apply(kind, a, b, convert_to_tensor(sizes), name=name)
    if known is not None:
        result.set_shape(known)
    return result
