"""Operations that give a serialized Summary: values are computed natively, and written down on the host after them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.exchange.schema import message
from graphc.frame import logging
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.host import host_call
from graphc.scopes import GraphKeys, add_to_collections, get_collection, name_scope
from graphc.shapes import TensorType
from graphc.summary import values as written

STRING = TensorType(dtypes.string, ())


@telling_line
def scalar(name: str, tensor: Any, collections: Sequence[str] | None = None, family: str | None = None) -> Tensor:
    """A summary of one number.

    ``tensor`` is a real scalar; ``family`` is put before the tag, so that a viewer shows its tags together. The summary
    joins ``collections``, by default that of :func:`merge_all`. ``ValueError`` for another rank.
    """
    tensor = _numbers(tensor, "scalar", name)
    if tensor.shape.ndims not in (None, 0):
        raise ValueError(f"tf.summary.scalar '{name}': wanted a scalar, but {tensor.name} is {tensor.type}")

    def write(tag: str, value: Any) -> list[Any]:
        if np.ndim(value):
            raise errors.InvalidArgumentError(
                None, None, f"tags and values not the same shape: [] != {list(np.shape(value))} (tag '{tag}')"
            )
        return [message("Summary").Value(tag=tag, simple_value=float(value))]

    return _declared("ScalarSummary", name, family, tensor, collections, write)


@telling_line
def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """A summary of how numbers are distributed: a tensor of any shape; not-a-number is an ``InvalidArgumentError``."""
    tensor = _numbers(values, "histogram", name)

    def write(tag: str, value: Any) -> list[Any]:
        return [message("Summary").Value(tag=tag, histo=written.histogram(value, tag))]

    return _declared("HistogramSummary", name, family, tensor, collections, write)


@telling_line
def image(
    name: str, tensor: Any, max_outputs: int = 3, collections: Sequence[str] | None = None, family: str | None = None
) -> Tensor:
    """A summary of pictures: [batch, height, width, 1, 3 or 4], the first ``max_outputs`` of them.

    Bytes are shown as they are; floats are scaled for each picture, so that the greatest is 255, and where there are
    negative ones 0 is 128.
    """
    tensor = convert_to_tensor(tensor)
    shape = tensor.shape.as_list() if tensor.shape.ndims is not None else [None] * 4
    if len(shape) != 4 or shape[3] not in (None, 1, 3, 4):
        raise ValueError(
            f"tf.summary.image '{name}': wanted [batch, height, width, channels] with 1, 3 or 4 channels, but "
            f"{tensor.name} is {tensor.type}"
        )

    def write(tag: str, value: Any) -> list[Any]:
        if value.ndim != 4 or value.shape[3] not in (1, 3, 4):
            raise errors.InvalidArgumentError(
                None, None, f"Tensor must be 4-D with last dim 1, 3, or 4, not {list(value.shape)}"
            )
        found = zip(_tags(tag, "image", max_outputs), value)
        return [message("Summary").Value(tag=each, image=written.image(pixels)) for each, pixels in found]

    return _declared("ImageSummary", name, family, tensor, collections, write)


@telling_line
def audio(
    name: str, tensor: Any, sample_rate: Any, max_outputs: int = 3, collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Tensor:  # fmt: skip
    """A summary of sounds: [batch, frames] or [batch, frames, channels] in -1..1, the first ``max_outputs`` of them."""
    tensor, rate = convert_to_tensor(tensor, dtypes.float32), convert_to_tensor(sample_rate, dtypes.float32)
    if tensor.shape.ndims not in (None, 2, 3):
        raise ValueError(
            f"tf.summary.audio '{name}': wanted [batch, frames] or [batch, frames, channels], but {tensor.name} is "
            f"{tensor.type}"
        )

    def write(tag: str, value: Any, rate: Any) -> list[Any]:
        found = zip(_tags(tag, "audio", max_outputs), value.reshape(*value.shape[:2], -1))
        return [message("Summary").Value(tag=each, audio=written.audio(sound, float(rate))) for each, sound in found]

    return _declared("AudioSummaryV2", name, family, tensor, collections, write, rate)


@telling_line
def text(name: str, tensor: Any, collections: Sequence[str] | None = None) -> Tensor:
    """A summary of strings, a tensor of any shape; ``ValueError`` for another dtype."""
    tensor = convert_to_tensor(tensor)
    if tensor.dtype != dtypes.string:
        raise ValueError(f"Expected tensor {tensor.name} to have dtype string, got {tensor.dtype.name}")
    return _of_tensor(name, tensor, collections, None, "text")


@telling_line
def tensor_summary(
    name: str, tensor: Any, summary_description: str | None = None, collections: Sequence[str] | None = None,
    summary_metadata: Any = None, family: str | None = None, display_name: str | None = None,
) -> Tensor:  # fmt: skip
    """A summary of a tensor as it is."""
    return _of_tensor(
        name, convert_to_tensor(tensor), collections, family, "", summary_metadata, display_name, summary_description
    )


def _of_tensor(
    name: str, tensor: Tensor, collections: Any, family: str | None, plugin: str, metadata: Any = None,
    display_name: str | None = None, description: str | None = None,
) -> Tensor:  # fmt: skip
    def write(tag: str, value: Any) -> list[Any]:
        about = message("SummaryMetadata")()
        if metadata is not None:
            about.CopyFrom(metadata)
        if plugin:
            about.plugin_data.plugin_name = plugin
        about.display_name = display_name or about.display_name
        about.summary_description = description or about.summary_description
        return [message("Summary").Value(tag=tag, tensor=written.tensor(value, tensor.dtype), metadata=about)]

    return _declared("TensorSummaryV2", name, family, tensor, collections, write)


@telling_line
def merge(inputs: Sequence[Any], collections: Sequence[str] | None = None, name: str | None = None) -> Tensor:
    """One summary of several; ``InvalidArgumentError`` where two have the same tag."""
    tensors = [convert_to_tensor(tensor, dtypes.string) for tensor in inputs]

    def join(*parts: Any) -> bytes:
        # Messages one after the other are one message with the values of all.
        whole = b"".join(part for array in parts for part in np.ravel(array))
        tags: set[str] = set()
        for value in message("Summary").FromString(whole).value:
            if value.tag in tags:
                raise errors.InvalidArgumentError(None, None, f"Duplicate tag {value.tag} found in summary inputs")
            tags.add(value.tag)
        return whole

    with name_scope(name, "Merge"):
        found = host_call(join, tensors, [STRING], "MergeSummary", "MergeSummary").outputs[0]
    add_to_collections(collections or [], found)
    return found


def merge_all(key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Tensor | None:
    """All summaries of the graph as one; None where there are none."""
    found = get_collection(key, scope)
    return merge(found, name=name) if found else None


def _declared(
    called: str, name: str, family: str | None, tensor: Tensor, collections: Any, write: Callable[..., list[Any]],
    *more: Tensor,
) -> Tensor:  # fmt: skip
    """The node that gives the Summary which ``write`` makes of the tag and the values."""
    with _tag_of(name, family) as (tag, scope):

        def serialized(*arrays: Any) -> bytes:
            return bytes(message("Summary")(value=write(tag, *arrays)).SerializeToString())

        found = host_call(serialized, [tensor, *more], [STRING], called, scope).outputs[0]
    add_to_collections([GraphKeys.SUMMARIES] if collections is None else collections, found)
    return found


@contextmanager
def _tag_of(name: str, family: str | None) -> Iterator[tuple[str, str]]:
    """The tag of a summary, and the name of its node: unique, and with the name scopes around it."""
    name, family = clean_tag(name), None if family is None else clean_tag(family)
    with name_scope(name if family is None else f"{family}/{name}") as scope:
        tag = scope.rstrip("/")
        yield tag if family is None else f"{family}/{tag}", scope


def clean_tag(name: str) -> str:
    """A tag that is a name: characters that a name cannot have become ``_``."""
    clean = re.sub(r"[^-/\w.]", "_", name).lstrip("/")
    if clean != name:
        logging.info("Summary name %s is illegal; using %s instead.", name, clean)
    return clean


def _tags(tag: str, kind: str, most: int) -> list[str]:
    return [f"{tag}/{kind}"] if most == 1 else [f"{tag}/{kind}/{number}" for number in range(most)]


def _numbers(tensor: Any, kind: str, name: str) -> Tensor:
    found = convert_to_tensor(tensor)
    if found.dtype.is_string or found.dtype.is_bool or found.dtype.is_complex:
        raise TypeError(f"tf.summary.{kind} '{name}': wanted real numbers, but {found.name} is {found.type}")
    return found
