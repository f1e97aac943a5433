"""From the plainest loops to loops that suit the processor: order, width and threads change, values do not.

The one exception is the order in which a vectorised reduction adds up; it is fixed by shapes and the target.
Each step is a function from statements to statements whose text shows the loops before and after.
"""

from __future__ import annotations

from collections.abc import Callable

from graphc.codegen.loops import Kernel, Statement
from graphc.codegen.schedule_collapse import collapse, drop_single, take_apart
from graphc.codegen.schedule_cost import CostModel
from graphc.codegen.schedule_tasks import parallelise
from graphc.codegen.schedule_turned import turn
from graphc.codegen.schedule_vectors import vectorise
from graphc.codegen.target import Target
from graphc.records import replace

Body = tuple[Statement, ...]
FLAT = 2  # steps that do not depend on the target


def steps(target: Target) -> tuple[tuple[str, Callable[[Body], Body]], ...]:
    """The steps in their order, each with its reason."""
    return (
        ("drop loops that run once", drop_single),  # they would hide that two loops are directly nested
        ("collapse loops that walk as one", collapse),  # long loops waste least at their ends
        ("take apart loops that walk in pieces", take_apart),  # what is left of them: neighbours in vectors need steps
        (
            "turn squares of transposes",
            lambda body: turn(body, CostModel(target)),
        ),  # no loop serves both sides as vector
        ("vectorise the cheapest loop", lambda body: vectorise(body, target)),
        # last, since work is measured in vectors
        ("cut outer loops into tasks", lambda body: parallelise(body, target)),
    )


def schedule(kernel: Kernel, target: Target) -> Kernel:
    """The kernel scheduled for a target; those who ask what it would cost ask before."""
    if target not in kernel.notes:
        body = flat(kernel)
        for _, step in steps(target)[FLAT:]:
            body = step(body)
        kernel.notes[target] = replace(kernel, body=body)
    return kernel.notes[target]


def flat(kernel: Kernel) -> Body:
    """The body after the first steps, which are the same for all targets."""
    if flat not in kernel.notes:
        kernel.notes[flat] = collapse(drop_single(kernel.body))
    return kernel.notes[flat]
