"""Rows for products, windows, and parts and joints of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.exchange.row import I32, Inputs, NotInTensorFlow, Row, numbers, shape_of, type_of
from graphc.nodes import Operation
from graphc.ops import blocks

# -- products and windows ------------------------------------------------------------------------------------------


def batch_matmul_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    turned = kind.transpose_a, kind.transpose_b
    attributes = {"T": type_of(node), "adj_x": turned[0], "adj_y": turned[1]}
    if not type_of(node).is_complex or not any(turned):
        return w.put("BatchMatMulV2", inputs, **attributes)
    # TensorFlow's takes conjugates where it transposes.
    conjugate = [
        w.helper("Conj", f"conj_{n}", [ref], T=type_of(node)) if turn else ref
        for n, (ref, turn) in enumerate(zip(inputs, turned, strict=True))
    ]
    return w.exact(w.put("BatchMatMulV2", conjugate, **attributes), node, inputs)


def _window(window: Any) -> dict[str, Any]:
    """The attributes of a convolution."""
    inner = _per_axis(window, window.dilations)
    found = {"strides": _per_axis(window, window.strides), "data_format": window.data_format, "dilations": inner}
    if isinstance(window.padding, str):
        return found | {"padding": window.padding}
    if window.rank != 2:
        raise NotInTensorFlow("windows along three axes have no padding given in cells")
    edges = [0] * 8
    for axis, (low, high) in zip(window.axes, window.padding, strict=True):
        edges[2 * axis : 2 * axis + 2] = low, high
    return found | {"padding": "EXPLICIT", "explicit_paddings": edges}


def _per_axis(window: Any, values: Any) -> list[int]:
    found = [1] * (window.rank + 2)
    for axis, value in zip(window.axes, values, strict=True):
        found[axis] = value
    return found


def _check_holes(node: Operation) -> None:
    kind: Any = node.kind
    if node.type.startswith("Depthwise") and set(kind.window.dilations) != {1}:
        raise NotInTensorFlow("its kernels of convolution by depth pass over holes without a word")


def convolution_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    _check_holes(node)
    return w.put(node.type, inputs, T=type_of(node), **_window(kind.window))


def convolution_adjoint_row(images: bool) -> Row:
    """The adjoint of the images or of the filter, whose sizes TensorFlow takes first or second."""

    def row(w: Any, node: Operation, inputs: Inputs) -> Any:
        kind: Any = node.kind
        _check_holes(node)
        attributes, name = _window(kind.window), node.type
        if "3D" in name:
            name += "V2"
        sizes = inputs[2] if kind.shape is None else w.const("sizes", numbers(kind.shape, "sizes"))
        first, second = inputs[:2]
        given = [sizes, second, first] if images else [first, sizes, second]
        return w.exact(w.put(name, given, T=type_of(node), **attributes), node, inputs)

    return row


def _pool_attributes(window: Any) -> dict[str, Any]:
    if not isinstance(window.padding, str) or set(window.dilations) != {1}:
        raise NotInTensorFlow("its pooling has holes, or padding given in cells")
    sizes, strides = _per_axis(window, window.size), _per_axis(window, window.strides)
    return {"ksize": sizes, "strides": strides, "padding": window.padding, "data_format": window.data_format}


def pool_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    types = {"TInput": type_of(node)} if node.type == "MaxPool3DGrad" else {}
    return w.put(node.type, inputs, T=type_of(node), **types, **_pool_attributes(kind.window))


def average_adjoint_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    sizes = inputs[1] if kind.shape is None else w.const("sizes", numbers(kind.shape, "sizes"))
    made = w.put(node.type, [sizes, inputs[0]], T=type_of(node), **_pool_attributes(kind.window))
    return w.exact(made, node, inputs)


# -- parts and joints ----------------------------------------------------------------------------------------------


def concat_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if len(inputs) < 2:
        return w.exact(w.put("Identity", inputs, T=type_of(node)), node, inputs)
    made = w.put("ConcatV2", [*inputs, w.const("axis", kind.axis)], N=len(inputs), T=type_of(node), Tidx=I32)
    return w.exact(made, node, inputs)


def pack_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    return w.put("Pack", inputs, N=len(inputs), T=type_of(node), axis=kind.axis)


def _block(kind: Any) -> tuple[list[int], list[int], list[int], int, int]:
    """Begins, ends, strides, and the masks of what is open, of a block whose places are numbers."""
    begins, ends, strides, open_begin, open_end = [], [], [], 0, 0
    if isinstance(kind, blocks.Slice):
        given = zip(numbers(kind.begin, "begins"), numbers(kind.size, "sizes"), kind.strides, strict=True)
        triples: Any = [(begin, begin + size * step, step) for begin, size, step in given]
        triples = [(b, None if step < 0 and stop < 0 else stop, step) for b, stop, step in triples]
    elif isinstance(kind, blocks.StridedSlice):
        triples = list(zip(kind.begin, kind.end, kind.strides, strict=True))
        for axis in kind.index_axes:
            at: Any = kind.begin[axis]
            triples[axis] = (at, None if at == -1 else at + 1, 1)
    else:
        raise NotInTensorFlow(f"the places of a {type(kind).__name__} are tensors")
    for axis, (begin, end, step) in enumerate(triples):
        begins.append(begin or 0)
        ends.append(end or 0)
        strides.append(step)
        open_begin |= (begin is None) << axis
        open_end |= (end is None) << axis
    return begins, ends, strides, open_begin, open_end


def slice_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    begins, ends, strides, open_begin, open_end = _block(node.kind)
    given = [*inputs, w.const("begin", begins), w.const("end", ends), w.const("strides", strides)]
    masks = {"begin_mask": open_begin, "end_mask": open_end}
    return w.exact(w.put("StridedSlice", given, T=type_of(node), Index=I32, **masks), node, inputs)


def slice_adjoint_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    begins, ends, strides, open_begin, open_end = _block(kind.block)
    given = [
        shape_of(w, node, inputs[1], "shape", 1), w.const("begin", begins), w.const("end", ends),
        w.const("strides", strides), inputs[0],
    ]  # fmt: skip
    masks = {"begin_mask": open_begin, "end_mask": open_end}
    return w.exact(w.put("StridedSliceGrad", given, T=type_of(node), Index=I32, **masks), node, inputs)


def slice_from_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("Slice", inputs, T=type_of(node), Index=node.inputs[1].dtype)


def strided_slice_from_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    index = node.inputs[1].dtype
    masks = {
        "begin_mask": sum(is_open << axis for axis, is_open in enumerate(kind.open_begin)),
        "end_mask": sum(is_open << axis for axis, is_open in enumerate(kind.open_end)),
    }
    strides = w.const("strides", kind.strides, index.numpy)
    return w.exact(w.put("StridedSlice", [*inputs, strides], T=type_of(node), Index=index, **masks), node, inputs)


def pad_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    low, high = numbers(kind.low, "edges"), numbers(kind.high, "edges")
    if any(edge < 0 for edge in (*low, *high)):
        raise NotInTensorFlow("its edges are cut, not padded")
    if any(kind.interior):
        return w.exact(_spread(w, node, inputs, low), node, inputs)
    paddings = w.const("paddings", np.reshape(list(zip(low, high, strict=True)), [-1, 2]))
    value = w.const("constant_values", kind.value, type_of(node).numpy)
    return w.exact(w.put("PadV2", [*inputs, paddings, value], T=type_of(node), Tpaddings=I32), node, inputs)


def _spread(w: Any, node: Operation, inputs: Inputs, low: list[int]) -> Any:
    """Cells with zeros between them: the gradient of a slice with steps."""
    kind: Any = node.kind
    sizes, steps = numbers(node.inputs[0].type.shape, "sizes"), [cells + 1 for cells in kind.interior]
    if kind.value or 0 in sizes:
        raise NotInTensorFlow("what it pads with between its cells is not zero")
    ends = [begin + (size - 1) * step + 1 for begin, size, step in zip(low, sizes, steps, strict=True)]
    whole = numbers(node.outputs[0].type.shape, "sizes")
    given = [w.const("shape", whole), w.const("begin", low), w.const("end", ends), w.const("strides", steps)]
    return w.put("StridedSliceGrad", [*given, inputs[0]], T=type_of(node), Index=I32)


def pad_from_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    value = w.const("constant_values", kind.value, type_of(node).numpy)
    made = w.put("PadV2", [*inputs, value], T=type_of(node), Tpaddings=node.inputs[1].dtype)
    return w.exact(made, node, inputs)


def gather_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    types = {"Tparams": type_of(node), "Tindices": node.inputs[1].dtype, "Taxis": I32}
    made = w.put("GatherV2", [*inputs, w.const("axis", kind.axis)], batch_dims=0, **types)
    return w.exact(made, node, inputs)


def gather_nd_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    made = w.put("GatherNd", inputs, Tparams=type_of(node), Tindices=node.inputs[1].dtype)
    return w.exact(made, node, inputs)


def segment_sum_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if kind.axis:
        raise NotInTensorFlow("it adds along an axis that is not the first")
    count = inputs[2] if kind.size is None else w.const("num_segments", *numbers([kind.size], "sizes"))
    types = {"Tindices": node.inputs[1].dtype, "Tnumsegments": node.inputs[2].dtype if kind.size is None else I32}
    return w.exact(w.put("UnsortedSegmentSum", [*inputs[:2], count], T=type_of(node), **types), node, inputs)


def range_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("Range", inputs, Tidx=type_of(node))


def iota_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    ends = (0, *numbers([kind.size], "sizes"), 1)
    given = [w.const(part, value, kind.dtype.numpy) for part, value in zip(("start", "limit", "delta"), ends)]
    return w.exact(w.put("Range", given, Tidx=kind.dtype), node, inputs)
