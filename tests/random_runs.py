"""Whether a step that runs many times, with other ranks, sizes and fed sizes each time, always means what NumPy says.

``python -m tests.random_runs 0 1000`` tries seeds 0 to 999, and prints a small runnable program for each failure.
A third number is how many lines the programs have.

A step begins as a version for exact shapes and values, and goes on to versions for symbols and for sizes that it takes
from data: runs must cross all these borders, in any order, and meet sizes 0 and 1 and mistakes on either side.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import graphc as tf
from tests.interpreted import InterpretedSession
from tests.random_graphs import compare, smallest
from tests.random_programs import Program
from tests.random_steps import MISTAKES, Runs, random_runs


def check_runs(program: Program) -> None:
    """AssertionError where any run gives another value than the NumPy meaning, or does not refuse what that refuses."""
    assert isinstance(program, Runs)
    with tf.Graph().as_default():
        names = program.declare()
        tensors = [tf.convert_to_tensor(names[name]) for name in program.fetches]
        with InterpretedSession() as meaning, tf.Session() as session:
            for each in (meaning, session):
                each.run(tf.global_variables_initializer())
            for number, feeds in enumerate(program.runs):
                fed = {names[name]: np.asarray(eval(value, {"np": np})) for name, value in feeds.items()}
                _check_run(f"run {number}", tensors, fed, meaning, session)


def _check_run(name: str, tensors: list[Any], fed: dict[Any, Any], meaning: Any, session: Any) -> None:
    try:
        wanted = meaning.run(tensors, fed)
    except MISTAKES as mistake:
        # NumPy's own mistakes are arguments that an operation cannot take; others have a class, or are a special case.
        refusals = type(mistake).__mro__ if isinstance(mistake, tf.errors.OpError) else [tf.errors.InvalidArgumentError]
        try:
            found = session.run(tensors, fed)
        except tf.errors.OpError as refused:
            fits = type(refused) in refusals and type(refused) is not tf.errors.OpError
            assert fits, f"{name}: {refused!r}, and not {mistake!r}"
            return
        if any(np.size(value) == 0 for value in found):
            return  # of what has no elements, none was asked for that is not there
        raise AssertionError(f"{name}: {found}, and not {mistake}") from None
    for tensor, a, b in zip(tensors, wanted, session.run(tensors, fed), strict=True):
        compare(f"{name}, {tensor.name}", a, b)


def main(first: int, last: int, lines: int = 8) -> int:
    """Tries all seeds from ``first`` to before ``last``; the number of failures."""
    failures = 0
    for seed in range(first, last):
        program = random_runs(seed, lines)
        try:
            check_runs(program)
        except Exception as error:
            failures += 1
            small = smallest(program, check_runs)
            print(f"# seed {seed}: {type(error).__name__}\n{small}\n", flush=True)
            try:
                check_runs(small)
            except Exception as error:
                print("\n".join(f"# {line}" for line in f"{type(error).__name__}: {error}".splitlines()), flush=True)
    print(f"{failures} failures in {last - first} programs")
    return failures


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)
