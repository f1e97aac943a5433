"""Kinds of nodes as text, for those that TensorFlow has not or says less exactly: in the attribute ``_graphc``.

A kind is its class and its fields. ``NotWritten`` where a field is a Python function, which no file can hold.
"""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from graphc.body import Body
from graphc.dtypes import DType, as_bytes, as_dtype
from graphc.exchange.bodies import WrittenBody, body_record, with_bodies
from graphc.graph import Graph
from graphc.nodes import Op, Tensor
from graphc.records import fields

KEY = "_graphc"
_HOME = "graphc.ops."
_ABOVE = "graphc.decoding."  # kinds that stand beside what users call; their labels begin with the folder


class NotWritten(ValueError):
    """A kind of node that cannot be written to a file."""


def kind_text(kind: Op) -> str:
    """The kind as text."""
    return json.dumps(_encoded(kind))


def kind_from(text: str, graph: Graph, inputs: Sequence[Tensor]) -> Op:
    """The kind that a text says, for a node of ``graph`` with these inputs; ``ValueError`` where it says none."""
    return _kind_from(json.loads(text), graph, inputs)


def _kind_from(record: Any, graph: Graph, inputs: Sequence[Tensor]) -> Op:
    found = _decoded(record)
    if not isinstance(found, Op):
        raise ValueError(f"it says no kind of node but {found!r}")
    return with_bodies(found, graph, inputs, _kind_from)


def _encoded(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, DType) and type(value) is DType:
        return {"dtype": value.name}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, np.ndarray) and value.dtype == object:
        return {"strings": [_encoded(item) for item in value.reshape(-1)], "shape": list(value.shape)}
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": data, "type": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, Body):
        return {"body": body_record(value, _encoded)}
    names = getattr(value, "_fields", None) or list(fields(value))
    if type(value).__module__.startswith((_HOME, _ABOVE)) and (names or isinstance(value, Op)):
        module = type(value).__module__.removeprefix(_HOME).removeprefix("graphc.")
        label = f"{module}:{type(value).__qualname__}"
        return {"kind": label, "fields": {name: _encoded(getattr(value, name)) for name in names}}
    if inspect.isfunction(value) and value.__module__.startswith("graphc.") and value.__qualname__.isidentifier():
        return {"function": f"{value.__module__}:{value.__qualname__}"}  # a rule that stands in graphc itself
    if type(value) is tuple:
        return [_encoded(item) for item in value]
    raise NotWritten(f"it holds {value!r}, which cannot be written")


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decoded(item) for item in value)
    if not isinstance(value, dict):
        return value
    if "body" in value:
        return WrittenBody(value["body"])
    if "dtype" in value:
        return as_dtype(value["dtype"])
    if "bytes" in value:
        return base64.b64decode(value["bytes"])
    if "strings" in value:
        return as_bytes([_decoded(item) for item in value["strings"]]).reshape(value["shape"])
    if "array" in value:
        data = np.frombuffer(base64.b64decode(value["array"]), np.dtype(value["type"]))
        return data.reshape(value["shape"])
    if "function" in value:
        found = _named(value["function"].removeprefix("graphc."), "graphc.")
        if not inspect.isfunction(found):
            raise ValueError(f"{value['function']} is no function")
        return found
    found = _named(value["kind"], "graphc." if value["kind"].startswith(_ABOVE.removeprefix("graphc.")) else _HOME)
    if not isinstance(found, type):
        raise ValueError(f"{value['kind']} is no kind of node")
    return found(**{name: _decoded(item) for name, item in value["fields"].items()})


def _named(place: str, home: str) -> Any:
    """What a module of graphc calls so; ``ValueError`` where it has no such thing of its own."""
    module, _, name = place.partition(":")
    if all(part.isidentifier() for part in (*module.split("."), name)):
        try:
            found = getattr(import_module(home + module), name, None)
        except ModuleNotFoundError:
            found = None
        if getattr(found, "__module__", None) == home + module:
            return found
    raise ValueError(f"graphc has no {place!r}; was the file written by a later version?")
