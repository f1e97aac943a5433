"""Checks of gradients against differences: ``(f(x + d) - f(x - d)) / 2d``, as a library function.

    error = graphc.testing.check_gradients(loss, [w, b], {x: images, w: ..., b: ...})

The names of ``tf.test`` are here too: ``compute_gradient`` and ``compute_gradient_error``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.interpret import evaluate
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.passes.forward_gradients import forward_gradients
from graphc.passes.gradients import UnconnectedGradients, as_list, dense_gradients

Array = np.ndarray[Any, Any]
Run = Callable[[Sequence[Tensor], Mapping[Tensor, Array]], list[Array]]

# Central differences err by d^2 from the third derivative and by eps / d from rounding: best near the cube root of eps.
STEP = {"float32": 5e-3, "float64": 6e-6}
TOLERANCE = {"float32": 2e-2, "float64": 1e-6}


def check_gradients(
    ys: Any, xs: Any, feeds: Mapping[Any, Any], session: Any = None, tolerance: float | None = None,
    delta: float | None = None,
) -> float:  # fmt: skip
    """The greatest error of reverse and forward mode beside differences; ``AssertionError`` above ``tolerance``.

    ``feeds`` holds a value for each x and for whatever else ys depend on. With a session the graph runs there, else by
    its NumPy meaning. An error is relative to the greatest of 1 and the derivatives of that x.
    """
    targets, sources = as_tensors(ys), as_tensors(xs)
    values = {convert_to_tensor(x): _as_array(convert_to_tensor(x), value) for x, value in feeds.items()}
    missing = [x.name for x in sources if x not in values]
    if missing:
        raise ValueError(f"check_gradients needs a value for each x; feeds lack {', '.join(missing)}")
    run = _runner(session)
    weights = _random_like(run(targets, values), seed=1)
    errors = _reverse_errors(run, targets, sources, values, weights, delta)
    errors += _forward_errors(run, targets, sources, values, delta)
    kind = sources[0].dtype.name
    allowed = TOLERANCE[kind] if tolerance is None else tolerance
    wrong = [f"{what}: error {error:.3g}" for what, error in errors if not error <= allowed]
    if wrong:
        listed = "\n".join(wrong)
        raise AssertionError(f"gradients differ from central differences by more than {allowed:g}:\n{listed}")
    return max((error for _, error in errors), default=0.0)


def _reverse_errors(
    run: Run, ys: list[Tensor], xs: list[Tensor], values: dict[Tensor, Array], weights: list[Array], delta: float | None
) -> list[tuple[str, float]]:
    """For each x: the adjoint of ``sum(weights * ys)`` beside its differences, element by element."""
    adjoints = dense_gradients(ys, xs, grad_ys=weights, unconnected_gradients=UnconnectedGradients.ZERO)
    found = run([g for g in adjoints if g is not None], values)
    errors = []
    for x, came in zip(xs, found, strict=True):
        wanted = np.zeros(values[x].shape)
        for place in np.ndindex(wanted.shape):
            moved = np.zeros(wanted.shape)
            moved[place] = 1
            wanted[place] = _weighted(_difference(run, ys, values, {x: moved}, delta), weights)
        errors.append((f"reverse mode by {x.op.describe()}", _error(came, wanted)))
    return errors


def _forward_errors(
    run: Run, ys: list[Tensor], xs: list[Tensor], values: dict[Tensor, Array], delta: float | None
) -> list[tuple[str, float]]:
    """For each y: the Jacobian times a direction beside the difference along it."""
    directions = _random_like([values[x] for x in xs], seed=2)
    pushed = forward_gradients(ys, xs, directions, unconnected_gradients=UnconnectedGradients.ZERO)
    found = run([p for p in pushed if p is not None], values)
    wanted = _difference(run, ys, values, dict(zip(xs, directions, strict=True)), delta)
    return [
        (f"forward mode of {y.op.describe()}", _error(came, difference))
        for y, came, difference in zip(ys, found, wanted, strict=True)
    ]


def _difference(
    run: Run, ys: list[Tensor], values: dict[Tensor, Array], directions: Mapping[Tensor, Array], delta: float | None
) -> list[Array]:
    """How fast the ys change when the xs move along ``directions``."""
    step = STEP[next(iter(directions)).dtype.name] if delta is None else delta
    ahead, behind = (
        run(ys, values | {x: (values[x] + sign * step * d).astype(values[x].dtype) for x, d in directions.items()})
        for sign in (1, -1)
    )
    return [(a.astype(np.float64) - b.astype(np.float64)) / (2 * step) for a, b in zip(ahead, behind, strict=True)]


def _weighted(values: Sequence[Array], weights: Sequence[Array]) -> float:
    return float(sum(np.sum(value * weight) for value, weight in zip(values, weights, strict=True)))


def _error(came: Array, wanted: Array) -> float:
    """The greatest difference, relative to the greatest element or 1; infinite where one is not a number."""
    if came.shape != wanted.shape or not np.all(np.isfinite(came) == np.isfinite(wanted)):
        return float("inf")
    if not came.size:
        return 0.0
    return float(np.max(np.abs(came - wanted)) / max(1.0, float(np.max(np.abs(wanted)))))


def _random_like(values: Sequence[Array], seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.uniform(0.5, 1.5, value.shape), value.dtype) for value in values]


def _runner(session: Any) -> Run:
    if session is not None:
        return lambda fetches, feeds: session.run(list(fetches), dict(feeds))
    return lambda fetches, feeds: evaluate(fetches[0].graph, feeds, fetches)


def _as_array(tensor: Tensor, value: Any) -> Array:
    return np.asarray(value, tensor.dtype.numpy)


def as_tensors(values: Any) -> list[Tensor]:
    """A tensor or several as a list of tensors."""
    return [convert_to_tensor(value) for value in as_list(values)]


def compute_gradient(
    x: Any, x_shape: Any, y: Any, y_shape: Any, x_init_value: Any = None, delta: float = 1e-3, init_targets: Any = None,
    extra_feed_dict: Mapping[Any, Any] | None = None,
) -> Any:  # fmt: skip
    """The Jacobian of y by x twice, by gradients and by differences: a pair of [size of x, size of y] matrices.

    For lists of xs and shapes, a list of pairs. Runs in the default session, by the NumPy meaning where there is none.
    """
    if isinstance(x, (list, tuple)):
        starts = [None] * len(x) if x_init_value is None else x_init_value
        return [
            compute_gradient(one, shape, y, y_shape, start, delta, init_targets, extra_feed_dict)
            for one, shape, start in zip(x, x_shape, starts, strict=True)
        ]
    source, target = convert_to_tensor(x), convert_to_tensor(y)
    session = source.graph.default_session()
    for init in as_list(init_targets):
        init.run()
    start = np.random.default_rng(0).uniform(-1, 1, x_shape) if x_init_value is None else x_init_value
    values = {convert_to_tensor(t): _as_array(convert_to_tensor(t), v) for t, v in (extra_feed_dict or {}).items()}
    values[source] = _as_array(source, start)
    run = _runner(session)
    by_differences = _jacobian_by_differences(run, source, target, values, delta)
    return _jacobian_by_gradients(run, source, target, values), by_differences


def _jacobian_by_gradients(run: Run, x: Tensor, y: Tensor, values: dict[Tensor, Array]) -> Array:
    shape = run([y], values)[0].shape
    weights = np.zeros(shape, y.dtype.numpy)
    columns = []
    for place in np.ndindex(shape):
        weights[...] = 0
        weights[place] = 1
        adjoint = dense_gradients(y, x, grad_ys=weights.copy(), unconnected_gradients=UnconnectedGradients.ZERO)[0]
        assert adjoint is not None
        columns.append(run([adjoint], values)[0].reshape(-1))
    return np.stack(columns, axis=1) if columns else np.zeros((values[x].size, 0), y.dtype.numpy)


def _jacobian_by_differences(run: Run, x: Tensor, y: Tensor, values: dict[Tensor, Array], delta: float) -> Array:
    rows = []
    for place in np.ndindex(values[x].shape):
        moved = np.zeros(values[x].shape)
        moved[place] = 1
        rows.append(_difference(run, [y], values, {x: moved}, delta)[0].reshape(-1))
    result = np.stack(rows) if rows else np.zeros((0, run([y], values)[0].size))
    return result.astype(x.dtype.numpy)


def compute_gradient_error(
    x: Any, x_shape: Any, y: Any, y_shape: Any, x_init_value: Any = None, delta: float = 1e-3, init_targets: Any = None,
    extra_feed_dict: Mapping[Any, Any] | None = None,
) -> float:  # fmt: skip
    """The greatest difference between the Jacobian by gradients and by differences."""
    found = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = found if isinstance(found, list) else [found]
    return max((float(np.max(np.abs(a - b))) for a, b in pairs if a.size), default=0.0)
