"""Images in TensorFlow and in graphc: values and gradients agree over odd sizes and sizes of 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from tests.ops.peer import compare

RNG = np.random.default_rng(3)
ODD = RNG.uniform(0, 1, (2, 7, 5, 3)).astype(np.float32)
ONE = RNG.uniform(0, 1, (1, 1, 4, 1)).astype(np.float32)
WHOLE = RNG.integers(0, 256, (2, 6, 5, 3)).astype(np.uint8)
SIZES = [(7, 5), (14, 10), (3, 4), (13, 1), (1, 9), (7, 11)]
BIG = RNG.uniform(0, 1, (2, 24, 21, 3)).astype(np.float32)
BOXES = np.array([[0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], [0.8, 0.9, 0.2, 0.1], [-0.3, 0.5, 0.6, 1.4]], np.float32)
OWNERS = np.array([0, 1, 1, 0], np.int32)


def _resizes(kind: str, **options: Any) -> Callable[..., Any]:
    return lambda tf, x: [getattr(tf.image, f"resize_{kind}")(x, size, **options) for size in SIZES]


def _area(tf: Any, x: Any) -> Any:
    return [tf.stop_gradient(tf.image.resize_area(x, size)) for size in SIZES]


def _all_methods(tf: Any, x: Any) -> Any:
    methods = tf.image.ResizeMethod
    kinds = (methods.BILINEAR, methods.NEAREST_NEIGHBOR, methods.BICUBIC, methods.AREA)
    return [tf.stop_gradient(tf.image.resize_images(x, [4, 9], kind)) for kind in kinds]


def _crop_and_resize(tf: Any, x: Any, boxes: Any) -> Any:
    if tf is graphc:
        return [tf.image.crop_and_resize(x, boxes, OWNERS, [4, 3], extrapolation_value=0.5),
                tf.image.crop_and_resize(x, boxes, OWNERS, [1, 1])]  # fmt: skip
    return [tf.image.crop_and_resize(x, boxes, OWNERS, [4, 3], "bilinear", 0.5),
            tf.image.crop_and_resize(x, boxes, OWNERS, [1, 1])]  # fmt: skip


PROGRAMS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "bilinear": (_resizes("bilinear"), [ODD]),
    "bilinear aligned": (_resizes("bilinear", align_corners=True), [ODD]),
    "bilinear centred": (_resizes("bilinear", half_pixel_centers=True), [ODD]),
    "bilinear of one row": (_resizes("bilinear"), [ONE]),
    "bilinear of whole numbers": (_resizes("bilinear"), [WHOLE]),
    "nearest": (_resizes("nearest_neighbor"), [ODD]),
    "nearest aligned": (_resizes("nearest_neighbor", align_corners=True), [ODD]),
    "nearest centred": (_resizes("nearest_neighbor", half_pixel_centers=True), [ODD]),
    "nearest of whole numbers": (_resizes("nearest_neighbor"), [WHOLE]),
    "bicubic": (_resizes("bicubic"), [ODD]),
    "bicubic aligned": (_resizes("bicubic", align_corners=True), [ODD]),
    "bicubic centred": (_resizes("bicubic", half_pixel_centers=True), [ODD]),
    "bicubic of one row": (_resizes("bicubic"), [ONE]),
    "area": (_area, [ODD]),
    "area of one row": (_area, [ONE]),
    "methods": (_all_methods, [WHOLE]),
    "one image": (lambda tf, x: tf.image.resize_images(x, [3, 3], align_corners=True), [ODD[0]]),
    "resize as it is": (lambda tf, x: tf.image.resize_images(x, [6, 5]), [WHOLE]),
    "aspect ratio": (lambda tf, x: tf.image.resize_images(x, [12, 6], preserve_aspect_ratio=True), [ODD]),
    "resize with pad": (lambda tf, x: tf.image.resize_image_with_pad(x, 9, 12), [ODD]),
    "crop and pad boxes": (lambda tf, x: [tf.image.crop_to_bounding_box(x, 1, 2, 4, 3),
                                          tf.image.pad_to_bounding_box(x, 2, 1, 12, 7)], [ODD]),
    "central crop": (lambda tf, x: [tf.image.central_crop(x, f) for f in (0.3, 0.5, 0.87, 1.0)], [ODD]),
    "crop or pad": (lambda tf, x: [tf.image.resize_image_with_crop_or_pad(x, *size) for size in SIZES], [ODD]),
    "flips": (
        lambda tf, x: [tf.image.flip_left_right(x), tf.image.flip_up_down(x), tf.image.transpose_image(x)], [ODD]),
    "turns": (lambda tf, x: [tf.reshape(tf.image.rot90(x, k), [210]) for k in range(5)], [ODD]),
    "dtypes": (lambda tf, x: [tf.image.convert_image_dtype(x, tf.float32), tf.image.convert_image_dtype(x, tf.int32),
                              tf.image.convert_image_dtype(x, tf.float64)], [WHOLE]),
    "dtypes of floats": (lambda tf, x: [tf.image.convert_image_dtype(x, tf.uint8),
                                        tf.image.convert_image_dtype(3 * x - 1, tf.uint8, saturate=True)], [ODD]),
    "grey": (lambda tf, x: [tf.image.rgb_to_grayscale(x), tf.image.grayscale_to_rgb(x[..., :1])], [ODD]),
    "grey of whole numbers": (lambda tf, x: tf.image.rgb_to_grayscale(x), [WHOLE]),
    "hsv": (lambda tf, x: [tf.stop_gradient(tf.image.rgb_to_hsv(x)), tf.stop_gradient(tf.image.hsv_to_rgb(x))], [ODD]),
    "television": (lambda tf, x: [tf.image.rgb_to_yuv(x), tf.image.yuv_to_rgb(x), tf.image.rgb_to_yiq(x),
                                  tf.image.yiq_to_rgb(x)], [ODD]),
    "brightness": (lambda tf, x: tf.image.adjust_brightness(x, 0.3), [ODD]),
    "brightness of whole numbers": (lambda tf, x: tf.image.adjust_brightness(x, 0.3), [WHOLE]),
    "contrast": (lambda tf, x: tf.stop_gradient(tf.image.adjust_contrast(x, 1.7)), [ODD]),
    "gamma": (lambda tf, x: tf.image.adjust_gamma(x, 2.2, 0.9), [ODD]),
    "hue": (lambda tf, x: [tf.stop_gradient(tf.image.adjust_hue(x, d)) for d in (0.1, -0.4)], [ODD]),
    "saturation": (lambda tf, x: [tf.stop_gradient(tf.image.adjust_saturation(x, f)) for f in (0.4, 1.6)], [ODD]),
    "standardised": (lambda tf, x: tf.image.per_image_standardization(x), [ODD]),
    "standardised whole numbers": (lambda tf, x: tf.image.per_image_standardization(x), [WHOLE]),
    "total variation": (lambda tf, x: [tf.image.total_variation(x), tf.image.total_variation(x[0])], [ODD]),
    "edges": (lambda tf, x: [tf.image.sobel_edges(x), *tf.image.image_gradients(x)], [ODD]),
    "psnr": (lambda tf, x, y: tf.image.psnr(x, y, 1.0), [ODD, ODD[::-1].copy()]),
    "psnr of whole numbers": (lambda tf, x: tf.image.psnr(x, x[::-1], 255), [WHOLE]),
    "ssim": (lambda tf, x, y: tf.image.ssim(x, y, 1.0), [BIG, BIG[::-1].copy()]),
    "ssim of scales": (lambda tf, x, y: tf.image.ssim_multiscale(x, 0.8 * x + 0.2 * y, 1.0, (0.3, 0.7), filter_size=5),
                       [BIG, BIG[::-1].copy()]),
    "crop_and_resize": (_crop_and_resize, [ODD, BOXES]),
    "crop_and_resize nearest": (
        lambda tf, x: tf.stop_gradient(tf.image.crop_and_resize(x, BOXES, OWNERS, [3, 5], method="nearest")), [ODD]),
    "draw_bounding_boxes": (
        lambda tf, x: tf.stop_gradient(tf.image.draw_bounding_boxes(x, np.stack([BOXES, 0.5 * BOXES]))), [BIG]),
    "boxes in colours": (lambda tf, x: tf.stop_gradient(tf.image.draw_bounding_boxes(
        x, BOXES[None, :2], colors=[[0.5, 0.1, 0.2], [0.0, 1.0, 0.3]])), [BIG[:1]]),
}  # fmt: skip


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(PROGRAMS))
def test_tensorflow_gives_the_same(name: str) -> None:
    compare(*PROGRAMS[name])


MAPS = np.array([[1, 0.2, -1, 0.1, 0.9, 1, 0.01, -0.02], [0.7, -0.7, 2, 0.7, 0.7, -1, 0, 0]], np.float32)


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["NEAREST", "BILINEAR"])
def test_projective_maps(kind: str) -> None:
    def program(tf: Any, x: Any) -> Any:
        if tf is graphc:
            return tf.contrib.image.transform(x, MAPS, kind, [8, 6])
        return tf.raw_ops.ImageProjectiveTransformV2(
            images=x, transforms=MAPS, output_shape=[8, 6], interpolation=kind, fill_mode="CONSTANT"
        )

    compare(program, [ODD], gradients=False)
