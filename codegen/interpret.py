"""What a kernel means: its loops executed one by one in Python, on NumPy arrays.

Slow, and the reference for scheduling and emission. The lanes of a vector loop are one NumPy array, so that
reductions have the order of the native code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from graphc import philox
from graphc.codegen.kernels.affine import Edge
from graphc.codegen.loops import (
    Accumulate,
    AccumulateAt,
    Apply,
    Buffer,
    Check,
    Contract,
    Declare,
    Draw,
    Expression,
    For,
    If,
    IndexValue,
    Kernel,
    Least,
    Let,
    Literal,
    Load,
    LoadedIndex,
    Local,
    Statement,
    Store,
    identity,
    postorder,
    statement_tasks,
)
from graphc.codegen.scalar import OPS
from graphc.codegen.scalar_cast import cast_meaning
from graphc.codegen.traverse import accumulator_names, carried_by_lanes, ends_stores, expressions_of, lane_loop
from graphc.dims import Atom, Dim, DimLike, FloorDiv, Symbol

DTYPES = {
    "bool": np.bool_,
    "u8": np.uint8,
    "i8": np.int8,
    "u16": np.uint16,
    "i16": np.int16,
    "f16": np.float16,
    "i32": np.int32,
    "u32": np.uint32,
    "i64": np.int64,
    "u64": np.uint64,
    "f32": np.float32,
    "f64": np.float64,
}


def run(
    kernel: Kernel,
    arrays: Mapping[str, np.ndarray],
    sizes: Mapping[str, int] | None = None,
    tasks: range | None = None,
) -> None:
    """Execute a kernel on flat arrays, given by argument name and changed in place; ``tasks`` says which of them."""
    state = _State({}, {Symbol(name): size for name, size in (sizes or {}).items()}, {})
    for buffer in kernel.arguments:
        array = arrays[buffer.name]
        assert array.ndim == 1 and array.dtype == DTYPES[buffer.dtype], f"{buffer}: {array.dtype}{array.shape}"
        state.arrays[buffer] = array
    for buffer in kernel.scratch:
        state.arrays[buffer] = np.zeros(_number(buffer.size, state), DTYPES[buffer.dtype])
    if tasks is None:
        tasks = range(_number(kernel.tasks, state))
    with np.errstate(all="ignore"):
        for statement, part in task_parts(kernel, tasks, state):
            _execute_top(statement, part, state)
        state.flush()


@dataclass
class _State:
    arrays: dict[Buffer, np.ndarray]
    positions: dict[Symbol, Any]  # A number, or the numbers of all lanes inside a vector loop.
    locals: dict[str, Any]
    lanes: int | None = None  # How many lanes are running, None outside vector loops.
    kept_in_lanes: set[str] = field(default_factory=set)  # Accumulators from outside the vector loop.
    pending: list[tuple[Buffer, Any, Any]] = field(default_factory=list)

    def flush(self) -> None:
        for buffer, offset, value in self.pending:
            self.arrays[buffer][offset] = value
        self.pending.clear()


def task_parts(kernel: Kernel, tasks: range, state: _State) -> Iterator[tuple[Statement, range | None]]:
    """The top statements that a range of tasks touches, each with its own range; None where it is not cut."""
    counts = [statement_tasks(statement) for statement in kernel.body]
    if any(count is None for count in counts):
        yield from ((statement, None) for statement in kernel.body)
        return
    first = 0
    for statement, count in zip(kernel.body, counts, strict=True):
        assert count is not None
        last = first + _number(count, state)
        part = range(max(tasks.start, first) - first, min(tasks.stop, last) - first)
        if part:
            yield statement, part
        first = last


def _execute_top(statement: Statement, part: range | None, state: _State) -> None:
    if part is None or isinstance(statement, Contract):
        _execute(statement, state)  # A contraction computes all its tasks with its first one.
        return
    if isinstance(statement, Draw):
        assert statement.grain is not None
        _draw(statement, part.start * statement.grain, part.stop * statement.grain, state)
        return
    assert isinstance(statement, For) and statement.grain is not None
    stop = min(part.stop * statement.grain, _number(statement.extent, state))
    _loop(statement, part.start * statement.grain, stop, state)


def _execute_body(body: tuple[Statement, ...], state: _State) -> None:
    for statement in body:
        _execute(statement, state)
    state.flush()


def _execute(statement: Statement, state: _State) -> None:
    if ends_stores(statement):
        state.flush()
    values = _evaluate(expressions_of(statement), state)
    match statement:
        case For():
            _loop(statement, 0, _number(statement.extent, state), state)
        case If(body=body):
            if values[0]:
                _execute_body(body, state)
        case Store(buffer=buffer, offset=offset, combine=None):
            state.pending.append((buffer, _index(offset, state), values[0]))
        case Store(buffer=buffer, offset=offset, combine=str(combine)):
            _combine_at(state.arrays[buffer], combine, _index(offset, state), values[0])
        case Let(name=name) | Declare(name=name):
            state.locals[name] = values[0]
        case Accumulate(name=name, combine=combine):
            _set_lanes(name, COMBINE[combine](_local(name, state), values[0]), state)
        case AccumulateAt(name=name, place=place, combine=combine):
            best = choose_best(combine, (_local(name, state), _local(place, state)), (values[0], values[1]))
            _set_lanes(name, best[0], state)
            _set_lanes(place, best[1], state)
        case Check(errors=errors, code=code):
            if np.any(values[0]) and state.arrays[errors][0] == 0:
                state.arrays[errors][0] = code
        case Contract():
            _contract(statement, state)
        case Draw(buffer=buffer):
            _draw(statement, 0, _number(buffer.size, state), state)


def _draw(statement: Draw, start: int, stop: int, state: _State) -> None:
    """The numbers from ``start`` to ``stop``, or to the end."""
    position, *limits, seed, seed2 = (int(value) for value in _evaluate(expressions_of(statement), state))
    array, dtype = state.arrays[statement.buffer], DTYPES[statement.buffer.dtype]
    numbers = getattr(philox, statement.sampler)(array.shape, dtype, seed, seed2, position, *limits)
    array[start:stop] = numbers[start:stop]


# Loops.


def _loop(loop: For, start: int, stop: int, state: _State) -> None:
    inner = lane_loop(loop)
    if inner is None or state.lanes is not None:
        _iterate(loop, start, stop, state)
        return
    carried = [change for change in carried_by_lanes(inner) if change.name not in state.kept_in_lanes]
    outside = {name: state.locals[name] for statement in carried for name in accumulator_names(statement)}
    for statement in carried:
        _begin_lanes(statement, inner.width, state)
    _iterate(loop, start, stop, state)
    for statement in carried:
        _end_lanes(statement, outside, state)


def _iterate(loop: For, start: int, stop: int, state: _State) -> None:
    if loop.width == 1:
        for position in range(start, stop):
            state.positions[loop.variable] = position
            _execute_body(loop.body, state)
        return
    for first in range(start, stop, loop.width):
        state.lanes = min(loop.width, stop - first)
        state.positions[loop.variable] = np.arange(first, first + state.lanes)
        _execute_body(loop.body, state)
    state.lanes = None


def _begin_lanes(statement: Accumulate | AccumulateAt, width: int, state: _State) -> None:
    state.kept_in_lanes.update(accumulator_names(statement))
    dtype = np.asarray(state.locals[statement.name]).dtype
    neutral = identity(statement.combine, _dtype_name(dtype))
    state.locals[statement.name] = np.full(width, neutral, dtype)
    if isinstance(statement, AccumulateAt):
        state.locals[statement.place] = np.zeros(width, np.asarray(state.locals[statement.place]).dtype)


def _end_lanes(statement: Accumulate | AccumulateAt, outside: dict[str, Any], state: _State) -> None:
    """Combine the lanes, upper half onto lower half, and then with the value from before the loop."""
    lanes = tuple(state.locals[name] for name in accumulator_names(statement))
    state.kept_in_lanes.difference_update(accumulator_names(statement))
    while lanes[0].size > 1:
        half = lanes[0].size // 2
        low, high = tuple(x[:half] for x in lanes), tuple(x[half:] for x in lanes)
        lanes = _merge(statement, low, high)
    total = _merge(statement, tuple(outside[name] for name in accumulator_names(statement)), tuple(x[0] for x in lanes))
    for name, value in zip(accumulator_names(statement), total, strict=True):
        state.locals[name] = value


def _merge(statement: Accumulate | AccumulateAt, left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
    if isinstance(statement, Accumulate):
        return (COMBINE[statement.combine](left[0], right[0]),)
    return choose_best(statement.combine, left, right)


COMBINE = {
    "add": np.add,
    "mul": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}


def choose_best(combine: str, old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[Any, Any]:
    """The better of two (value, place) pairs: the lower place among equals, and nothing is better by NaN."""
    better = new[0] > old[0] if combine == "maximum" else new[0] < old[0]
    better |= (new[0] == old[0]) & (new[1] < old[1])
    return np.where(better, new[0], old[0]), np.where(better, new[1], old[1])


def _combine_at(array: np.ndarray, combine: str, offset: Any, value: Any) -> None:
    for place, number in zip(*np.broadcast_arrays(np.atleast_1d(offset), value), strict=True):
        array[place] = OPS[combine].numpy(array[place], number)


def _set_lanes(name: str, value: Any, state: _State) -> None:
    """Change the running lanes of an accumulator, or the whole of one that has no lanes of its own."""
    held = state.locals[name]
    if state.lanes is None or np.ndim(held) == 0 or len(held) == state.lanes:
        state.locals[name] = value
    else:
        held[: state.lanes] = value


def _local(name: str, state: _State) -> Any:
    held = state.locals[name]
    return held if state.lanes is None or np.ndim(held) == 0 else held[: state.lanes]


def _contract(statement: Contract, state: _State) -> None:
    """Each element is the sum over the inner axes of products, in float64; then the epilogue."""
    spec = statement.spec
    axes = spec.output
    a, b = state.arrays[statement.a], state.arrays[statement.b]
    for place in product(*(range(_number(axis.extent, state)) for axis in axes)):
        a_start = _number(spec.a_offset, state) + sum(p * _number(x.a, state) for p, x in zip(place, axes, strict=True))
        b_start = _number(spec.b_offset, state) + sum(p * _number(x.b, state) for p, x in zip(place, axes, strict=True))
        total = np.float64(0)
        for inner in product(*(range(_number(axis.extent, state)) for axis in spec.inner)):
            if not all(_exists(edge, place[len(spec.batch) :], inner) for edge in spec.edges):
                continue
            a_place = a_start + sum(p * _number(x.a, state) for p, x in zip(inner, spec.inner, strict=True))
            b_place = b_start + sum(p * _number(x.b, state) for p, x in zip(inner, spec.inner, strict=True))
            total += np.float64(a[a_place]) * np.float64(b[b_place])
        state.positions.update(zip(statement.coordinates, place, strict=True))
        state.locals[statement.result] = DTYPES[spec.dtype](total)
        _execute_body(statement.epilogue, state)


def _exists(edge: Edge, row: Sequence[int], inner: Sequence[int]) -> bool:
    return 0 <= edge.start + edge.row_step * row[edge.row] + edge.inner_step * inner[edge.inner] < edge.size


# Values.


def _evaluate(roots: tuple[Expression, ...], state: _State) -> list[Any]:
    values: dict[int, Any] = {}
    for node in postorder(roots):
        values[id(node)] = _node(node, [values[id(operand)] for operand in node.operands], state)
    return [values[id(root)] for root in roots]


def _node(node: Expression, operands: list[Any], state: _State) -> Any:
    match node:
        case Literal(value=value, dtype=dtype):
            return np.asarray(value).astype(DTYPES[dtype])[()]
        case Local(name=name):
            return _local(name, state)
        case IndexValue(index=index, dtype=dtype):
            return np.asarray(_index(index, state)).astype(DTYPES[dtype])[()]
        case Load(where=None):
            return state.arrays[node.buffer][_index(node.offset, state)]
        case Load():
            where = np.asarray(operands[-1])
            array = state.arrays[node.buffer]
            offset = np.where(where, _index(node.offset, state), 0)
            return np.where(where, array[offset] if array.size else 0, 0).astype(array.dtype)[()]
        case Apply(op="cast", dtype=dtype):
            return cast_meaning(operands[0], DTYPES[dtype])[()]
        case Apply(op="bitcast", dtype=dtype):
            return np.asarray(operands[0]).view(DTYPES[dtype])[()]
        case Apply(op=op, dtype=dtype):
            return np.asarray(OPS[op].numpy(*operands)).astype(DTYPES[dtype])[()]


def _index(index: DimLike, state: _State) -> Any:
    """The number, or the lanes of numbers, that an offset is."""
    if not isinstance(index, Dim):
        return index
    total: Any = 0
    for monomial, factor in index.terms.items():
        term: Any = factor
        for thing in monomial:
            term = term * _atom(thing, state)
        total = total + term
    return total


def _atom(thing: Atom, state: _State) -> Any:
    if isinstance(thing, Symbol):
        return state.positions[thing] if thing in state.positions else state.positions[Symbol(thing.name)]
    if isinstance(thing, FloorDiv):
        return _index(thing.numerator, state) // np.maximum(_index(thing.denominator, state), 1)  # as emit_index does
    if isinstance(thing, Least):
        return np.minimum(_index(thing.left, state), _index(thing.right, state))
    assert isinstance(thing, LoadedIndex)
    return np.asarray(_evaluate((thing.value,), state)[0]).astype(np.int64)[()]


def _number(size: DimLike, state: _State) -> int:
    return int(_index(size, state))


def _dtype_name(dtype: np.dtype) -> str:
    return next(name for name, numpy in DTYPES.items() if np.dtype(numpy) == dtype)
