"""Functions over the elements of tensors: ``map_fn``, ``scan``, ``foldl`` and ``foldr``, each one loop.

Elements are the parts along the first axis. Where several tensors are given, in any nested structure, the function
takes the same structure of elements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc import dtypes
from graphc.body import Body, Taken
from graphc.mistakes import telling_line
from graphc.nest import flatten, is_nested, map_leaves, pack_as, skeleton
from graphc.nodes import Tensor
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.elementwise import less, subtract
from graphc.ops.lookup import gather
from graphc.ops.loops import while_loop
from graphc.ops.reshaping import shape
from graphc.scopes import get_default_graph
from graphc.tensor_array import TensorArray

Function = Callable[..., Any]


class _Elements:
    """Nested tensors, taken apart along their first axis."""

    def __init__(self, elems: Any):
        self.structure = elems
        self.tensors = [convert_to_tensor(x, name="elem") for x in flatten(elems)]
        if not self.tensors:
            raise ValueError("elems must hold at least one tensor")
        for tensor in self.tensors:
            if tensor.type.rank == 0:
                raise ValueError(f"elems must be at least 1+ dimensional Tensors, not scalars: {tensor}")
        known = [x.type.shape[0] for x in self.tensors if x.type.shape]
        sizes = {size for size in known if isinstance(size, int)}
        if len(sizes) > 1:
            raise ValueError(f"elems have different numbers of elements: {sorted(sizes)}")
        self.static = sizes.pop() if sizes else None
        self.count = constant(self.static) if self.static is not None else shape(self.tensors[0])[0]

    def at(self, index: Tensor) -> Any:
        """The elements at a position."""
        return pack_as(self.structure, [gather(x, index, axis=0) for x in self.tensors])


def _check(fn: Any, parallel_iterations: Any) -> None:
    if not callable(fn):
        raise TypeError("fn must be callable.")


def _arrays(dtypes_: Sequence[Any], count: Tensor) -> list[TensorArray]:
    return [TensorArray(dtype, size=count) for dtype in dtypes_]


def _same_structure(wanted: Any, came: Any, what: str) -> None:
    if skeleton(wanted) != skeleton(came):
        raise TypeError(f"The two structures don't have the same nested structure: {what}")


@telling_line
def map_fn(
    fn: Function, elems: Any, dtype: Any = None, parallel_iterations: int | None = None, back_prop: bool = True,
    swap_memory: bool = False, infer_shape: bool = True, name: str | None = None,
) -> Any:  # fmt: skip
    """``fn`` of each element, stacked; ``dtype`` is the structure of the results' types where that of elems is not."""
    _check(fn, parallel_iterations)
    with get_default_graph().name_scope(name or "map"):
        elements = _Elements(elems)
        structure = map_leaves(lambda x: convert_to_tensor(x).dtype, elems) if dtype is None else dtype
        arrays = _arrays(flatten(structure), elements.count)

        def body(i: Tensor, arrays: Sequence[TensorArray]) -> Any:
            results = fn(elements.at(i))
            _same_structure(structure, results, f"dtype is {structure!r} and fn gives {results!r}")
            return i + 1, [array.write(i, value) for array, value in zip(arrays, flatten(results), strict=True)]

        _, arrays = while_loop(lambda i, _: less(i, elements.count), body, (constant(0), arrays))
        return pack_as(structure, [_stacked(array, elements) for array in arrays])


def vectorized_map(fn: Function, elems: Any) -> Any:
    """``fn`` of each element, stacked, where the results may be of any structure and dtypes."""
    graph = get_default_graph().current
    trial = Body(graph, "the function of vectorized_map", Taken())
    with trial.declaring():  # only to see what the results are
        results = fn(_Elements(elems).at(constant(0)))
        structure = map_leaves(lambda x: convert_to_tensor(x).dtype, results)
    return map_fn(fn, elems, structure, name="vectorized_map")


def _stacked(array: TensorArray, elements: _Elements) -> Tensor:
    result = array.stack()
    if result.type.shape is not None:
        result.set_shape((elements.static, *result.type.shape[1:]))
    return result


@telling_line
def foldl(
    fn: Function, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """``fn(...fn(fn(initializer, elems[0]), elems[1])..., elems[-1])``; without an initializer the first element is."""
    return _folded(fn, elems, initializer, parallel_iterations, name or "foldl", forwards=True)


@telling_line
def foldr(
    fn: Function, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """``fn(...fn(fn(initializer, elems[-1]), elems[-2])..., elems[0])``; without an initializer the last element is."""
    return _folded(fn, elems, initializer, parallel_iterations, name or "foldr", forwards=False)


def _folded(fn: Function, elems: Any, initializer: Any, parallel_iterations: Any, name: str, forwards: bool) -> Any:
    _check(fn, parallel_iterations)
    with get_default_graph().name_scope(name):
        elements = _Elements(elems)
        place = _places(elements, forwards)
        start = elements.at(place(constant(0))) if initializer is None else _as_tensors(initializer)
        first = constant(1 if initializer is None else 0)
        _, result = while_loop(
            lambda i, _: less(i, elements.count),
            lambda i, so_far: (i + 1, fn(so_far, elements.at(place(i)))),
            (first, start),
        )
        return result


def _places(elements: _Elements, forwards: bool) -> Callable[[Tensor], Tensor]:
    """Which element comes in an iteration."""
    return (lambda i: i) if forwards else (lambda i: subtract(subtract(elements.count, 1), i))


def _as_tensors(structure: Any) -> Any:
    return map_leaves(convert_to_tensor, structure) if is_nested(structure) else convert_to_tensor(structure)


@telling_line
def scan(
    fn: Function, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, infer_shape: bool = True, reverse: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """What :func:`foldl` has after each element, stacked; with ``reverse`` from the last element to the first."""
    _check(fn, parallel_iterations)
    with get_default_graph().name_scope(name or "scan"):
        elements = _Elements(elems)
        place = _places(elements, not reverse)
        start = elements.at(place(constant(0))) if initializer is None else _as_tensors(initializer)
        leaves = flatten(start)
        arrays = _arrays([x.dtype for x in leaves], elements.count)
        if initializer is None:
            arrays = [array.write(place(constant(0)), x) for array, x in zip(arrays, leaves, strict=True)]

        def body(i: Tensor, so_far: Any, arrays: Sequence[TensorArray]) -> Any:
            following = fn(so_far, elements.at(place(i)))
            _same_structure(start, following, f"the initializer is {start!r} and fn gives {following!r}")
            values = zip(arrays, flatten(following), strict=True)
            return i + 1, following, [array.write(place(i), value) for array, value in values]

        first = constant(1 if initializer is None else 0, dtypes.int32)
        _, _, arrays = while_loop(lambda i, *_: less(i, elements.count), body, (first, start, arrays))
        return pack_as(start, [_stacked(array, elements) for array in arrays])
