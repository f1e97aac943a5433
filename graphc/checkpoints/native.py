"""graphc's own checkpoint files: safetensors, with a checksum for each tensor in the header's metadata."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from graphc import errors
from graphc.checkpoints.atomic import replacing
from graphc.checkpoints.values import ENUMS, Kind

SUFFIX = ".safetensors"
_CHECKSUMS = "graphc.crc32"
_TYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "U16": "uint16", "F16": "float16", "I32": "int32",
    "U32": "uint32", "F32": "float32", "F64": "float64", "I64": "int64", "U64": "uint64", "C64": "complex64",
}  # fmt: skip


def write(path: str, values: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Writes the file ``path`` as a whole, or leaves what was there."""
    library = _library()
    arrays = {name: np.asarray(value, order="C") for name, value in values.items()}
    checksums = {name: zlib.crc32(value.tobytes()) for name, value in arrays.items()}
    with replacing(path) as (fresh,):
        library.numpy.save_file(arrays, fresh, {_CHECKSUMS: json.dumps(checksums)})


class NativeFile:
    """An open safetensors file, of graphc's or of another program's making (which has no checksums)."""

    def __init__(self, path: str):
        self._path = path
        self._library = _library()
        try:
            self._file = self._library.safe_open(path, framework="numpy")
            slices = {name: self._file.get_slice(name) for name in self._file.keys()}  # noqa: SIM118 (no mapping)
            self.kinds = {name: _kind(part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}
            self._checksums = json.loads((self._file.metadata() or {}).get(_CHECKSUMS, "{}"))
        except (self._library.SafetensorError, ValueError) as error:
            raise errors.DataLossError(None, None, f"the checkpoint '{path}' is damaged: {error}") from None

    def read(self, name: str) -> np.ndarray[Any, Any]:
        """The tensor ``name``; ``DataLossError`` where it does not fit its checksum."""
        try:
            value = self._file.get_tensor(name)
        except self._library.SafetensorError as error:
            raise errors.DataLossError(None, None, f"'{name}' in the checkpoint '{self._path}': {error}") from None
        wanted = self._checksums.get(name)
        if wanted is not None and zlib.crc32(value.tobytes()) != wanted:
            raise errors.DataLossError(
                None,
                None,
                f"Checksum does not match: the bytes of '{name}' in the checkpoint '{self._path}' are damaged",
            )
        return value


def _kind(type: str, shape: tuple[int, ...]) -> Kind:
    if type not in _TYPES:
        raise ValueError(f"it holds values of the type {type}, which NumPy has not")
    return Kind(ENUMS[np.dtype(_TYPES[type])], shape)


def _library() -> Any:
    try:
        import safetensors  # an extra
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            "graphc's checkpoints need the library safetensors: pip install 'graphc[checkpoints]'; "
            "tf.train.Saver(write_version=tf.train.SaverDef.V2) writes TensorFlow's files without it"
        ) from None
    return safetensors
