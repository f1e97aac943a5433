"""``slim.tfexample_decoder``: the items that a model is fed, made of the features of examples by handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphc import dtypes
from graphc.decoding.examples import parse_single_example
from graphc.decoding.features import FixedLenFeature
from graphc.decoding.images import decode_image
from graphc.decoding.plain import decode_raw
from graphc.functional import map_fn
from graphc.nodes import Tensor as _Tensor
from graphc.ops import sparse_tensor
from graphc.ops.arrays import concat, stack
from graphc.ops.base import convert_to_tensor
from graphc.ops.branches import case, cond
from graphc.ops.elementwise import cast, equal, logical_or
from graphc.ops.reshaping import expand_dims, reshape, size
from graphc.ops.sparse_dense import sparse_tensor_to_dense

__all__ = [
    "BackupHandler", "BoundingBox", "Image", "ItemHandler", "ItemHandlerCallback", "LookupTensor", "SparseTensor",
    "TFExampleDecoder", "Tensor",
]  # fmt: skip


class ItemHandler:
    """Makes an item of some features: subclasses say how."""

    def __init__(self, keys: Any):
        self._keys = list(keys) if isinstance(keys, (list, tuple)) else [keys]

    @property
    def keys(self) -> list[str]:
        """The names of the features."""
        return self._keys

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> Any:
        """The item, of the features by name."""
        raise NotImplementedError(f"{type(self).__name__} does not say its tensors_to_item")


class ItemHandlerCallback(ItemHandler):
    """``func`` of the features."""

    def __init__(self, keys: Any, func: Callable[[Mapping[str, Any]], Any]):
        super().__init__(keys)
        self._func = func

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> Any:
        return self._func(keys_to_tensors)


class BoundingBox(ItemHandler):
    """Boxes [number, 4] of four features: the least and greatest places, down and across."""

    def __init__(self, keys: Sequence[str] | None = None, prefix: str = ""):
        names = ["ymin", "xmin", "ymax", "xmax"] if keys is None else list(keys)
        if len(names) != 4:
            raise ValueError(f"BoundingBox expects 4 keys but got {len(names)}")
        super().__init__([prefix + name for name in names])

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> _Tensor:
        rows = [expand_dims(_values(keys_to_tensors[key]), 0) for key in self._keys]
        boxes = concat(rows, 0)
        return stack([boxes[i] for i in range(4)], 1)


def _values(feature: Any) -> _Tensor:
    return feature.values if isinstance(feature, sparse_tensor.SparseTensor) else feature


class Tensor(ItemHandler):
    """A feature as it is, or in a shape that is given or stands in other features."""

    def __init__(self, tensor_key: str, shape_keys: Any = None, shape: Any = None, default_value: Any = 0):
        if shape_keys is not None and shape is not None:
            raise ValueError("Cannot specify both shape_keys and shape parameters.")
        others = [] if shape_keys is None else ([shape_keys] if isinstance(shape_keys, str) else list(shape_keys))
        super().__init__([tensor_key, *others])
        self._tensor_key, self._shape_keys, self._shape, self._default = tensor_key, others, shape, default_value

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> Any:
        tensor, shape = keys_to_tensors[self._tensor_key], self._shape
        if self._shape_keys:
            sizes = [reshape(cast(_dense(keys_to_tensors[key], 0), dtypes.int32), [-1]) for key in self._shape_keys]
            shape = concat(sizes, 0)
        if isinstance(tensor, sparse_tensor.SparseTensor):
            return _dense(tensor, self._default) if shape is None else reshape(tensor.values, shape)
        return tensor if shape is None else reshape(tensor, shape)


def _dense(feature: Any, default: Any) -> _Tensor:
    if isinstance(feature, sparse_tensor.SparseTensor):
        missing = ("" if feature.dtype.is_string else default) if default == 0 else default
        return sparse_tensor_to_dense(feature, missing)
    return feature


class LookupTensor(Tensor):
    """What a table says of a feature."""

    def __init__(self, tensor_key: str, table: Any, shape_keys: Any = None, shape: Any = None, default_value: Any = ""):
        super().__init__(tensor_key, shape_keys, shape, default_value)
        self._table = table

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> Any:
        return self._table.lookup(super().tensors_to_item(keys_to_tensors))


class BackupHandler(ItemHandler):
    """What a handler gives, or a second one where that is without elements."""

    def __init__(self, handler: ItemHandler, backup: ItemHandler):
        for one in (handler, backup):
            if not isinstance(one, ItemHandler):
                raise ValueError(f"BackupHandler takes ItemHandlers, not {one!r}")
        super().__init__([*handler.keys, *backup.keys])
        self._handler, self._backup = handler, backup

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> Any:
        item = self._handler.tensors_to_item(keys_to_tensors)
        return cond(equal(size(item), 0), lambda: self._backup.tensors_to_item(keys_to_tensors), lambda: item)


class SparseTensor(ItemHandler):
    """A SparseTensor of features that hold its indices, its values and perhaps its shape."""

    def __init__(
        self, indices_key: str | None = None, values_key: str | None = None, shape_key: str | None = None,
        shape: Any = None, densify: bool = False, default_value: Any = 0,
    ):  # fmt: skip
        self._indices_key, self._values_key = indices_key or "indices", values_key or "values"
        self._shape_key, self._shape, self._densify, self._default = shape_key, shape, densify, default_value
        if shape is None and shape_key is None:
            raise ValueError("SparseTensor needs shape or shape_key")
        super().__init__([self._indices_key, self._values_key, *([shape_key] if shape_key else [])])

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> Any:
        shape = keys_to_tensors[self._shape_key] if self._shape_key else self._shape
        sizes = reshape(cast(convert_to_tensor(_dense(shape, 0)), dtypes.int64), [-1])
        indices = reshape(cast(_values(keys_to_tensors[self._indices_key]), dtypes.int64), [-1, 1])
        result = sparse_tensor.SparseTensor(indices, _values(keys_to_tensors[self._values_key]), sizes)
        return sparse_tensor_to_dense(result, self._default) if self._densify else result


class Image(ItemHandler):
    """A picture of its bytes: PNG, JPEG and other files, or the plain elements where the format says ``raw``."""

    def __init__(
        self, image_key: str | None = None, format_key: str | None = None, shape: Any = None, channels: int = 3,
        dtype: Any = dtypes.uint8, repeated: bool = False, dct_method: str = "",
    ):  # fmt: skip
        self._image_key, self._format_key = image_key or "image/encoded", format_key or "image/format"
        super().__init__([self._image_key, self._format_key])
        self._shape, self._channels, self._dtype = shape, channels, dtypes.as_dtype(dtype)
        self._repeated = repeated

    def tensors_to_item(self, keys_to_tensors: Mapping[str, Any]) -> _Tensor:
        data, kind = _dense(keys_to_tensors[self._image_key], ""), _dense(keys_to_tensors[self._format_key], "")
        if self._repeated:
            return map_fn(lambda one: self._decoded(one, kind), data, dtype=self._dtype)
        return self._decoded(data, kind)

    def _decoded(self, data: _Tensor, kind: _Tensor) -> _Tensor:
        data, kind = reshape(data, []), reshape(kind, [])
        is_raw = logical_or(equal(kind, "raw"), equal(kind, "RAW"))
        channels = self._channels

        def raw() -> _Tensor:
            elements = decode_raw(data, self._dtype)
            return elements if self._shape is None else reshape(elements, self._shape)

        def file() -> _Tensor:
            picture = decode_image(data, channels=channels or 0)
            return cast(picture, self._dtype)

        image = case([(is_raw, raw)], default=file)
        image.set_shape([None, None, channels] if self._shape is None and channels else self._shape)
        return image if self._shape is None else reshape(image, self._shape)


class TFExampleDecoder:
    """Items by name, each made by its handler of the features of an example."""

    def __init__(self, keys_to_features: Mapping[str, Any], items_to_handlers: Mapping[str, ItemHandler]):
        self._features, self._handlers = dict(keys_to_features), dict(items_to_handlers)

    def list_items(self) -> list[str]:
        """The names of the items."""
        return list(self._handlers)

    def decode(self, serialized_example: Any, items: Sequence[str] | None = None) -> list[Any]:
        """The items (all where None) of a serialised Example, a scalar string."""
        found = parse_single_example(serialized_example, self._features)
        for key in sorted(self._features):
            feature = self._features[key]
            if isinstance(feature, FixedLenFeature):
                found[key] = reshape(found[key], feature.shape)
        handlers = [self._handlers[item] for item in (self.list_items() if items is None else items)]
        return [handler.tensors_to_item({key: found[key] for key in handler.keys}) for handler in handlers]
