"""Images from the bytes of their files, and back: by Pillow, which ``pip install 'graphc[images]'`` brings."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.errors import InvalidArgumentError
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.base import apply, check_dtype, convert_to_tensor
from graphc.ops.elementwise import cast, multiply
from graphc.ops.host import HostOp
from graphc.ops.strings import STRING, regex_full_match, string_tensor
from graphc.records import record
from graphc.shapes import Size, TensorType

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # Pillow's names by the number of channels
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
_JPEG = b"\xff\xd8\xff"


def _pillow() -> Any:
    try:
        from PIL import Image  # loads when an image is decoded
    except ImportError:
        raise ImportError("images need the library Pillow: pip install 'graphc[images]'") from None
    return Image


def _opened(data: bytes) -> Any:
    image = _pillow()
    try:
        return image.open(BytesIO(data), formats=_FORMATS)
    except (image.UnidentifiedImageError, OSError):
        raise InvalidArgumentError(
            message="Unknown image file format. One of JPEG, PNG, GIF, BMP, WebP required."
        ) from None


def _channels_of(image: Any) -> int:
    """How many channels the file has: a palette stands for colours, with alpha where it has a transparent one."""
    if image.mode in ("1", "L", "I", "F") or image.mode.startswith("I;"):
        return 1
    if image.mode == "P":
        return 4 if "transparency" in image.info else 3
    return {"LA": 2, "PA": 4, "RGBA": 4, "RGBX": 4}.get(image.mode, 3)


def _pixels(image: Any, channels: int) -> Any:
    """The pixels as uint8 [height, width, channels]; of 16 bits the upper 8."""
    try:
        if image.mode.startswith("I"):
            image = _pillow().fromarray((np.asarray(image) >> 8).astype(np.uint8))
        array = np.asarray(image.convert(_MODES[channels or _channels_of(image)]), np.uint8)
    except (OSError, SyntaxError) as error:
        raise InvalidArgumentError(message=f"Invalid image data: {error}") from None
    return array[:, :, None] if array.ndim == 2 else array


@record(eq=False)
class DecodeImage(HostOp):
    """The pixels of an image file, of any of the formats; ``frames`` where it gives those of an animation."""

    called: str
    channels: int = 0
    ratio: int = 1
    frames: bool | None = False  # None: where the file has several

    @property
    def type(self) -> str:
        return self.called

    def infer(self, contents: TensorType) -> TensorType:
        check_dtype(contents, STRING, "the contents of a file")
        if contents.rank not in (None, 0):
            raise ValueError(f"one image is decoded at a time, not {contents}; tf.map_fn decodes many")
        one: tuple[Size, ...] = (None, None, self.channels or None)
        if self.frames is None:
            return TensorType(dtypes.uint8, None)
        return TensorType(dtypes.uint8, (None, *one) if self.frames else one)

    def evaluate(self, contents: Any) -> Any:
        image = _opened(contents.item())
        count = getattr(image, "n_frames", 1)
        if self.frames or (self.frames is None and image.format == "GIF"):
            return np.stack([self._frame(image, number) for number in range(count)])
        if count > 1 and self.called == "DecodePng":
            raise InvalidArgumentError(message="Got an animation of several frames; tf.image.decode_gif gives them all")
        if self.ratio > 1:
            width, height = (-(-size // self.ratio) for size in image.size)
            image.draft(None, (width, height))
            image = image if image.size == (width, height) else image.resize((width, height))
        return _pixels(image, self.channels)

    def _frame(self, image: Any, number: int) -> Any:
        image.seek(number)
        return _pixels(image, 3)


@record(eq=False)
class EncodeImage(HostOp):
    """The bytes of a file of an image, by Pillow's writer with these options."""

    format: str
    channels: tuple[int, ...]
    options: tuple[tuple[str, Any], ...]

    @property
    def type(self) -> str:
        return {"PNG": "EncodePng", "JPEG": "EncodeJpeg"}[self.format]

    def infer(self, image: TensorType) -> TensorType:
        check_dtype(image, (dtypes.uint8,), "the image")
        if image.rank not in (None, 3):
            raise ValueError(f"the image must have type u8[height,width,channels], not {image}")
        if image.shape is not None and isinstance(image.shape[2], int) and image.shape[2] not in self.channels:
            raise ValueError(f"image must have {_listed(self.channels)} channels, got {image}")
        return TensorType(dtypes.string, ())

    def evaluate(self, image: Any) -> Any:
        if image.shape[2] not in self.channels or 0 in image.shape:
            shape = ",".join(map(str, image.shape))
            raise InvalidArgumentError(message=f"image must have {_listed(self.channels)} channels, got [{shape}]")
        file = BytesIO()
        mode = _MODES[image.shape[2]]
        pixels = image[:, :, 0] if image.shape[2] == 1 else image
        _pillow().fromarray(np.ascontiguousarray(pixels), mode).save(file, self.format, **dict(self.options))
        return file.getvalue()


def _listed(numbers: tuple[int, ...]) -> str:
    return f"{', '.join(map(str, numbers[:-1]))} or {numbers[-1]}"


@record(eq=False)
class ImageShape(HostOp):
    """Height, width and channels of a JPEG file, by its head alone."""

    out_type: DType
    type = "ExtractJpegShape"

    def infer(self, contents: TensorType) -> TensorType:
        check_dtype(contents, STRING, "the contents of a file")
        return TensorType(self.out_type, (3,))

    def evaluate(self, contents: Any) -> Any:
        image = _opened(contents.item())
        return np.array([image.height, image.width, _channels_of(image)], self.out_type.numpy)


def _decoded(called: str, contents: Any, channels: int | None, allowed: tuple[int, ...], name: str | None,
             **more: Any) -> Tensor:  # fmt: skip
    if (channels or 0) not in allowed:
        raise ValueError(f"channels must be {_listed(allowed)}, but got {channels}")
    _pillow()  # says what is missing while declaring
    return apply(DecodeImage(called, channels or 0, **more), string_tensor(contents), name=name or called)


@telling_line
def decode_jpeg(
    contents: Any, channels: int = 0, ratio: int = 1, fancy_upscaling: bool = True, try_recover_truncated: bool = False,
    acceptable_fraction: float = 1, dct_method: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """The pixels of an image file, uint8 [height, width, channels]; ``ratio`` (1, 2, 4, 8) makes it smaller.

    ``channels``: 1 or 3, or 0 for those of the file. The decoder is Pillow's, whose pixels may differ from TensorFlow's
    by rounding; the other arguments choose among TensorFlow's decoders and change nothing.
    """
    if ratio not in (1, 2, 4, 8):
        raise ValueError(f"ratio must be 1, 2, 4 or 8, not {ratio}")
    return _decoded("DecodeJpeg", contents, channels, (0, 1, 3), name, ratio=ratio)


@telling_line
def decode_png(contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None) -> Tensor:
    """The pixels of an image file, uint8 [height, width, channels]; ``channels``: 1, 3 or 4, or 0 for the file's."""
    if dtypes.as_dtype(dtype) is not dtypes.uint8:
        raise NotImplementedError(f"decode_png gives uint8, not {dtypes.as_dtype(dtype).name}; convert it with tf.cast")
    return _decoded("DecodePng", contents, channels, (0, 1, 3, 4), name)


@telling_line
def decode_gif(contents: Any, name: str | None = None) -> Tensor:
    """All frames of a GIF file, uint8 [frames, height, width, 3]."""
    y = _decoded("DecodeGif", contents, 0, (0, 3), name, frames=True)
    y.set_shape([None, None, None, 3])
    return y


@telling_line
def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Tensor:
    """The pixels of a BMP file, uint8 [height, width, channels]; ``channels``: 3 or 4, or 0 for the file's."""
    return _decoded("DecodeBmp", contents, channels, (0, 1, 3, 4), name)


@telling_line
def decode_image(
    contents: Any, channels: int | None = None, dtype: Any = dtypes.uint8, name: str | None = None,
    expand_animations: bool = True,
) -> Tensor:  # fmt: skip
    """The pixels of a JPEG, PNG, GIF, BMP or WebP file; of a GIF all frames, unless ``expand_animations`` is false.

    A floating ``dtype`` gives values in [0, 1]. The rank is unknown while declaring where frames may come.
    """
    frames = None if expand_animations else False
    pixels = _decoded("DecodeImage", contents, channels, (0, 1, 3, 4), name, frames=frames)
    wanted = dtypes.as_dtype(dtype)
    if wanted is dtypes.uint8:
        return pixels
    if not wanted.is_floating:
        raise NotImplementedError(
            f"decode_image gives uint8, float32 or float64, not {wanted.name}; convert it with tf.cast"
        )
    return multiply(cast(pixels, wanted), convert_to_tensor(1 / 255, wanted))


@telling_line
def decode_and_crop_jpeg(
    contents: Any, crop_window: Any, channels: int = 0, ratio: int = 1, fancy_upscaling: bool = True,
    try_recover_truncated: bool = False, acceptable_fraction: float = 1, dct_method: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """A part of an image: ``crop_window`` is its first row and column, its height and its width."""
    y, x, height, width = (convert_to_tensor(crop_window)[place] for place in range(4))
    return decode_jpeg(contents, channels, ratio, name=name)[y : y + height, x : x + width]


@telling_line
def extract_jpeg_shape(contents: Any, output_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """Height, width and channels of an image file."""
    _pillow()
    return apply(ImageShape(dtypes.as_dtype(output_type)), string_tensor(contents), name=name)


@telling_line
def is_jpeg(contents: Any, name: str | None = None) -> Tensor:
    """Whether the contents begin as a JPEG file does."""
    return regex_full_match(contents, b"(?s)" + _JPEG + b".*", name=name or "is_jpeg")


def encode_jpeg(
    image: Any, format: str = "", quality: int = 95, progressive: bool = False, optimize_size: bool = False,
    chroma_downsampling: bool = True, density_unit: str = "in", x_density: int = 300, y_density: int = 300,
    xmp_metadata: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """The bytes of a JPEG file of an image, uint8 [height, width, 1 or 3]."""
    if format not in ("", "grayscale", "rgb"):
        raise ValueError(f"format must be '', 'grayscale' or 'rgb', not {format!r}")
    channels = {"": (1, 3), "grayscale": (1, 1), "rgb": (3, 3)}[format]
    options = {
        "quality": int(quality), "progressive": progressive, "optimize": optimize_size,
        "subsampling": 2 if chroma_downsampling else 0, "dpi": (x_density, y_density),
    }  # fmt: skip
    _pillow()
    return apply(EncodeImage("JPEG", channels, tuple(options.items())), convert_to_tensor(image), name=name)


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Tensor:
    """The bytes of a PNG file of an image, uint8 [height, width, 1 to 4]; ``compression`` from 0 to 9, -1: as usual."""
    if not -1 <= compression <= 9:
        raise ValueError(f"compression should be in [-1,9], got {compression}")
    _pillow()
    options = () if compression < 0 else (("compress_level", compression),)
    return apply(EncodeImage("PNG", (1, 2, 3, 4), options), convert_to_tensor(image), name=name)
