"""Every transformation beside TensorFlow's: the sequence of elements, their types, shapes and structure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from tests.data.pipelines import PIPELINES


def described(tf: Any, dataset: Any) -> tuple[Any, Any]:
    """The nested dtypes and shapes of a dataset."""
    flatten = tf.nest.flatten
    types = [dtype.name for dtype in flatten(tf.data.get_output_types(dataset))]
    shapes = tf.data.get_output_shapes(dataset)
    leaves = [shapes] if isinstance(shapes, tf.TensorShape) else flatten(shapes)
    return types, [None if shape.ndims is None else shape.as_list() for shape in leaves]


def elements(tf: Any, make: Any) -> tuple[list[Any], Any, Any]:
    """All elements, flat; the structure of the first; what the dataset says of them."""
    with tf.Graph().as_default(), tf.Session() as session:
        dataset = make(tf)
        following = tf.data.make_initializable_iterator(dataset)
        element = following.get_next()
        session.run(following.initializer)
        found: list[Any] = []
        try:
            while len(found) < 60:
                found.append(session.run(element))
        except tf.errors.OutOfRangeError:
            pass
        flat = [tf.nest.flatten(one) for one in found]
        shapes = [x.shape.as_list() if x.shape.ndims is not None else None for x in tf.nest.flatten(element)]
        return flat, graphc.nest.skeleton(element), (*described(tf, dataset), shapes)


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize("name", PIPELINES)
def test_the_elements_are_those_of_tensorflow(name: str) -> None:
    tf = pytest.importorskip("tensorflow").compat.v1
    wanted, structure, types = elements(tf, PIPELINES[name])
    found, own_structure, own_types = elements(graphc, PIPELINES[name])
    assert own_structure == structure
    assert own_types == types
    assert len(found) == len(wanted) < 60
    for ours, theirs in zip(found, wanted, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert np.asarray(one).dtype == np.asarray(other).dtype
            np.testing.assert_array_equal(one, other)
