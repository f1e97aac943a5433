"""Nested structures by TensorFlow's names, and hyperparameters."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import pytest

import graphc as tf

Point = namedtuple("Point", ["x", "y"])


def test_structures_are_taken_apart_and_put_together() -> None:
    structure = {"b": [1, (2, 3)], "a": Point(4, 5)}
    assert tf.nest.flatten(structure) == [4, 5, 1, 2, 3]
    assert tf.nest.pack_sequence_as(structure, [6, 7, 8, 9, 10]) == {"b": [8, (9, 10)], "a": Point(6, 7)}
    assert tf.nest.map_structure(lambda a, b: a + b, structure, structure) == {"b": [2, (4, 6)], "a": Point(8, 10)}
    kept = tf.nest.map_structure(str, OrderedDict([("b", 1), ("a", 2)]))
    assert list(kept.items()) == [("b", "1"), ("a", "2")]
    assert tf.contrib.framework.nest.is_sequence([]) and not tf.nest.is_nested("text")


def test_structures_that_differ() -> None:
    tf.nest.assert_same_structure([1, (2,)], ["a", ("b",)])
    tf.nest.assert_same_structure([1, (2,)], ("a", ["b"]), check_types=False)
    with pytest.raises(TypeError, match="don't have the same sequence type"):
        tf.nest.assert_same_structure([1], (1,))
    for first, second in [([1], [1, 2]), ([1, [2]], [1, 2]), ({"a": 1}, {"b": 1})]:
        with pytest.raises(ValueError, match="don't have the same nested structure"):
            tf.nest.assert_same_structure(first, second)
    with pytest.raises(ValueError, match="structure had 2 elements, but flat_sequence had 1"):
        tf.nest.pack_sequence_as([1, 2], [3])
    with pytest.raises(TypeError, match="func must be callable"):
        tf.nest.map_structure(3, [1])


def test_structures_up_to_another() -> None:
    nest = tf.contrib.framework.nest
    assert nest.flatten_up_to([0, 0], [[1, 2], {"a": 3}]) == [[1, 2], {"a": 3}]
    assert nest.map_structure_up_to([0, (0,)], len, [[1, 2], ([3],)]) == [2, (1,)]
    assert nest.flatten_dict_items({(4, 5): ("a", "b"), 6: "c"}) == {4: "a", 5: "b", 6: "c"}
    with pytest.raises(TypeError, match="input must also be a sequence"):
        nest.flatten_up_to([0, [0]], [1, 2])


def hparams() -> tf.contrib.training.HParams:
    return tf.contrib.training.HParams(rate=0.1, steps=10, name="net", deep=False, units=[64, 32])


def test_hyperparameters_change_by_text_and_keep_their_types() -> None:
    h = hparams().parse("rate=1,steps=5,name=other,deep=true,units=[1,2,3]")
    assert (h.rate, h.steps, h.name, h.deep, h.units) == (1.0, 5, "other", True, [1, 2, 3])
    assert type(h.rate) is float
    assert h.parse("units[1]=9").units == [1, 9, 3]
    assert h.parse_json('{"steps": 7}').values() == {
        "rate": 1.0, "steps": 7, "name": "other", "deep": True, "units": [1, 9, 3],
    }  # fmt: skip
    assert h.to_json(sort_keys=True).startswith('{"deep": true, "name": "other"')
    assert h.get("steps") == 7 and h.get("none", 3) == 3 and "rate" in h
    h.add_hparam("more", None)
    h.set_hparam("more", "x")
    h.del_hparam("steps")
    assert "steps" not in h and h.more == "x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps=1.5", "Could not parse hparam 'steps' of type 'int' with value '1.5' in steps=1.5"),
        ("other=1", "Unknown hyperparameter: other"),
        ("steps=1,steps=2", "Multiple assignments to variable 'steps'"),
        ("steps=[1]", "Must not pass a list for single-valued parameter: steps"),
        ("units=1", "Must pass a list for multi-valued parameter: units."),
        ("=1", "Malformed hyperparameter value: =1"),
    ],
)
def test_hyperparameters_that_do_not_fit(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        hparams().parse(text)
    assert str(caught.value) == message
    with pytest.raises(ValueError, match="Could not cast hparam 'steps'"):
        hparams().set_hparam("steps", "many")
    with pytest.raises(ValueError, match="Hyperparameter name is reserved: rate"):
        hparams().add_hparam("rate", 1)
