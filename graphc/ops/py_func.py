"""A Python function as an operation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.host import host_call, source
from graphc.shapes import TensorType


@telling_line
def py_func(func: Callable[..., Any], inp: Any, Tout: Any, stateful: bool = True, name: str | None = None) -> Any:
    """``func(*inp)``, called with NumPy arrays (scalars for rank 0) in every run that needs it; no gradient.

    ``Tout`` is the dtype of the one tensor that comes out, or a list of dtypes for a list of tensors; an empty list
    gives an operation. Their shapes are unknown: ``set_shape`` adds what you know. When it runs,
    ``errors.InvalidArgumentError`` where ``func`` returns other dtypes or another number of values, or raises
    ``TypeError`` or ``ValueError``; ``errors.UnknownError`` for most else that it raises (StopIteration is
    ``OutOfRangeError``, NotImplementedError ``UnimplementedError``). ``stateful`` changes nothing: it is called once a
    run.
    """
    if not callable(func):
        raise ValueError(f"Expected func to be callable, got func: {func!r}")
    several = isinstance(Tout, (list, tuple))
    wanted = [dtypes.as_dtype(dtype) for dtype in (Tout if several else [Tout])]
    inputs = [convert_to_tensor(value) for value in inp]

    def call(*arrays: Any) -> tuple[Any, ...]:
        return _returned(func(*map(_argument, arrays)), wanted)

    node = host_call(call, inputs, [TensorType(dtype, None) for dtype in wanted], "PyFunc", name)
    if not wanted:
        return node
    return list(node.outputs) if several else node.outputs[0]


@telling_line
def numpy_function(func: Callable[..., Any], inp: Any, Tout: Any, name: str | None = None) -> Any:
    """``py_func`` by its later name."""
    return py_func(func, inp, Tout, name=name)


def timestamp(name: str | None = None) -> Tensor:
    """The seconds since 1970, float64, when a run that needs it begins."""
    return source(time.time, [TensorType(dtypes.float64, ())], "Timestamp", name)[0]


def _argument(array: Any) -> Any:
    """What the function gets: an array of its own, a scalar for rank 0."""
    return array[()] if array.ndim == 0 else np.array(array)


def _returned(result: Any, wanted: Sequence[DType]) -> tuple[Any, ...]:
    """The values that the function returned, each an array of the dtype that was promised."""
    if result is None:
        result = ()
    values = list(result) if isinstance(result, (list, tuple)) else [result]
    if len(values) != len(wanted):
        raise ValueError(f"the function returned {len(values)} values; Tout says {len(wanted)}")
    return tuple(_array(value, dtype, place) for place, (value, dtype) in enumerate(zip(values, wanted, strict=True)))


def _array(value: Any, wanted: DType, place: int) -> Any:
    array = np.array(value)
    if wanted.is_string and array.dtype.kind in "SUO":
        return dtypes.as_bytes(value)
    if array.dtype.newbyteorder("=") != wanted.numpy or wanted.is_string:
        raise TypeError(
            f"value {place} that the function returned is {array.dtype}; Tout says {wanted.name}. "
            "Convert it in the function, for example with numpy.float32 or .astype"
        )
    return array
