"""What image functions ask of their input: one image ``[height, width, channels]`` or a batch of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.reshaping import expand_dims, shape, squeeze


def images_of(images: Any, called: str) -> Tensor:
    """``images`` as a tensor; ``ValueError`` unless it has 3 or 4 axes."""
    x = convert_to_tensor(images)
    if x.type.rank is None:
        raise ValueError(f"{called}: 'image' contains no shape. Give it one of 3 or 4 axes with set_shape.")
    if x.type.rank not in (3, 4):
        raise ValueError(f"{called}: 'image' (shape {x.shape}) must have either 3 or 4 dimensions.")
    return x


def batched(images: Any, called: str, name: str | None, work: Callable[[Tensor], Tensor]) -> Tensor:
    """``work`` done on a batch of images; of a single image, the only one of a batch."""
    x = images_of(images, called)
    with graph_of([x]).name_scope(name or called):
        return work(x) if x.type.rank == 4 else squeeze(work(expand_dims(x, 0)), [0])


def sides(x: Tensor) -> tuple[Any, Any]:
    """Height and width: numbers where they are known, else scalars."""
    assert x.type.shape is not None and x.type.rank is not None
    places = (x.type.rank - 3, x.type.rank - 2)
    known = [x.type.shape[place] for place in places]
    return tuple(  # type: ignore[return-value]
        size if isinstance(size, int) else shape(x)[place] for size, place in zip(known, places, strict=True)
    )


def channels(x: Tensor, wanted: int, called: str) -> Tensor:
    """``x``, whose last axis has ``wanted`` channels; ``ValueError`` where it is known not to have."""
    size = x.type.shape[-1] if x.type.shape else None
    if isinstance(size, int) and size != wanted:
        raise ValueError(f"{called} needs images of {wanted} channels, not {x.type}: {x.op.describe()}")
    return x
