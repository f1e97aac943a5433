"""Images moved by projective maps: turned, shifted, bent; the names of ``tf.contrib.image``.

A map of eight numbers ``a0 a1 a2 b0 b1 b2 c0 c1`` says which place of the image a pixel (x, y) of the result shows:
``((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)`` with ``k = c0 x + c1 y + 1``. What lies outside is 0.
"""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, ones_like, stack, zeros_like
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.contraction import matmul
from graphc.ops.lookup import gather
from graphc.ops.reshaping import reshape, shape
from graphc.ops.sequences import range as ramp
from graphc.ops.shape_values import static_sizes


def transform(
    images: Any, transforms: Any, interpolation: str = "NEAREST", output_shape: Any = None, name: str | None = None
) -> Tensor:
    """Images (of 2, 3 or 4 axes) as the maps show them: one map of 8 numbers for all, or one for each image.

    ``interpolation`` is "NEAREST" or "BILINEAR"; ``output_shape`` the height and width of the result, those of the
    images where None.
    """
    if interpolation.upper() not in ("NEAREST", "BILINEAR"):
        raise ValueError(f"interpolation must be 'NEAREST' or 'BILINEAR', not {interpolation!r}")
    x = convert_to_tensor(images)
    if x.type.rank not in (2, 3, 4):
        raise TypeError(f"Images should have rank between 2 and 4, not {x.type}: {x.op.describe()}")
    with graph_of([x]).name_scope(name or "transform"):
        batch = x[None, :, :, None] if x.type.rank == 2 else x[None] if x.type.rank == 3 else x
        maps = convert_to_tensor(transforms, dtypes.float32)
        if maps.type.rank not in (1, 2):
            raise TypeError(f"Transforms should have rank 1 or 2, not {maps.type}")
        maps = maps[None] if maps.type.rank == 1 else maps
        moved = _moved(batch, maps, interpolation.upper() == "BILINEAR", output_shape)
        return moved[0, :, :, 0] if x.type.rank == 2 else moved[0] if x.type.rank == 3 else moved


def _moved(x: Tensor, maps: Tensor, bilinear: bool, output_shape: Any) -> Tensor:
    sizes = shape(x)
    known: Any = x.shape.as_list()[1:3] if output_shape is None else static_sizes(output_shape)
    height, width = known or (None, None)
    wanted = sizes[1:3] if output_shape is None else convert_to_tensor(output_shape, dtypes.int32)
    rows = e.cast(ramp(wanted[0] if height is None else height), dtypes.float32)[:, None]
    columns = e.cast(ramp(wanted[1] if width is None else width), dtypes.float32)
    a0, a1, a2, b0, b1, b2, c0, c1 = (maps[:, place, None, None] for place in range(8))
    k = c0 * columns + c1 * rows + 1.0
    across, down = (a0 * columns + a1 * rows + a2) / k, (b0 * columns + b1 * rows + b2) / k
    across, down = e.stop_gradient(across), e.stop_gradient(down)  # as in TensorFlow, maps have no gradient
    if not bilinear:
        return _read(x, _rounded(down), _rounded(across))
    low_row, low_column = e.floor(down), e.floor(across)
    y, z = (down - low_row)[..., None], (across - low_column)[..., None]
    top = (1.0 - z) * _read(x, low_row, low_column) + z * _read(x, low_row, low_column + 1.0)
    bottom = (1.0 - z) * _read(x, low_row + 1.0, low_column) + z * _read(x, low_row + 1.0, low_column + 1.0)
    return e.cast((1.0 - y) * top + y * bottom, x.dtype)


def _rounded(place: Tensor) -> Tensor:
    """The nearest whole number, halves away from zero."""
    return e.sign(place) * e.floor(e.abs(place) + 0.5)


def _read(x: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """The pixels at whole places, ``[batch or 1, rows, columns]`` each; 0 outside."""
    count, height, width, depth = (shape(x)[place] for place in range(4))
    sides = [e.cast(size, dtypes.float32) for size in (height, width)]
    inside = e.logical_and(
        e.logical_and(e.greater_equal(row, 0.0), e.less(row, sides[0])),
        e.logical_and(e.greater_equal(column, 0.0), e.less(column, sides[1])),
    )
    zero = convert_to_tensor(0.0)
    row, column = (e.cast(e.select(inside, place, zero), dtypes.int32) for place in (row, column))
    flat = reshape(x, stack([count * height * width, depth]))
    known = x.shape.as_list()[-1]
    flat.set_shape([None, known])
    begin = (ramp(count) * height)[:, None, None]
    found = gather(flat, (begin + row) * width + column)
    return e.select(inside[..., None], found, convert_to_tensor(0, x.dtype))


def rotate(images: Any, angles: Any, interpolation: str = "NEAREST", name: str | None = None) -> Tensor:
    """Images turned about their middle by ``angles`` in radians, against the clock: one, or one for each image."""
    x = convert_to_tensor(images)
    if x.type.rank not in (2, 3, 4):
        raise TypeError(f"Images should have rank between 2 and 4, not {x.type}: {x.op.describe()}")
    first = 1 if x.type.rank == 4 else 0
    with graph_of([x]).name_scope(name or "rotate"):
        height, width = (e.cast(shape(x)[place], dtypes.float32) for place in (first, first + 1))
        return transform(x, angles_to_projective_transforms(angles, height, width), interpolation)


def translate(images: Any, translations: Any, interpolation: str = "NEAREST", name: str | None = None) -> Tensor:
    """Images moved by ``[dx, dy]``, to the right and down; one vector, or one for each image."""
    with graph_of([]).name_scope(name or "translate"):
        return transform(images, translations_to_projective_transforms(translations), interpolation)


def angles_to_projective_transforms(
    angles: Any, image_height: Any, image_width: Any, name: str | None = None
) -> Tensor:
    """The maps that turn images of this size about their middle."""
    turn = convert_to_tensor(angles, dtypes.float32)
    turn = turn[None] if turn.type.rank == 0 else turn
    cosine, sine = e.cos(turn), e.sin(turn)
    w, h = (e.cast(convert_to_tensor(size), dtypes.float32) - 1.0 for size in (image_width, image_height))
    across = (w - (cosine * w - sine * h)) / 2.0
    down = (h - (sine * w + cosine * h)) / 2.0
    zero = zeros_like(turn)
    return stack([cosine, -sine, across, sine, cosine, down, zero, zero], axis=1)


def translations_to_projective_transforms(translations: Any, name: str | None = None) -> Tensor:
    """The maps that move images by ``[dx, dy]``."""
    moves = convert_to_tensor(translations, dtypes.float32)
    moves = moves[None] if moves.type.rank == 1 else moves
    one, zero = ones_like(moves[:, 0]), zeros_like(moves[:, 0])
    return stack([one, zero, -moves[:, 0], zero, one, -moves[:, 1], zero, zero], axis=1)


def flat_transforms_to_matrices(transforms: Any) -> Tensor:
    """Maps of 8 numbers as matrices ``[maps, 3, 3]``."""
    maps = convert_to_tensor(transforms, dtypes.float32)
    maps = maps[None] if maps.type.rank == 1 else maps
    return reshape(concat([maps, ones_like(maps[:, :1])], 1), [-1, 3, 3])


def matrices_to_flat_transforms(transform_matrices: Any) -> Tensor:
    """Matrices ``[maps, 3, 3]`` as maps of 8 numbers."""
    matrices = convert_to_tensor(transform_matrices, dtypes.float32)
    flat = reshape(matrices, [-1, 9])
    return (flat / flat[:, 8:])[:, :8]


def compose_transforms(*transforms: Any) -> Tensor:
    """The map that does the given ones, one after the other."""
    if not transforms:
        raise ValueError("compose_transforms needs at least one map")
    total = flat_transforms_to_matrices(transforms[0])
    for following in transforms[1:]:
        total = matmul(total, flat_transforms_to_matrices(following))
    return matrices_to_flat_transforms(total)
