"""Exact types inside of loops: the part of :mod:`specialise` for ``While``.

Before, with the input ``x`` known to be ``f32[2]``::

    w/loop_counter: i32[] = Const(value=0)
    w: i32[], w:1: f32[?] = While(w/loop_counter, x, go_on, row)
        condition:
            return go_on
        body:
            w/c: f32[?] = ConcatV2(x, row, axis=0)
            w/Const: i32[] = Const(value=1)
            w/Add: i32[] = Add(w/loop_counter, w/Const)
            return w/Add, w/c
    return w:1

After::

    w: i64[] = Const(value=2)
    w_1: f32[m2], w_1:1: i64[] = While(x, w, go_on, row)
        condition:
            return go_on
        body:
            w/c: f32[m0+1] = ConcatV2(x, row, axis=0)
            DimValue: i64[] = DimValue(dim=m0+1, dtype=i64)
            return w/c, DimValue
    return w_1

Variables that nobody needs are left out. Where the shape of a loop variable is not known before the loop, the first
iteration tells it. Where a size changes from one iteration to the next, it becomes a loop variable of its own
(:mod:`graphc.ops.told`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc import dtypes, errors
from graphc.body import Function
from graphc.dims import DimLike, Measured, atom, coefficient, is_bounded, measured_in, most, product, substitute
from graphc.interpret import evaluate
from graphc.nodes import Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import Const, Placeholder, apply
from graphc.ops.loops import While
from graphc.ops.measured import assumption
from graphc.ops.reshaping import dim_value
from graphc.ops.row_writes import in_shape
from graphc.ops.told import COUNT, HistorySizes, as_assumed, known_around, told_size
from graphc.passes.count import most_iterations
from graphc.passes.specialise_bodies import Specialise, exact_function, from_outside, is_final, known_values, refused
from graphc.records import record, replace
from graphc.scopes import get_default_graph
from graphc.shapes import TensorType

MOST_ELEMENTS = 1 << 20  # of a loop variable whose size changes: room for more is taken as it is needed

Axis = tuple[int, int]  # the number of an input, and an axis of it


def exact_while(
    node: Operation, inputs: Sequence[Tensor], values: Sequence[Any], specialise: Specialise
) -> Sequence[Tensor]:
    """The node with an exact body."""
    return _ExactLoop(node, inputs, values, specialise).run()


@record
class _Replayed:
    """A size of the values of a history that the loop reads with them: it is ``size + rest`` of those that saved it."""

    place: Axis
    size: Measured | None
    rest: DimLike = 0


class _ExactLoop:
    def __init__(self, node: Operation, inputs: Sequence[Tensor], values: Sequence[Any], specialise: Specialise):
        self.node, self.specialise = node, specialise
        self.kind: While = node.kind  # type: ignore[assignment]
        self.count = self.kind.variables
        self.constants = len(inputs) - self.kind.replays  # where those end
        self.starts = list(inputs)
        self.known = [None] * self.count + known_values(inputs, values)[self.count :]
        self.replayed = self._replayed_sizes()
        self.varied: dict[Axis, None] = dict.fromkeys(self._declared_to_vary())
        self.limits: dict[Axis, DimLike] = {}
        self.kept: set[Axis] = set()  # declared to vary, and they do not

    def run(self) -> Sequence[Tensor]:
        """The outputs of the new node for those of the old one."""
        with from_outside(self.node, 0):
            body, names = self._body()
            condition, condition_names = self._function(self.kind.condition)
            self.limits = self._limits(body, condition)
            if self.limits:  # where sizes vary, which they do not in a body that never runs
                body, names = self._function(self.kind.body)
                condition, condition_names = self._function(self.kind.condition)
        sizes = tuple(dim_value(self.starts[n].type.sizes[axis], dtypes.int64) for n, axis in self.varied)
        replayed = [apply(HistorySizes(x.place[1]), self.starts[x.place[0]]) for x in self.replayed]
        kind = replace(
            self.kind, condition=self._with_names(condition, condition_names), body=self._with_names(body, names),
            variables=self.count + len(sizes), replays=self.kind.replays + len(replayed),
        )  # fmt: skip
        starts = (*self.starts[: self.count], *sizes, *self.starts[self.count :], *replayed)
        outputs = get_default_graph().add(kind, starts, like=self.node).outputs
        counts = outputs[self.count : self.count + len(sizes)]
        told = {
            place: told_size(count, self.limits.get(place)) for place, count in zip(self.varied, counts, strict=True)
        }
        for n, out in enumerate(outputs[: self.count]):
            own = [told.get((n, axis), size) for axis, size in enumerate(self._start_type(n).sizes)]
            out.type = TensorType(out.dtype, tuple(own))
        return [*map(as_assumed, outputs[: self.count]), *outputs[self.count + len(sizes) :]]

    # -- which sizes change ------------------------------------------------------------------------------------

    def _declared_to_vary(self) -> list[Axis]:
        """The sizes that are known before the loop and, as the program says, not in it."""
        found = []
        for n in range(self.count):
            declared, own, given = self._declared(n), self.starts[n].type.shape, self.node.inputs[n].type.shape
            if declared is not None and given is not None and own is not None and len(own) == len(declared):
                pairs = enumerate(zip(declared, given, strict=True))
                found += [(n, axis) for axis, (size, start) in pairs if size is None and start is not None]
        return found

    def _declared(self, n: int) -> Any:
        """The shape of a loop variable in all iterations, as far as the program says."""
        parameter = self.kind.body.parameters[n]
        return (self.node.outputs[n] if parameter is None else parameter).type.shape

    def _settled(self) -> tuple[Function, list[str | None]]:
        """The body for loop variables whose shapes stay, but for the sizes that vary."""
        while True:
            body, names = self._function(self.kind.body)
            changed = False
            for n in range(self.count):
                start, result = self._start_type(n), body.targets[n].type
                if not start.is_exact and result != start:
                    self.starts[n] = self._learnt(n, result)
                    changed = True
                elif start.is_exact:
                    changed = self._has_varied(n, body) or changed
            if not changed:
                return body, names

    def _body(self) -> tuple[Function, list[str | None]]:
        """The body; where it needs to know a size that may vary, as the program says, for sizes that do not."""
        try:
            return self._settled()
        except errors.InvalidArgumentError as error:
            if not self.varied:
                return self._never_run(error)
            reason = error
        self.varied, self.kept = {}, set()
        try:
            return self._settled()
        except errors.InvalidArgumentError:
            return self._never_run(reason)

    def _never_run(self, error: errors.InvalidArgumentError) -> tuple[Function, list[str | None]]:
        """In place of a body that cannot be for these types, one that says why if it runs."""
        values = [value for value in self.known if value is not None]
        if error.op is self.node or self._runs() or not is_final(error, [x.type for x in self.starts], values):
            raise error
        self.varied = {}
        for n in range(self.count):
            if not self._start_type(n).is_exact:
                shape = tuple(size or 0 for size in self._start_type(n).shape or ())
                self.starts[n] = in_shape(self.starts[n], TensorType(self.starts[n].dtype, shape))
        types = [*map(self._start_type, range(self.count)), *(x.type for x in self.kind.body.targets[self.count :])]
        return refused(self.kind.body, error, types), [None] * len(self.replayed)

    def _runs(self) -> bool:
        """Whether it is known that there is a first iteration."""
        known = [value if value is None or value.dtype.kind != "O" else None for value in self.known]
        for n, start in enumerate(self.starts[: self.count]):
            known[n] = start.op.kind.value if isinstance(start.op.kind, Const) else None
        condition = self.kind.condition
        pairs = zip(condition.parameters, known, strict=True)
        feeds = {x: value for x, value in pairs if x is not None and value is not None}
        try:
            return bool(evaluate(condition.graph, feeds, condition.targets)[0])
        except Exception:  # something else is needed for it
            return False

    def _limits(self, body: Function, condition: Function) -> dict[Axis, DimLike]:
        """The most that sizes are which change by a number, in loops whose iterations are counted.

        Where all are bounded by little, memory for the most is planned before the step, and ahead of time.
        """
        kind = replace(self.kind, condition=condition, body=body)
        runs = most_iterations(kind, self.starts) if self.varied else None
        if runs is None:
            return {}
        found: dict[Axis, DimLike] = {}
        for n, axis in self.varied:
            parameter, start = body.parameters[n], self._start_type(n).sizes[axis]
            if parameter is None or not is_bounded(start):
                return {}
            change = body.targets[n].type.sizes[axis] - parameter.type.sizes[axis]
            grows = most(change) if is_bounded(change) else None
            if not isinstance(grows, int):
                return {}
            found[n, axis] = most(start) + max(grows, 0) * runs
        for n in {n for n, _ in found}:
            sizes = [found.get((n, axis), size) for axis, size in enumerate(self._start_type(n).sizes)]
            count = product(sizes)
            if not is_bounded(count) or (isinstance(count, int) and count > MOST_ELEMENTS):
                return {}
        return found

    def _has_varied(self, n: int, body: Function) -> bool:
        """Whether a size of the loop variable changes otherwise than was thought; notes it."""
        start, result = self._start_type(n), body.targets[n].type
        if len(start.sizes) != len(result.sizes):
            self._refuse(n, result)
        changed = False
        for axis, (before, after) in enumerate(zip(start.sizes, result.sizes, strict=True)):
            place = (n, axis)
            if place in self.varied:
                parameter = body.parameters[n]
                if place not in self.kept and parameter is not None and after == parameter.type.sizes[axis]:
                    del self.varied[place]
                    self.kept.add(place)
                    changed = True
            elif before != after:
                if not self._may_vary(n, axis):
                    _check_measured(start, result)
                    self._refuse(n, result)
                self.varied[place] = None
                changed = True
        return changed

    def _may_vary(self, n: int, axis: int) -> bool:
        declared = self._declared(n)
        return declared is None or declared[axis] is None

    def _refuse(self, n: int, result: TensorType) -> None:
        before = self.node.inputs[n].name
        message = (
            f"loop variable '{before}' begins as {self.starts[n].type} and is {result} after an iteration; give "
            "`shape_invariants` with None for the sizes that change"
        )
        raise errors.InvalidArgumentError(self.node, self.node, f"{self.node.describe()}: {message}")

    def _learnt(self, number: int, type: TensorType) -> Tensor:
        """The start of a loop variable whose shape was not known, in the shape that it has after an iteration."""
        # A parameter whose own loop will learn its shape: this attempt only tells it.
        known = tuple(0 if measured_in(size) else size for size in type.sizes)
        return in_shape(self.starts[number], TensorType(type.dtype, known))

    # -- the functions -----------------------------------------------------------------------------------------

    def _start_type(self, n: int) -> TensorType:
        return self.starts[n].type

    def _function(self, function: Function) -> tuple[Function, list[str | None]]:
        """The function for what is known of the arguments; the names of the parameters that tell sizes.

        The condition has no use for what is replayed.
        """
        names: list[str | None] = []
        types = [tensor.type for tensor in self.starts]
        types[self.constants :] = [tensor.dtype.element for tensor in self.starts[self.constants :]]  # type: ignore[attr-defined]

        def first() -> Mapping[str, TensorType]:
            with get_default_graph().standing_for(self.node):
                told = {place: told_size(self._told(names), self.limits.get(place)) for place in self.varied}
                told |= self._replayed_now(names, types)
            found = {}
            for n, type in enumerate(types):
                if type.shape is not None and any((n, axis) in told for axis in range(len(type.shape))):
                    sizes = tuple(told.get((n, axis), size) for axis, size in enumerate(type.shape))
                    found[function.names[n] or ""] = TensorType(type.dtype, sizes)
            return found

        made = exact_function(function, types, self.starts, self.known, self.specialise, first)
        graph = made.graph
        if function is self.kind.body:
            with graph.as_default():
                sizes = [dim_value(made.targets[n].type.sizes[axis], dtypes.int64) for n, axis in self.varied
                         if made.targets[n].type.is_exact]  # fmt: skip
            graph.targets = (*graph.targets[: self.count], *sizes, *graph.targets[self.count :])
        return made, names

    def _told(self, names: list[str | None]) -> Tensor:
        """A further parameter that tells a size."""
        tensor = get_default_graph().add(Placeholder(dtypes.int64, ()), (), (COUNT,), name="size").outputs[0]
        names.append(tensor.op.name)
        return tensor

    def _with_names(self, function: Function, names: Sequence[str | None]) -> Function:
        """The function with the parameters that tell sizes: of loop variables behind these, of histories at the end."""
        own, varied = function.names, len(self.varied)
        return Function(function.graph, (*own[: self.count], *names[:varied], *own[self.count :], *names[varied:]))

    # -- what is replayed --------------------------------------------------------------------------------------

    def _replayed_sizes(self) -> list[_Replayed]:
        """The sizes to read with what is replayed: those that are not known around the loop."""
        known, found = known_around(), []
        for n in range(self.constants, len(self.starts)):
            for axis, size in enumerate(self.starts[n].dtype.element.sizes):  # type: ignore[attr-defined]
                own = measured_in(size) - known
                if len(own) == 1 and coefficient(size, *own) == 1:
                    (thing,) = own
                    found.append(_Replayed((n, axis), thing, size - atom(thing)))
                    known |= own
                elif own:
                    found.append(_Replayed((n, axis), None))
        return found

    def _replayed_now(self, names: list[str | None], types: Sequence[TensorType]) -> dict[Axis, DimLike]:
        """The sizes of what is replayed, told by the history."""
        here: dict[Any, DimLike] = {}
        told: dict[Axis, DimLike] = {}
        for one in self.replayed:
            count = self._told(names)
            if one.size is None:
                told[one.place] = told_size(count)
                continue
            rest = substitute(one.rest, lambda thing: here.get(thing, atom(thing)))
            if rest != 0:
                count = e.subtract(count, dim_value(rest, dtypes.int64))
            here[one.size] = told_size(count, one.size.most)
        for n in range(self.constants, len(types)):
            for axis, size in enumerate(types[n].sizes):
                if (n, axis) not in told:
                    told[n, axis] = substitute(size, lambda thing: here.get(thing, atom(thing)))
        return told


def _check_measured(a: TensorType, b: TensorType) -> None:
    """``MustBe`` where the types are equal if a measured size is what stands in its place."""
    found = assumption([a, b], lambda types: types[0] == types[1])
    if found is not None:
        raise found
