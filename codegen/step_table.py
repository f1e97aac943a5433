"""Many calls of kernels as a table and one loop over it: code for each of them would take long to compile.

row: ptr kernel, i64 arguments, i64 tasks, i64 failure          failure: 0, or what the step gives where it failed
i64 run(ptr frame, ptr rows, ptr places, ptr arguments, ptr dims, i64 count)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.codegen import ir
from graphc.codegen.outline import FRAME_HEAD
from graphc.codegen.program import Call, is_fixed
from graphc.codegen.schedule_tasks import too_little

FEWEST = 8  # calls in a row that are worth a table
I32, I64, POINTER = ir.IntType(32), ir.IntType(64), ir.PointerType()
ROW = ir.LiteralStructType([POINTER, I64, I64, I64])
KERNEL_TYPE = ir.FunctionType(ir.VoidType(), [POINTER] * 3 + [I64] * 2)
RUN_TYPE = ir.FunctionType(I64, [POINTER] * 5 + [I64])


def is_exact(action: object) -> bool:
    """Whether an action is a call of which all is known while compiling."""
    if not isinstance(action, Call) or not isinstance(action.kernel.tasks, int):
        return False
    if action.kernel.tasks > 1 and too_little(action.kernel):
        return False
    return all(map(is_fixed, action.places))


def table(module: ir.Module, name: str, calls: Sequence[Call], kernels: Sequence[ir.Function]) -> ir.GlobalVariable:
    """The rows of some calls, whose kernels are given beside them."""
    rows = []
    for call, kernel in zip(calls, kernels, strict=True):
        failure = 0 if call.error_slot is None else call.error_slot + 1
        rows.append(ir.Constant(ROW, [kernel, I64(len(call.places)), I64(call.kernel.tasks), I64(failure)]))
    kind = ir.ArrayType(ROW, len(rows))
    rows_of_all = ir.GlobalVariable(module, kind, name)
    rows_of_all.linkage, rows_of_all.global_constant = "internal", True
    rows_of_all.initializer = ir.Constant(kind, rows)
    return rows_of_all


def run_function(module: ir.Module, name: str, fill: Any, parallel_for: Any | None) -> ir.Function:
    """The loop over a table: fills the arguments, runs the kernel's tasks, and stops where one has failed.

    Without ``parallel_for``, every kernel has one task.
    """
    function = ir.Function(module, RUN_TYPE, name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    frame, rows, places, arguments, dims, count = function.args
    entry, turn, check, failed, following, done = (
        function.append_basic_block(block) for block in ("entry", "turn", "check", "failed", "following", "done")
    )
    builder = ir.IRBuilder(entry)
    head = {field: _word(builder, frame, FRAME_HEAD.index(field)) for field in FRAME_HEAD}
    scratch, pool, errors = (builder.inttoptr(head[field], POINTER) for field in ("scratch", "pool", "errors"))
    builder.branch(turn)
    builder.position_at_end(turn)
    number, place = builder.phi(I64), builder.phi(POINTER)
    number.add_incoming(I64(0), entry)
    place.add_incoming(places, entry)
    kernel, words, tasks, failure = (
        builder.load(builder.gep(rows, [number, I32(field)], source_etype=ROW), typ=kind)
        for field, kind in enumerate(ROW.elements)
    )
    builder.call(fill, [frame, place, arguments, words])
    if parallel_for is None:
        builder.call(kernel, [arguments, dims, scratch, I64(0), tasks], KERNEL_TYPE)
    else:
        builder.call(parallel_for, [pool, kernel, arguments, dims, scratch, head["scratch_stride"], tasks])
    builder.cbranch(builder.icmp_signed("==", failure, I64(0)), following, check)
    builder.position_at_end(check)
    noted = _word(builder, errors, builder.sub(failure, I64(1)))
    builder.cbranch(builder.icmp_signed("==", noted, I64(0)), following, failed)
    builder.position_at_end(failed)
    builder.ret(failure)
    builder.position_at_end(following)
    next_number = builder.add(number, I64(1))
    number.add_incoming(next_number, following)
    place.add_incoming(builder.gep(place, [builder.shl(words, I64(1))], source_etype=I64), following)
    builder.cbranch(builder.icmp_signed("<", next_number, count), turn, done)
    builder.position_at_end(done)
    builder.ret(I64(0))
    return function


def _word(builder: ir.IRBuilder, words: ir.Value, number: int | ir.Value) -> ir.Value:
    place = I64(number) if isinstance(number, int) else number
    return builder.load(builder.gep(words, [place], source_etype=I64), typ=I64)
