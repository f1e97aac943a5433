"""Steps that an earlier process compiled: found by what they are, without the passes and code generation.

The cache of compiled code is asked once more, for a whole step: an entry names the object files that hold its code,
with the outline that a process needs to run them. Its key is the text of everything that the program follows from: the
nodes of the step and what they hold, the exact types of its inputs, the processor, and all sources of graphc. A step
that holds what has no such text, as a function of the user's, is compiled anew in each process, from kernels in the
cache.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc import settings
from graphc.alignment import aligned_array
from graphc.codegen import cache
from graphc.codegen.digest import digest
from graphc.codegen.outline import Outline
from graphc.dims import Dim
from graphc.dtypes import DType
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.random import Seeds
from graphc.records import fields, is_record, replace
from graphc.shapes import TensorType
from graphc.step import Step

if TYPE_CHECKING:
    from graphc.codegen.target import Target

LARGEST_CONSTANTS = 1 << 16  # bytes of constants that passes made, which an entry holds itself
_PLAIN = frozenset([str, int, float, complex, bool, bytes, type(None)])


class _Nameless(Exception):
    """Something has no text that another process would give it too."""


def key_of(
    step: Step, exact: Mapping[str, TensorType], fixed: Mapping[str, Any], by_value: bool, target: Target
) -> str | None:
    """The name of the step's entry; None where it cannot have one, or all stages are to be seen."""
    wanted = settings.current()
    if not wanted.cache or wanted.verbose >= 2 or wanted.dump:
        return None
    states = dict.fromkeys((*step.states, *step.updates))
    numbers = {operation: number for number, operation in enumerate(states)}
    try:
        parts = [
            _graph_text(step.graph),
            [tensor.op.name for tensor in (*step.feeds.values(), *step.flags.values())],
            [step.states[operation].op.name if operation in step.states else None for operation in states],
            [numbers[operation] for operation in step.updates],
            [len(step.feeds), step.fetches, bool(step.read), by_value],
            dict(exact),
            dict(fixed),
        ]
        return cache.make_key("step", _sources(), sys.version, np.__version__, repr(target), *map(_text, parts))
    except _Nameless:
        return None


def recalled(key: str, step: Step) -> tuple[Outline, list[bytes]] | None:
    """The outline and the object files of the entry, if all are there."""
    entry = cache.get(key)
    if entry is None:
        return None
    outline, homes, constants = pickle.loads(entry)
    objects = [data for home in homes if (data := cache.get(home)) is not None]
    if len(objects) != len(homes):
        return None
    declared = list(_constants(step.graph))
    return replace(outline, constants=tuple(_constant(held, declared) for held in constants)), objects


def remember(key: str, step: Step, outline: Outline, homes: Iterable[str]) -> None:
    """Keeps an entry for later processes, unless passes made large constants."""
    places = {id(value): number for number, value in enumerate(_constants(step.graph))}
    constants = [places.get(id(value), value) for value in outline.constants]
    if sum(held.nbytes for held in constants if not isinstance(held, int)) <= LARGEST_CONSTANTS:
        cache.put(key, pickle.dumps((replace(outline, constants=()), tuple(homes), constants)))


def _constants(graph: Graph) -> Iterator[np.ndarray[Any, Any]]:
    """The constants of a graph and of those in it."""
    for node in graph.nodes:
        if isinstance(node.kind, Const):
            yield node.kind.value
        for function in node.kind.functions().values():
            yield from _constants(function.graph)


def _constant(held: Any, declared: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """A constant of the step by its number, or one that passes made, where native code may read it."""
    if isinstance(held, int):
        return declared[held]
    result = aligned_array(held.shape, held.dtype, lambda: "a constant")
    result[...] = held
    return result


@lru_cache(maxsize=1)
def _sources() -> str:
    """What tells this graphc from another, or from itself after an edit."""
    return cache.state_of(os.path.dirname(__file__))


def _graph_text(graph: Graph) -> str:
    """All nodes of a graph, one a line, and its targets."""
    places = {node: str(number) for number, node in enumerate(graph.nodes)}
    lines = [_node_text(node, places) for node in graph.nodes]
    measured = [f"{_text(size)} {_place(tensor, places)}" for size, tensor in graph.measured.items()]
    return "\n".join([*lines, *measured, " ".join(_place(tensor, places) for tensor in graph.targets)])


def _node_text(node: Operation, places: Mapping[Operation, str]) -> str:
    inputs = " ".join([_place(tensor, places) for tensor in node.inputs])
    types = " ".join([_text(tensor.type) for tensor in node.outputs])
    return f"{node.name} {node.role} {_text(node.kind)} {inputs}: {types}"


def _place(tensor: Tensor, places: Mapping[Operation, str]) -> str:
    if tensor.op not in places:
        raise _Nameless
    return places[tensor.op] if tensor.value_index == 0 else f"{places[tensor.op]}:{tensor.value_index}"


def _text(value: Any) -> str:
    """A text that only equal values have, in every process; :class:`_Nameless` where there is none."""
    if type(value) in _PLAIN or isinstance(value, np.dtype):
        return repr(value)
    if type(value) is TensorType:
        return _type_text(value)
    if isinstance(value, (tuple, list)):
        return f"{type(value).__name__}({','.join(map(_text, value))})"
    if isinstance(value, DType):
        return value.name
    if isinstance(value, Seeds):
        return "Seeds"
    if is_record(value):
        kind: Any = type(value)
        return f"{_name(kind)}({','.join([_text(getattr(value, name)) for name in fields(value)])})"
    if type(value) is Graph:
        return _graph_text(value)
    if isinstance(value, dict):
        return f"{{{','.join(f'{_text(key)}:{_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, Dim):
        return f"Dim({','.join(sorted(f'{_text(monomial)}:{factor}' for monomial, factor in value.terms.items()))})"
    if isinstance(value, (np.ndarray, np.generic)):
        return _array_text(np.asarray(value))
    if isinstance(value, (FunctionType, type)):
        return _name(value)
    if isinstance(value, partial):
        return f"partial({','.join(map(_text, (value.func, value.args, value.keywords)))})"
    raise _Nameless


@lru_cache(maxsize=1024)
def _type_text(type: TensorType) -> str:
    return f"{type.dtype.name}{_text(type.shape)}"


def _array_text(array: np.ndarray[Any, Any]) -> str:
    held = repr(array.tolist()).encode() if array.dtype.kind == "O" else np.ascontiguousarray(array).tobytes()
    return f"{array.dtype.str}{array.shape}{held.hex() if len(held) <= 32 else digest(held).hex()}"


@lru_cache(maxsize=1024)
def _name(thing: Any) -> str:
    """Where a class or a function of graphc or NumPy is found: their sources are known; others have no name."""
    module, name = thing.__module__ or "", thing.__qualname__
    found = getattr(sys.modules.get(module), name, None)
    if module.partition(".")[0] not in ("graphc", "numpy") or found is not thing:
        raise _Nameless
    return f"{module}.{name}"
