"""A row of the op table in TensorFlow and in graphc: every dtype in one step, and what of the results disagrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import graphc
from graphc.graph import Graph
from tests.ops.harness import EXACT, Array, Case, as_list, weights_like
from tests.ops.translate import translated

# Where TensorFlow and graphc add in another order: as many roundings as the table allows, four times.
FACTOR = 4.0

Part = tuple[str, str]  # a dtype, and y, g or h (values, gradients, second derivatives) with a number behind


def disagreements(case: Case) -> dict[str, tuple[str, str]]:
    """What first disagrees for each dtype: "values", "gradient" or "second", and how."""
    import tensorflow

    v1 = tensorflow.compat.v1
    theirs, refused = _results(v1, v1.Graph, case, translated(case.peer or case.build, v1))
    ours, also = _results(graphc, Graph, case, case.build)
    found: dict[str, tuple[str, str]] = {}
    for letter, kind in {"y": "values", "g": "gradient", "h": "second"}.items():
        for dtype in case.dtypes:
            texts = _of_kind(letter, dtype, theirs, refused, ours, also, case.loose)
            if texts and dtype not in found:
                found[dtype] = kind, texts[0]
    return found


def _of_kind(
    letter: str, dtype: str, theirs: dict[Part, Array], refused: dict[Part, str], ours: dict[Part, Array],
    also: dict[Part, str], loose: float,
) -> list[str]:  # fmt: skip
    """What disagrees of the values, of the gradients or of the second derivatives. Two refusals agree."""
    no, nor = ([text for part, text in said.items() if _is_of(part, letter, dtype)] for said in (refused, also))
    if no or nor:
        return [] if no and nor else [*(f"TensorFlow: {text}" for text in no), *(f"graphc: {text}" for text in nor)]
    parts = sorted(part for part in theirs.keys() | ours.keys() if _is_of(part, letter, dtype))
    return [text for part in parts if (text := _compared(ours.get(part), theirs.get(part), loose))]


def _is_of(part: Part, letter: str, dtype: str) -> bool:
    return part[0] == dtype and part[1][0] == letter


def _compared(ours: Array | None, theirs: Array | None, loose: float) -> str:
    """What disagrees, or ''. None, for a gradient that is not there, agrees with zeros."""
    if ours is None or theirs is None:
        value = ours if theirs is None else theirs
        return "" if value is None or not np.any(value) else f"{ours} in graphc, {theirs} in TensorFlow"
    if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
        return f"{ours.dtype}{list(ours.shape)} in graphc, {theirs.dtype}{list(theirs.shape)} in TensorFlow"
    if ours.dtype.kind == "c":
        ours, theirs = (np.stack([part.real, part.imag]) for part in (ours, theirs))
    if ours.dtype.kind != "f":
        return "" if np.array_equal(ours, theirs) else f"{ours} in graphc, {theirs} in TensorFlow"
    finite = np.abs(theirs[np.isfinite(theirs)])
    tolerance = EXACT[ours.dtype.name] * loose * FACTOR
    close = np.isclose(ours, theirs, tolerance, tolerance * max(1.0, finite.max(initial=0.0)), equal_nan=True)
    return (
        "" if close.all() else f"{ours[~close][:4]} in graphc, {theirs[~close][:4]} in TensorFlow at {_places(close)}"
    )


def _places(close: Array) -> list[Any]:
    return np.argwhere(~close)[:4].tolist()  # type: ignore[no-any-return]


def _results(
    tf: Any, new_graph: Callable[[], Any], case: Case, build: Callable[..., Any]
) -> tuple[dict[Part, Array], dict[Part, str]]:
    """The values of all parts that can be had, and of the others what was said instead."""
    graph = new_graph()
    wanted, feeds, refused = _declared(tf, graph, case, build)
    with tf.Session(graph=graph) as session:
        try:
            return session.run(wanted, feeds), refused
        except tf.errors.OpError:
            if len(case.dtypes) == 1:
                return _one_by_one(tf, session, wanted, feeds, refused)
    # TensorFlow looks for the kernels of a whole graph: one dtype that has none stops all
    alone = [_results(tf, new_graph, replace(case, dtypes=(dtype,)), build) for dtype in case.dtypes]
    return {k: v for values, _ in alone for k, v in values.items()}, {k: v for _, no in alone for k, v in no.items()}


def _one_by_one(
    tf: Any, session: Any, wanted: dict[Part, Any], feeds: Any, refused: dict[Part, str]
) -> tuple[dict[Part, Array], dict[Part, str]]:
    values, failed = {}, dict(refused)
    for part, tensor in wanted.items():
        try:
            values[part] = session.run(tensor, feeds)
        except tf.errors.OpError as error:
            failed[part] = _in_short(error)
    return values, failed


def _declared(
    tf: Any, graph: Any, case: Case, build: Callable[..., Any]
) -> tuple[dict[Part, Any], dict[Any, Array], dict[Part, str]]:
    """The tensors of all parts, what is fed, and what could not be declared."""
    wanted: dict[Part, Any] = {}
    refused: dict[Part, str] = {}
    feeds: dict[Any, Array] = {}
    with graph.as_default():
        for dtype in case.dtypes:
            arrays = case.arrays(dtype)
            inputs = [tf.placeholder(a.dtype, a.shape) for a in arrays]
            feeds |= dict(zip(inputs, arrays, strict=True))
            try:
                outputs = [tf.convert_to_tensor(y) for y in as_list(build(*inputs))]
            except (TypeError, ValueError) as error:
                refused[dtype, "y"] = _in_short(error)
                continue
            wanted |= {(dtype, f"y{i}"): y for i, y in enumerate(outputs)}
            floats = [(y, w) for y, w in zip(outputs, case.expected(arrays), strict=True) if y.dtype.is_floating]
            first = _gradients(tf, dtype, "g", floats, inputs, wanted, refused)
            if case.second and dtype == "float64":
                known = [(g, a) for g, a in zip(first, arrays, strict=True) if g is not None]
                _gradients(tf, dtype, "h", known, inputs, wanted, refused)
    return wanted, feeds, refused


def _gradients(
    tf: Any, dtype: str, letter: str, ys: list[tuple[Any, Array]], inputs: list[Any], wanted: dict[Part, Any],
    refused: dict[Part, str],
) -> list[Any]:  # fmt: skip
    """The gradients of the weighted sum of ``ys`` (each with an array of its size) by the inputs that are floats."""
    sources = [x for x in inputs if x.dtype.is_floating]
    found = [None] * len(sources)
    if ys and sources:
        weights = [weights_like(array).astype(y.dtype.as_numpy_dtype) for y, array in ys]
        try:
            found = tf.gradients([y for y, _ in ys], sources, grad_ys=weights)
        except (LookupError, NotImplementedError, ValueError) as error:
            refused[dtype, letter] = _in_short(error)
    by_input = iter(g if g is None else tf.convert_to_tensor(g) for g in found)
    result = [next(by_input) if x.dtype.is_floating else None for x in inputs]
    wanted |= {(dtype, f"{letter}{i}"): g for i, g in enumerate(result) if g is not None}
    return result


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
