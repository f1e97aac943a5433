"""Image files decoded and encoded, by the graphs that use them."""

import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import graphc as tf

INVALID = tf.errors.InvalidArgumentError
RGB = (np.indices((4, 6, 3)).sum(0) * 20).astype(np.uint8)


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def file_of(pixels, kind, **options):
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def test_png_there_and_back(session):
    for channels in (1, 3, 4):
        pixels = np.resize(RGB, (4, 6, channels))
        assert np.array_equal(session.run(tf.image.decode_png(tf.io.encode_png(pixels))), pixels)
    png = tf.image.encode_png(RGB)
    assert np.array_equal(session.run(tf.image.decode_png(png, channels=4))[..., 3], np.full((4, 6), 255))
    grey = session.run(tf.image.decode_png(png, channels=1))
    luma = RGB[1, 1] @ [0.299, 0.587, 0.114]  # ITU-R BT.601
    assert grey.shape == (4, 6, 1) and abs(float(grey[1, 1, 0]) - luma) <= 1
    assert len(session.run(tf.image.encode_png(np.zeros((64, 64, 3), np.uint8), compression=0))) > 64 * 64 * 3
    for decode in (tf.image.decode_image, tf.io.decode_jpeg, tf.io.decode_bmp):
        assert np.array_equal(session.run(decode(png)), RGB), "the format is seen from the contents"


def test_what_is_known_of_the_shape(session):
    contents = tf.placeholder(tf.string, [])
    assert tf.image.decode_png(contents, channels=3).shape.as_list() == [None, None, 3]
    assert tf.image.decode_jpeg(contents).shape.as_list() == [None, None, None]
    assert tf.image.decode_gif(contents).shape.as_list() == [None, None, None, 3]
    assert tf.image.decode_image(contents).shape.ndims is None
    image = tf.image.decode_jpeg(contents, channels=3)
    batch = tf.expand_dims(tf.cast(image, tf.float32) / 255, 0)
    mean = tf.reduce_mean(batch, [1, 2])
    for height in (8, 16):
        pixels = np.full((height, 8, 3), 51, np.uint8)
        np.testing.assert_allclose(session.run(mean, {contents: file_of(pixels, "PNG")}), [[0.2] * 3], rtol=1e-6)


def test_jpeg(session):
    smooth = (np.indices((32, 48)).sum(0) * 3).astype(np.uint8)
    pixels = np.stack([smooth, 255 - smooth, smooth // 2], -1)
    jpeg = session.run(tf.image.encode_jpeg(pixels, quality=95))
    assert jpeg[:3] == b"\xff\xd8\xff" and len(jpeg) < pixels.size
    back = session.run(tf.image.decode_jpeg(jpeg))
    assert np.abs(back.astype(int) - pixels).mean() < 3
    assert session.run(tf.image.decode_jpeg(jpeg, ratio=2)).shape == (16, 24, 3)
    assert session.run(tf.image.decode_jpeg(jpeg, channels=1)).shape == (32, 48, 1)
    assert session.run(tf.image.extract_jpeg_shape(jpeg)).tolist() == [32, 48, 3]
    assert np.array_equal(session.run(tf.io.decode_and_crop_jpeg(jpeg, [1, 2, 3, 4])), back[1:4, 2:6])
    assert session.run([tf.image.is_jpeg(jpeg), tf.io.is_jpeg("no")]) == [True, False]
    assert len(session.run(tf.image.encode_jpeg(pixels, quality=10))) < len(jpeg)
    assert session.run(tf.image.encode_jpeg(pixels[..., :1], format="grayscale"))[:2] == b"\xff\xd8"


def test_gif_and_bmp(session):
    frames = [Image.fromarray(np.full((5, 7, 3), value, np.uint8)) for value in (0, 120, 255)]
    file = BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=10)
    value = session.run(tf.image.decode_gif(file.getvalue()))
    assert value.shape == (3, 5, 7, 3) and value[:, 0, 0, 0].tolist() == [0, 120, 255]
    assert session.run(tf.image.decode_image(file.getvalue())).shape == (3, 5, 7, 3)
    assert session.run(tf.image.decode_image(file.getvalue(), channels=3, expand_animations=False)).shape == (5, 7, 3)
    assert np.array_equal(session.run(tf.image.decode_bmp(file_of(RGB, "BMP"))), RGB)
    scaled = session.run(tf.image.decode_image(file_of(RGB, "PNG"), dtype=tf.float32))
    np.testing.assert_allclose(scaled, RGB / np.float32(255), rtol=1e-6)


def test_other_ways_to_hold_pixels(session):
    palette = Image.fromarray(RGB).quantize(16)
    file = BytesIO()
    palette.save(file, "PNG")
    assert session.run(tf.image.decode_png(file.getvalue())).shape == (4, 6, 3)
    deep = (np.arange(24).reshape(4, 6) * 2570).astype(np.uint16)
    assert np.array_equal(session.run(tf.image.decode_png(file_of(deep, "PNG")))[..., 0], deep >> 8)
    assert session.run(tf.image.decode_png(file_of(RGB[..., 0] > 50, "PNG")))[..., 0].max() == 255


def test_a_batch_of_files_is_decoded_by_map_fn(session):
    files = tf.placeholder(tf.string, [None])
    images = tf.map_fn(lambda f: tf.image.decode_png(f, channels=3), files, dtype=tf.uint8)
    data = [file_of(RGB, "PNG"), file_of(255 - RGB, "PNG")]
    assert np.array_equal(session.run(images, {files: data}), [RGB, 255 - RGB])


def test_what_is_no_image(session):
    with pytest.raises(INVALID, match=r"DecodePng 'DecodePng' .*Unknown image file format\. One of JPEG, PNG"):
        session.run(tf.image.decode_png("xx"))
    with pytest.raises(INVALID, match="Invalid image data"):
        session.run(tf.image.decode_jpeg(file_of(np.resize(RGB, (64, 64, 3)), "JPEG")[:-900]))
    image = tf.placeholder(tf.uint8)
    with pytest.raises(INVALID, match=r"image must have 1 or 3 channels, got \[2,2,4\]"):
        session.run(tf.image.encode_jpeg(image), {image: np.zeros((2, 2, 4), np.uint8)})
    with pytest.raises(ValueError, match="channels must be 0, 1, 3 or 4, but got 5"):
        tf.image.decode_png("x", channels=5)
    with pytest.raises(ValueError, match=r"the image must have type u8\[height,width,channels\], not u8\[2,2\]"):
        tf.image.encode_png(np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match="one image is decoded at a time, not string"):
        tf.image.decode_png(["a", "b"])
    with pytest.raises(ValueError, match="ratio must be 1, 2, 4 or 8"):
        tf.image.decode_jpeg("x", ratio=3)


def test_without_pillow_the_error_names_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install 'graphc\[images\]'"):
        tf.image.decode_png("x")
