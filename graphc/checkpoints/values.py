"""What a checkpoint says of a tensor, and how TensorFlow's numbers of element types are NumPy's types."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType

STRING, BFLOAT16 = 7, 14
_NAMES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 8: "complex64", 9: "int64", 10: "bool",
    11: "qint8", 12: "quint8", 13: "qint32", 15: "qint16", 16: "quint16", 17: "uint16", 18: "complex128",
    19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
NUMPY = {number: np.dtype(name.replace("q", "")) for number, name in _NAMES.items()}
ENUMS = {np.dtype(name): number for number, name in _NAMES.items() if not name.startswith("q")}
_OTHERS = {STRING: "string", BFLOAT16: "bfloat16"}


class Kind(NamedTuple):
    """The type of a tensor in a checkpoint: TensorFlow's number of the element type, and the shape."""

    number: int
    shape: tuple[int, ...]

    @property
    def dtype(self) -> DType:
        """The element type; one that graphc does not compute with is made up for the occasion."""
        try:
            return dtypes.as_dtype(self.number)
        except TypeError:
            name = {**_NAMES, **_OTHERS}.get(self.number, f"type {self.number}")
            return DType(name, name, self.number, NUMPY.get(self.number, np.dtype(object)))


class Source(Protocol):
    """An open checkpoint: what it holds, and reading one tensor of it."""

    kinds: dict[str, Kind]

    def read(self, name: str) -> np.ndarray[Any, Any]:
        """The tensor ``name``, which is one of ``kinds``; ``DataLossError`` where its bytes are damaged."""


def widened_bfloat16(data: bytes) -> np.ndarray[Any, Any]:
    """Numbers of 16 bits that are the upper halves of float32, as float32."""
    return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
