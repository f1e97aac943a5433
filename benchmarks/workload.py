"""What is measured: training steps and functions of arrays, described once for all systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

Arrays = tuple[Any, ...]  # of NumPy arrays, or NumPy numbers where there are no axes


class Momentum(NamedTuple):
    """``speed = momentum * speed + gradient; weight -= rate * speed``"""

    rate: float = 0.01
    momentum: float = 0.9


class Adam(NamedTuple):
    """Kingma and Ba, 2015, in the form of its section 2 that corrects the rate."""

    rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    # Smaller than is usual: some systems add it before the rate is corrected and some after, which must not show.
    epsilon: float = 1e-10


@dataclass(frozen=True)
class Training:
    """One step: the loss of a batch, its gradients by all weights, and the optimizer's update of them."""

    loss: Callable[..., Any]  # (vocabulary, weights, *batch) -> a scalar
    weights: Callable[[], list[np.ndarray]]
    batches: Callable[[], Sequence[Arrays]]
    optimizer: Momentum | Adam


@dataclass(frozen=True)
class Function:
    """One call: the value for arrays that are handed in, or its gradients by some of them."""

    value: Callable[..., Any]  # (vocabulary, weights, *inputs) -> a tensor
    inputs: Callable[[], Arrays]
    weights: Callable[[], list[np.ndarray]] = list
    # Places among the inputs. The result is then the gradients of sum(value * last input), not the value.
    gradients_by: tuple[int, ...] = ()
    # The gradients need no value: a system that records while it computes may do so before times are taken.
    backward_alone: bool = False
    prepared: bool = False  # through the system's way to prepare a call once, where it has one besides its usual way

    def batches(self) -> Sequence[Arrays]:
        """The same inputs in every call."""
        return [self.inputs()]


Case = Training | Function


@dataclass(frozen=True)
class Workload:
    """A line of the table, or, with several cases that share processes, a table of its own."""

    name: str
    title: str
    cases: Mapping[str, Case]
    skipped: Mapping[str, str] = field(default_factory=dict)  # systems that are left out, each with the reason

    @classmethod
    def single(cls, name: str, title: str, case: Case) -> Workload:
        """One model, measured with its start, its compile time and its memory."""
        return cls(name, title, {"": case})

    @property
    def is_sweep(self) -> bool:
        """Whether there are several cases."""
        return len(self.cases) > 1


class Unsupported(Exception):
    """This system has no such operation; the text says which."""
