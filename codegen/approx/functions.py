"""Functions inside the emitted module: for code with branches, and for what is used often.

Whoever emits loops expects a value, not new basic blocks; therefore all that branches stands in a function of its own
and the caller gets one call. Other mathematics is written in place, which runs 15 to 25 % faster than a call
in a plain loop; but each place costs 1 ms of compile time and half a kilobyte, so a function of the module that uses
the same mathematics again and again calls it. The bits are the same either way.

The functions are internal, so each module brings its own and nothing is exported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import wraps

from graphc.codegen import ir
from graphc.codegen.approx.lanes import Lanes, lane_count, type_suffix

Emit = Callable[..., ir.Value]

# How often one function of the module has the same mathematics in place. Measured on chains of tanh: what 50 places
# cost to compile (106 ms), a call in each of them costs an eighth of, and a long chain runs as fast.
MOST_IN_PLACE = 4

MOST_TURNS = 2000.0  # of a loop until lanes are done

Step = Callable[[Sequence[Lanes]], tuple[Sequence[Lanes], Lanes]]  # the next state, and which lanes need more


def internal_function(module: ir.Module, name: str, kind: ir.FunctionType, rare: bool = False) -> ir.Function:
    """A new function of this module alone that is not worth inlining; a ``rare`` one is compiled fast, not well."""
    function = ir.Function(module, kind, name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    function.attributes.add("nounwind")
    if rare:
        function.attributes.add("optnone")
    return function


def in_own_function(emit: Emit) -> Emit:
    """Emits a call of a function that holds what ``emit`` emits; the function is made at the first call."""

    @wraps(emit)
    def call(builder: ir.IRBuilder, *arguments: ir.Value, fma: bool = False) -> ir.Value:
        kind = arguments[0].type
        name = f"graphc_{emit.__name__}_{type_suffix(kind)}"
        function = builder.module.globals.get(name)
        if function is None:
            function = internal_function(builder.module, name, ir.FunctionType(kind, [kind] * len(arguments)))
            inside = ir.IRBuilder(function.append_basic_block("entry"))
            inside.ret(emit(inside, *function.args, fma=fma))
        return builder.call(function, arguments)

    return call


def in_place_at_first(emit: Emit) -> Emit:
    """Emits in place, but a call where the function being written has had ``MOST_IN_PLACE`` of the same."""
    called = in_own_function(emit)

    @wraps(emit)
    def write(builder: ir.IRBuilder, *arguments: ir.Value, fma: bool = False) -> ir.Value:
        uses = builder.function.__dict__.setdefault("graphc_uses", Counter())
        uses[emit] += 1
        chosen = emit if uses[emit] <= MOST_IN_PLACE else called
        return chosen(builder, *arguments, fma=fma)

    return write


def any_lane(builder: ir.IRBuilder, condition: ir.Value) -> ir.Value:
    """Whether the condition holds in some lane, as one bit."""
    count = lane_count(condition.type)
    if count is None:
        return condition
    bits = ir.IntType(count)
    return builder.icmp_unsigned("!=", builder.bitcast(condition, bits), bits(0))


def through_double(rule: Callable[..., Lanes], *operands: Lanes) -> Lanes:
    """A rule for doubles; of floats, computed in double and rounded once."""
    if str(operands[0].element) == "double":
        return rule(*operands)
    return rule(*(operand.widen() for operand in operands)).narrow()


def repeat(name: str, step: Step, start: Sequence[Lanes]) -> Sequence[Lanes]:
    """The state after as many steps as the slowest lane needs; a lane that is done stays as it is.

    The first value is a float; the others have as many lanes.
    """
    builder, kinds = start[0].builder, [value.type for value in start]
    full = f"graphc_{name}_{type_suffix(kinds[0])}"
    function = builder.module.globals.get(full)
    if function is None:
        result = ir.LiteralStructType(kinds)
        function = internal_function(builder.module, full, ir.FunctionType(result, kinds))
        _write_loop(function, step, start[0].fma)
    found = builder.call(function, [value.value for value in start])
    return [start[0].new(builder.extract_value(found, place)) for place in range(len(kinds))]


def _write_loop(function: ir.Function, step: Step, fma: bool) -> None:
    entry, loop, done = (function.append_basic_block(part) for part in ("entry", "loop", "done"))
    builder = ir.IRBuilder(entry)
    count = Lanes(builder, function.args[0], fma).like(0.0)
    builder.branch(loop)
    builder.position_at_end(loop)
    phis = [builder.phi(value.type) for value in (*function.args, count.value, count.value)]
    for phi, value in zip(phis, (*function.args, count.value, count.like(1.0).value), strict=True):
        phi.add_incoming(value, entry)
    *state, turn, active = (Lanes(builder, phi, fma) for phi in phis)
    made, more = step(state)
    runs = active > 0.5
    kept = [runs.choose(new, old) for new, old in zip(made, state, strict=True)]
    still = (runs & more & (turn < MOST_TURNS)).choose(active, 0.0)
    for phi, lanes in zip(phis, (*kept, turn + 1.0, still), strict=True):
        phi.add_incoming(lanes.value, builder.block)
    builder.cbranch(any_lane(builder, (still > 0.5).value), loop, done)
    builder.position_at_end(done)
    result: ir.Value = ir.Constant(function.ftype.return_type, ir.Undefined)
    for place, lanes in enumerate(kept):
        result = builder.insert_value(result, lanes.value, place)
    builder.ret(result)
