"""What a row of the op table says, and the ways to run it: by NumPy as it is, with unknown sizes, and compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc as tf
from graphc.graph import Graph
from graphc.interpret import evaluate
from graphc.nodes import Tensor
from graphc.passes.specialise import specialise
from graphc.shapes import TensorType

Array = np.ndarray[Any, Any]
FLOATS = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
INTS = ("int32", "int64")
NUMBERS = (*FLOATS, *INTS)
ALL = (*NUMBERS, "uint8", "bool")
EXACT = {"float64": 1e-12, "float32": 4e-6}


@dataclass(frozen=True)
class In:
    """One input: its shape, its dtype (None: the row's), and its values (a range to draw from, or the values)."""

    shape: tuple[int, ...] = ()
    dtype: str | None = None
    low: float = -2.0
    high: float = 2.0
    values: Any = None
    known: bool = False  # whether its sizes must be known while declaring

    def array(self, dtype: str, rng: np.random.Generator) -> Array:
        """Values of this input in a row of ``dtype``; the same for the same generator."""
        kind = np.dtype(self.dtype or dtype)
        if self.values is not None:
            return np.asarray(self.values).astype(kind)
        if kind.kind == "f":
            return rng.uniform(self.low, self.high, self.shape).astype(kind)
        if kind.kind == "c":
            return (rng.uniform(self.low, self.high, (*self.shape, 2)) @ [1, 1j]).astype(kind)
        if kind.kind == "b":
            return rng.integers(0, 2, self.shape).astype(bool)
        low = max(self.low, 0) if kind.kind == "u" else self.low
        return rng.integers(round(low), round(self.high) + 1, self.shape).astype(kind)


@dataclass(frozen=True)
class Case:
    """A row: how to build the op from tensors, what NumPy gives for the same arrays, and for which dtypes.

    ``differentiable`` names the inputs whose gradients are checked; None: all that are floats.
    """

    name: str
    build: Callable[..., Any]
    reference: Callable[..., Any]
    inputs: tuple[In, ...]
    dtypes: tuple[str, ...] = FLOATS
    differentiable: tuple[int, ...] | None = None
    second: bool = True  # whether the second derivative is checked too
    known_sizes: bool = False  # whether the op needs sizes that are known while declaring
    loose: float = 1.0  # how much rounding the op adds, as a factor of the usual tolerance
    peer: Callable[..., Any] | None = None  # how TensorFlow says it, where it has another spelling

    def arrays(self, dtype: str) -> list[Array]:
        """The inputs' values."""
        rng = np.random.default_rng(len(self.name))
        return [spec.array(dtype, rng) for spec in self.inputs]

    def expected(self, arrays: Sequence[Array]) -> list[Array]:
        """What NumPy gives."""
        with np.errstate(all="ignore"):
            return [np.asarray(value) for value in as_list(self.reference(*arrays))]

    def sources(self, dtype: str) -> list[int]:
        """The inputs whose gradients are checked."""
        wanted = range(len(self.inputs)) if self.differentiable is None else self.differentiable
        return [i for i in wanted if (self.inputs[i].dtype or dtype) in FLOATS]


@dataclass
class Built:
    """A row as a graph."""

    graph: Graph
    inputs: list[Tensor]
    outputs: list[Tensor]
    arrays: list[Array]

    @property
    def feeds(self) -> dict[Tensor, Array]:
        """Each input with its value."""
        return dict(zip(self.inputs, self.arrays, strict=True))

    def interpreted(self, targets: Sequence[Tensor] | None = None) -> list[Array]:
        """The values by the ops' NumPy meaning."""
        return evaluate(self.graph, self.feeds, self.outputs if targets is None else targets)

    def specialised(self, targets: Sequence[Tensor] | None = None) -> list[Array]:
        """The values by the NumPy meaning of the graph in which the inputs' sizes are written everywhere."""
        self.graph.targets = tuple(self.outputs if targets is None else targets)
        types = {x.op.name: TensorType(x.dtype, a.shape) for x, a in self.feeds.items()}
        exact = specialise(self.graph, types, by_value=True)
        assert all(tensor.type.is_exact for node in exact.nodes for tensor in node.outputs)
        places = {node.name: node.outputs[0] for node in exact.nodes}
        return evaluate(exact, {places[x.op.name]: a for x, a in self.feeds.items() if x.op.name in places})

    def compiled(self, targets: Sequence[Tensor] | None = None) -> list[Array]:
        """The values that a Session gives."""
        with tf.Session(graph=self.graph) as session:
            return session.run(list(self.outputs if targets is None else targets), self.feeds)


def build(case: Case, dtype: str, unknown: bool = False) -> Built:
    """The row as a graph; with ``unknown``, no size of the inputs is known while declaring."""
    arrays = case.arrays(dtype)
    with Graph().as_default() as graph:
        inputs = [
            tf.placeholder(a.dtype, [None] * a.ndim if unknown and not spec.known else a.shape, name=f"x{i}")
            for i, (a, spec) in enumerate(zip(arrays, case.inputs, strict=True))
        ]
        outputs = [tf.convert_to_tensor(value) for value in as_list(case.build(*inputs))]
    return Built(graph, inputs, outputs, arrays)


def with_gradients(case: Case, dtype: str, unknown: bool = False) -> tuple[Built, list[Tensor]]:
    """The row with the gradients of its weighted outputs by the inputs that have one."""
    built = build(case, dtype, unknown)
    sources = [built.inputs[i] for i in case.sources(dtype)]
    ys = [y for y in built.outputs if y.dtype.is_floating]
    if not ys or not sources:
        return built, []
    with built.graph.as_default():
        weights = [weights_like(value) for value in built.interpreted(ys)]
        found = tf.gradients(ys, sources, grad_ys=weights)
        return built, [tf.convert_to_tensor(g) for g in found if g is not None]


def weights_like(value: Array) -> Array:
    """Weights that tell the elements of an output apart."""
    rng = np.random.default_rng(value.size)
    return rng.uniform(0.5, 1.5, value.shape).astype(value.dtype)


def assert_close(came: Sequence[Array], wanted: Sequence[Array], factor: float = 1.0) -> None:
    """Equal types and shapes; equal whole numbers; floats equal but for rounding, relative to the greatest."""
    assert len(came) == len(wanted)
    for got, expected in zip(came, wanted, strict=True):
        got, expected = np.asarray(got), np.asarray(expected)
        assert got.shape == expected.shape
        assert got.dtype == expected.dtype
        if got.dtype.kind == "c":
            got, expected = (np.stack([value.real, value.imag], -1) for value in (got, expected))
        if got.dtype.kind != "f":
            np.testing.assert_array_equal(got, expected)
            continue
        tolerance = EXACT[got.dtype.name] * factor
        finite = expected[np.isfinite(expected)]
        scale = max(1.0, float(np.max(np.abs(finite)))) if finite.size else 1.0
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * scale)


def as_list(values: Any) -> list[Any]:
    """One value or several, as a list."""
    return list(values) if isinstance(values, (list, tuple)) else [values]
