"""Where things are in an instance, and how large they become."""

from __future__ import annotations

import pytest

import graphc as tf
from graphc.aot.layout import largest, lay_out
from graphc.dims import ceildiv, symbol
from graphc.shapes import TensorType


def test_fields_are_in_places_where_c_has_them() -> None:
    with tf.Graph().as_default():
        shapes = [((3,), tf.bool), ((16, 2), tf.float32), ((5, 5), tf.float32), ((2,), tf.int32), ((), tf.int64)]
        handles = [tf.get_variable(f"v{n}", shape, kind).op for n, (shape, kind) in enumerate(shapes)]
        variables = [graph_node(handle) for handle in handles]
    fields = lay_out({v: TensorType(kind, shape) for v, (shape, kind) in zip(variables, shapes)})
    places = {field.name: field.offset for field in fields}
    assert places == {"v1": 0, "v2": 128, "v4": 232, "v3": 240, "v0": 248}
    for field in fields:
        assert field.offset % field.type.dtype.size == 0


def graph_node(operation: object) -> object:
    """The place of a variable, whichever of its nodes is given."""
    return operation if operation.type == "VariableV2" else operation.inputs[0].op  # type: ignore[attr-defined]


n = symbol("n")


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        (7, 7),
        (n * 12 + 64, 12 * 30 + 64),
        (ceildiv(n * 4, 64) * 64, 128),
        (ceildiv(n, 4) * n - 3, 8 * 30 - 3),
        (n - ceildiv(n, 7) * 7 + 7, 7),  # a remainder: largest in between, not at the end
        (100 - n, 99),
        (n * (30 - n), 225),
    ],
)
def test_largest_size(size: object, wanted: int) -> None:
    assert largest(size, {"n": 30}) == wanted  # type: ignore[arg-type]
