"""Whether random programs mean the same before and after every pass, and when compiled.

``python -m tests.random_graphs 0 1000`` tries seeds 0 to 999, and prints a small runnable program for each failure.
A third number is how many lines the programs have; a fourth that is not 0 makes them wild.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import graphc as tf
from graphc.capture import capture
from graphc.compiler import exact_types
from graphc.graph import Graph
from graphc.interpret import evaluate
from graphc.passes.pipeline import PIPELINE, stages
from graphc.passes.specialise import Given
from graphc.passes.verify import verify
from tests.interpreted import InterpretedSession
from tests.random_programs import Program, random_program

TOLERANCE = {"f4": 3e-4, "f8": 1e-9}  # of the largest element: sums are taken in another order


def check_passes(program: Program) -> None:
    """AssertionError where a pass changes a value, leaves an illegal graph, or finds more to do when run again."""
    with tf.Graph().as_default():
        names = program.declare()
        tensors, updates, fed = _asked(program, names)
        step = capture(tensors, updates, list(fed))
        shapes = {step.feeds[tensor]: value.shape for tensor, value in fed.items() if tensor in step.feeds}
        inputs = {place.op.name: fed[tensor] for tensor, place in step.feeds.items()}
        inputs |= {place.op.name: _initial(program, variable.name) for variable, place in step.states.items()}
        wanted = _values(step.graph, inputs)
        again = {each.name: each.run for each in PIPELINE if each.name not in ("specialise", "fuse")}
        for name, graph in stages(step.graph, Given(exact_types(step, shapes)), in_parts=True):
            _check(wanted, graph, inputs, name)
            if name in again:
                assert str(again[name](graph, Given())) == str(graph), f"{name} finds more to do in\n{graph}"


def check_compiled(program: Program) -> None:
    """AssertionError where a session gives other values, or leaves others in variables, than the NumPy meaning."""
    results = []
    for make in (InterpretedSession, tf.Session):
        with tf.Graph().as_default():
            names = program.declare()
            tensors, updates, fed = _asked(program, names)
            with make() as session:  # type: ignore[operator]
                session.run(tf.global_variables_initializer())
                results.append([_values_or_failure(session, [*tensors, *updates], fed) for _ in range(2)])
    for wanted, found in zip(*results, strict=True):
        assert (wanted is None) == (found is None), f"one of them fails: {wanted} and {found}"
        if wanted is None:
            return
        for name, a, b in zip(program.fetches, wanted, found, strict=False):
            compare(name, a, b)
        for line, a, b in zip(
            program.updates, wanted[len(program.fetches) :], found[len(program.fetches) :], strict=True
        ):
            compare(line, a, b)


def _values_or_failure(session: Any, fetches: list[Any], feeds: dict[Any, Any]) -> list[Any] | None:
    """What a run gives; None where it divides a whole number by zero, as a later run of a wild program may."""
    try:
        return session.run(fetches, feeds)
    except (ZeroDivisionError, tf.errors.InvalidArgumentError):
        return None


def smallest(program: Program, check: Callable[[Program], None]) -> Program:
    """A program as short as can be found by leaving out lines, for which ``check`` still fails."""
    for simpler in program.simpler():
        if _fails(simpler, check):
            return smallest(simpler, check)
    return program


def _fails(program: Program, check: Callable[[Program], None]) -> bool:
    try:
        with tf.Graph().as_default():
            program.declare()
    except Exception:
        return False  # a line that was left out is needed
    try:
        check(program)
    except Exception:
        return True
    return False


def _asked(program: Program, names: Mapping[str, Any]) -> tuple[list[Any], list[Any], dict[Any, Any]]:
    tensors = [tf.convert_to_tensor(names[name]) for name in program.fetches]
    updates = [names[line.split(" = ")[0]].op for line in program.updates]
    fed = {names[name]: np.asarray(eval(value, {"np": np})) for name, value in program.feeds.items()}
    return tensors, updates, fed


def _initial(program: Program, variable: str) -> Any:
    """The value with which a variable begins."""
    number = 0 if variable == "Variable" else int(variable.split("_")[1])
    line = [line for line in program.inputs if "tf.Variable" in line][number]
    return np.asarray(eval(line.split("tf.Variable(", 1)[1][:-1], {"np": np}))


def _values(graph: Graph, inputs: Mapping[str, Any]) -> list[Any]:
    places = {node.outputs[0]: inputs[node.name] for node in graph.nodes if node.type in ("Placeholder", "VariableV2")}
    return evaluate(graph, places)


def _check(wanted: list[Any], graph: Graph, inputs: Mapping[str, Any], name: str) -> None:
    verify(graph, name)
    for number, (a, b) in enumerate(zip(wanted, _values(graph, inputs), strict=True)):
        compare(f"target {number} after {name} in\n{graph}\n", a, b)


def compare(name: str, wanted: Any, found: Any) -> None:
    """AssertionError unless two values have one dtype and shape, and nearly the same elements."""
    if wanted is None:
        return
    wanted, found = np.asarray(wanted), np.asarray(found)
    forms = [f"{value.dtype}{value.shape}" for value in (found, wanted)]
    assert forms[0] == forms[1], f"{name}: {forms[0]} and not {forms[1]}"
    if wanted.dtype.kind != "f":
        assert np.array_equal(wanted, found), f"{name}: {found} and not {wanted}"
        return
    limit = TOLERANCE[wanted.dtype.str[1:]] * max(1.0, float(np.max(np.abs(wanted), initial=0)))
    assert np.all(np.abs(wanted - found) <= limit), f"{name}: {found} and not {wanted}"


def _reason(program: Program, check: Callable[[Program], None]) -> str:
    try:
        check(program)
    except Exception:
        return "\n".join(f"# {line}" for line in traceback.format_exc().splitlines() if not line.startswith("  "))
    return ""


def main(first: int, last: int, lines: int = 14, wild: int = 0) -> int:
    """Tries all seeds from ``first`` to before ``last``; the number of failures."""
    failures = 0
    for seed in range(first, last):
        program = random_program(seed, lines, bool(wild))
        for check in (check_passes, check_compiled):
            try:
                check(program)
            except Exception:
                failures += 1
                small = smallest(program, check)
                print(f"# seed {seed}, {check.__name__}\n{small}\n", flush=True)
                print(_reason(small, check), flush=True)
                break
    print(f"{failures} failures in {last - first} programs")
    return failures


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)
