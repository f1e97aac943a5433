"""Records: fields by place, name and default; equality; what they refuse."""

from __future__ import annotations

import copy
import pickle
from functools import cached_property
from typing import Any, ClassVar

import pytest

from graphc.records import fields, record, replace


@record
class Point:
    """A place."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 2
    z: int = 3

    @cached_property
    def total(self) -> int:
        return self.x + self.y + self.z


@record
class Named(Point):
    name: str = "p"


@record(eq=False)
class Identity:
    value: int


@record
class Nothing:
    pass


@record
class Checked:
    x: int

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x must not be negative")


def test_values_by_place_by_name_and_by_default() -> None:
    points = [Point(1, 5, 6), Point(1), Point(x=3), Point(1, z=7), Point(1, 4)]
    assert [(p.x, p.y, p.z) for p in points] == [(1, 5, 6), (1, 2, 3), (3, 2, 3), (1, 2, 7), (1, 4, 3)]
    assert (Named(1).name, Named(1, 2, 3, "q").name, Named(1, name="r").name) == ("p", "q", "r")


def test_equality_and_hash_are_those_of_the_fields() -> None:
    assert Point(1) == Point(1, 2, 3) and hash(Point(1)) == hash(Point(1, 2, 3))
    assert Point(1) != Point(2)
    assert Point(1) != Named(1) and Point(1) != (1, 2, 3)
    assert Nothing() == Nothing() and hash(Nothing()) == hash(Nothing())
    assert Identity(1) != Identity(1)
    assert len({Identity(1), Identity(1), Point(1), Point(1), Checked(1), Checked(1)}) == 4


def test_records_do_not_change() -> None:
    point = Point(1)
    for change in (lambda: setattr(point, "x", 2), lambda: delattr(point, "x")):
        with pytest.raises(AttributeError) as caught:
            change()
        assert str(caught.value) == "cannot change field 'x': a Point is frozen"
    assert (point.total, point.total) == (6, 6)


def test_fields_and_replace() -> None:
    assert list(fields(Named(1))) == ["x", "y", "z", "name"]
    assert fields(Named(1))["y"] == 2
    assert replace(Named(1), y=9) == Named(1, 9)
    assert fields(3) == {}


def test_text_copies_and_pickles() -> None:
    assert repr(Named(1)) == "Named(x=1, y=2, z=3, name='p')"
    assert repr(Nothing()) == "Nothing()"
    assert copy.copy(Named(3)) == Named(3) == pickle.loads(pickle.dumps(Named(3)))


def test_a_check_runs_after_construction() -> None:
    assert Checked(1).x == 1
    with pytest.raises(ValueError) as caught:
        Checked(-1)
    assert str(caught.value) == "x must not be negative"


@pytest.mark.parametrize(
    ("values", "named", "text"),
    [
        ((), {}, "Point misses the field 'x'"),
        ((1, 2, 3, 4), {}, "Point takes 3 fields, not 4"),
        ((1,), {"x": 2}, "Point got field 'x' twice, or has no such field"),
        ((1,), {"w": 2}, "Point got field 'w' twice, or has no such field"),
        ((), {"w": 2}, "Point got field 'w' twice, or has no such field"),
        ((), {"y": 2}, "Point misses the field 'x'"),
        ((1, 2, 3), {"w": 2}, "Point got field 'w' twice, or has no such field"),
    ],
)
def test_wrong_arguments(values: tuple[Any, ...], named: dict[str, Any], text: str) -> None:
    with pytest.raises(TypeError) as caught:
        Point(*values, **named)
    assert str(caught.value) == text
