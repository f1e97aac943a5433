"""Random legal programs, as lines of Python: each line declares a tensor from earlier ones.

Values are looked at while a program grows, so that it stays tame: floats do not overflow, and nothing is decided by the
last bits (a comparison of nearly equal floats is not added). In wild programs whole numbers wrap, divisors are values,
and inputs may be written in. A program prints as a file that runs: ``python -m tests.random_programs 0 3`` shows those
of seeds 0 to 2. A third number is how many lines they have; a fourth that is not 0 makes them wild.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import graphc as tf
from graphc.interpret import evaluate

SIZES = (1, 2, 3, 4, 5, 17, 70)  # the last is long enough for a row to wait in memory
LARGEST = 900  # elements
MARGIN = 1e-3  # how far floats must be from where a decision changes


@dataclass
class Value:
    """A tensor of a program: its name there, and its value for the program's feeds."""

    name: str
    tensor: Any
    array: Any

    @property
    def dtype(self) -> str:
        """The name of the element type."""
        return self.tensor.dtype.name

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes."""
        return self.array.shape

    @property
    def is_float(self) -> bool:
        """Whether elements are floats."""
        return self.array.dtype.kind == "f"


@dataclass
class Program:
    """Lines that declare inputs and tensors, the names to fetch, and the assignments to run with them."""

    inputs: list[str] = field(default_factory=list)
    feeds: dict[str, str] = field(default_factory=dict)  # name of a placeholder -> expression for its value
    lines: list[str] = field(default_factory=list)
    updates: list[str] = field(default_factory=list)
    fetches: list[str] = field(default_factory=list)

    def declare(self) -> dict[str, Any]:
        """The names of the program after its lines have run in the default graph."""
        names: dict[str, Any] = {"tf": tf, "np": np}
        for line in (*self.inputs, *self.lines, *self.updates):
            exec(line, names)
        return names

    def __str__(self) -> str:
        feeds = ", ".join(f"{name}: {value}" for name, value in self.feeds.items())
        fetched = ", ".join([*self.fetches, *(line.split(" = ")[0] for line in self.updates)])
        return "\n".join([
            "import numpy as np",
            "import graphc as tf",
            *self.inputs, *self.lines, *self.updates,
            "session = tf.Session()",
            "session.run(tf.global_variables_initializer())",
            f"feeds = {{{feeds}}}",
            "for _ in range(2):",
            f"    print(session.run([{fetched}], feeds))",
        ])  # fmt: skip

    def simpler(self) -> Iterator[Program]:
        """The programs that lack one line or one fetch of this one."""
        if len(self.fetches) > 1:
            for name in self.fetches:
                yield replace(self, fetches=[other for other in self.fetches if other != name])
        for place in reversed(range(len(self.updates))):
            yield replace(self, updates=self.updates[:place] + self.updates[place + 1 :])
        for place in reversed(range(len(self.lines))):
            name = self.lines[place].split(" = ")[0]
            lines = self.lines[:place] + self.lines[place + 1 :]
            if name not in self.fetches:
                yield replace(self, lines=lines)
            elif lines:
                yield replace(self, lines=lines, fetches=[lines[-1].split(" = ")[0]])


class Choosing:
    """What all that grows programs choose by chance: values, and fetches."""

    random: random.Random
    program: Program
    values: list[Any]

    def choose_fetches(self) -> None:
        """The last line, and some others."""
        made = [line.split(" = ")[0] for line in self.program.lines] or ["x0"]
        count = min(len(made), self.random.randint(1, 4))
        self.program.fetches = sorted({made[-1], *self.random.sample(made, count)})

    def pick(self, wanted: Callable[[Any], bool] = lambda _: True) -> Any:
        """A value that is as wanted, later ones more often; None where there is none."""
        fitting = [value for value in self.values if wanted(value)]
        if not fitting:
            return None
        return fitting[max(self.random.randrange(len(fitting)), self.random.randrange(len(fitting)))]


class Growing(Choosing):
    """A program to which lines are added while they keep it tame."""

    def __init__(self, seed: int, lines: int, wild: bool = False):
        self.wild = wild
        self.random = random.Random(seed)
        self.program = Program()
        self.names: dict[str, Any] = {"tf": tf, "np": np}
        self.known: dict[Any, Any] = {}
        self.values: list[Value] = []
        self.graph = tf.Graph()
        with self.graph.as_default():
            self._add_inputs()
            for _ in range(10 * lines):
                if len(self.program.lines) < lines:
                    self._add_line()
            self._add_updates()
        self.choose_fetches()

    # -- inputs ----------------------------------------------------------------------------------------

    def _add_inputs(self) -> None:
        for number in range(self.random.randint(2, 4)):
            whole = ["int32", "int32", "int64", "uint8"] if self.wild else ["int32"]
            dtype = self.random.choice(["float32", "float64", "float32", "float64", *whole, "bool"])
            shape = self.shape()
            value = f"np.random.RandomState({number}).uniform(-2, 2, {list(shape)}).astype(np.{dtype})"
            if dtype == "bool":
                value = f"np.random.RandomState({number}).uniform(-1, 1, {list(shape)}) > 0"
            elif self.wild and dtype in whole:
                limits = f"np.iinfo(np.{dtype}).min, np.iinfo(np.{dtype}).max"
                value = f"np.random.RandomState({number}).randint({limits}, size={list(shape)}, dtype=np.{dtype})"
            array = np.asarray(eval(value, {"np": np}))
            name = f"x{number}"
            if self.wild and self.random.random() < 0.4:
                self.program.inputs.append(f"{name} = tf.constant({value})")
            elif dtype != "bool" and self.random.random() < 0.3:
                self.program.inputs.append(f"{name} = tf.Variable({value})")
            else:
                declared = [None if self.random.random() < 0.2 else size for size in shape]
                self.program.inputs.append(f"{name} = tf.placeholder(tf.{dtype}, {declared})")
                self.program.feeds[name] = value
            exec(self.program.inputs[-1], self.names)
            tensor = tf.convert_to_tensor(self.names[name])
            self.known[tensor] = array
            self.values.append(Value(name, tensor, array))

    def shape(self) -> tuple[int, ...]:
        """A small shape."""
        sizes = [self.random.choice(SIZES) for _ in range(self.random.randint(0, 3))]
        return tuple(sizes) if np.prod(sizes, initial=1) <= LARGEST else tuple(sizes[:1])

    # -- lines -------------------------------------------------------------------------------------------

    def _add_line(self) -> None:
        expression = self.random.choice(MAKERS)(self)
        if expression is None:
            return
        nodes = len(self.graph.nodes)
        try:
            tensor = eval(expression, self.names)
            array = evaluate(self.graph, self.known, [tensor])[0]
        except (ValueError, TypeError, IndexError, ArithmeticError):
            del self.graph.nodes[nodes:]
            return
        may_wrap = self.wild and array.dtype.kind in "iu"
        if array.size > LARGEST or not (may_wrap or is_tame(array)) or tensor.dtype.name not in DTYPES:
            return
        name = f"v{len(self.program.lines)}"
        self.program.lines.append(f"{name} = {expression}")
        self.names[name] = tensor
        self.known[tensor] = array
        self.values.append(Value(name, tensor, array))

    def _add_updates(self) -> None:
        for line in self.program.inputs:
            name = line.split(" = ")[0]
            if "Variable" not in line:
                continue
            variable = next(value for value in self.values if value.name == name)
            fitting = [
                v for v in self.values if (v.dtype, v.shape) == (variable.dtype, variable.shape) and v is not variable
            ]
            if fitting:
                assign = self.random.choice(["assign", "assign_add", "assign_sub"])
                amount = self.random.choice(fitting).name
                self.program.updates.append(f"u{name} = tf.{assign}({name}, {amount})")

    # -- choosing ----------------------------------------------------------------------------------------

    def beside(self, value: Value) -> Value | None:
        """A value of the same dtype that broadcasts with another."""
        return self.pick(lambda other: other.dtype == value.dtype and _broadcasts(other.shape, value.shape))

    def axes(self, value: Value) -> list[int]:
        """Some of the axes."""
        rank = len(value.shape)
        return sorted(self.random.sample(range(rank), self.random.randint(1, rank))) if rank else []


DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")


def is_tame(array: Any) -> bool:
    if array.dtype.kind == "b":
        return True
    return bool(np.all(np.isfinite(array))) and bool(np.all(np.abs(array) < 1e3))


def _broadcasts(a: Sequence[int], b: Sequence[int]) -> bool:
    return all(m == n or 1 in (m, n) for m, n in zip(reversed(a), reversed(b)))


def _is_clear(difference: Any) -> bool:
    """Whether no element is decided by the last bits: floats keep away from zero."""
    return difference.dtype.kind != "f" or bool(np.all(np.abs(difference) > MARGIN))


# -- what a line may be ------------------------------------------------------------------------------------

_SMOOTH = [
    "tf.tanh({0})", "tf.sigmoid({0})", "tf.exp(-tf.abs({0}))", "tf.log1p(tf.abs({0}))", "tf.sqrt(tf.abs({0}) + 0.5)",
    "tf.square({0})", "-{0}", "tf.abs({0})", "tf.nn.relu({0})", "tf.nn.softplus({0})", "tf.erf({0})", "tf.sin({0})",
    "tf.cos({0})", "tf.rsqrt(tf.square({0}) + 1.0)", "tf.reciprocal(tf.square({0}) + 1.0)", "{0} * 1.0", "{0} + 0.0",
    "{0} / 1.0", "{0} / 4.0", "0.5 * {0} * 2.0", "{0} ** 2.0", "{0} ** 3.0", "{0} ** 1.0", "tf.abs({0}) ** 0.5",
    "-(-{0})", "2.0 - {0}", "{0} * {0}", "tf.identity({0})", "tf.stop_gradient({0})",
]  # fmt: skip
_WHOLE = [
    "-{0}", "tf.abs({0})", "tf.square({0})", "{0} * 2 + 1", "{0} // 3", "{0} % 5", "{0} * 0", "{0} + 0", "{0} - {0}",
]  # fmt: skip


def _unary(growing: Growing) -> str | None:
    x = growing.pick(lambda value: value.dtype != "bool")
    if x is None:
        return None
    return growing.random.choice(_SMOOTH if x.is_float else _WHOLE).format(x.name)


def _binary(growing: Growing) -> str | None:
    x = growing.pick(lambda value: value.dtype != "bool")
    y = x and growing.beside(x)
    if x is None or y is None:
        return None
    forms = ["{0} + {1}", "{0} - {1}", "{0} * {1}", "tf.maximum({0}, {1})", "tf.minimum({0}, {1})", "{0} + -{1}"]
    if x.is_float:
        forms.append("{0} / (tf.square({1}) + 0.5)")
    elif growing.wild:
        forms += ["{0} // {1}", "{0} % {1}", "tf.truncatediv({0}, {1})", "tf.truncatemod({0}, {1})"]
    return growing.random.choice(forms).format(x.name, y.name)


def _comparison(growing: Growing) -> str | None:
    x = growing.pick(lambda value: value.dtype != "bool")
    y = x and growing.beside(x)
    if x is None or y is None or x is y or not _is_clear(x.array - y.array):
        return None
    return f"tf.{growing.random.choice(['less', 'greater_equal', 'equal', 'not_equal'])}({x.name}, {y.name})"


def _logic(growing: Growing) -> str | None:
    x = growing.pick(lambda value: value.dtype == "bool")
    y = x and growing.beside(x)
    if x is None or y is None:
        return None
    forms = ["tf.logical_and({0}, {1})", "tf.logical_or({0}, {1})", "tf.logical_not({0})", "tf.logical_xor({0}, {1})"]
    return growing.random.choice(forms).format(x.name, y.name)


def _select(growing: Growing) -> str | None:
    condition = growing.pick(lambda value: value.dtype == "bool")
    x = condition and growing.pick(lambda value: value.shape == condition.shape)
    y = x and growing.pick(lambda value: (value.shape, value.dtype) == (x.shape, x.dtype))
    return f"tf.where({condition.name}, {x.name}, {y.name})" if condition and x and y else None


def _cast(growing: Growing) -> str | None:
    x = growing.pick()
    target = growing.random.choice(DTYPES)
    if x is None or (x.is_float and not target.startswith("float") and not _is_clear(x.array - np.rint(x.array))):
        return None
    if x.is_float and (target == "bool" or (x.dtype, target) == ("float32", "float64")):
        return None  # a float64 must be exact to its own last bits
    return f"tf.cast({x.name}, tf.{target})"


def _reduction(growing: Growing) -> str | None:
    x = growing.pick(lambda value: len(value.shape) > 0)
    if x is None:
        return None
    fns = ["sum", "mean", "max", "min"] if x.is_float else ["sum", "max", "min", "prod"]
    fns = ["any", "all"] if x.dtype == "bool" else fns + (["logsumexp"] if x.is_float else [])
    axes = growing.axes(x) if growing.random.random() < 0.8 else None
    keep = growing.random.random() < 0.5
    return f"tf.reduce_{growing.random.choice(fns)}({x.name}, {axes}, keepdims={keep})"


def _whole_axis(growing: Growing) -> str | None:
    x = growing.pick(lambda value: value.is_float and len(value.shape) > 0)
    if x is None:
        return None
    axis = growing.random.randrange(len(x.shape))
    ordered = np.sort(x.array, axis)
    if growing.random.random() < 0.5 and _is_clear(np.diff(ordered, axis=axis)):
        return f"tf.{growing.random.choice(['argmax', 'argmin'])}({x.name}, {axis})"
    return growing.random.choice(
        ["tf.nn.softmax({0}, {1})", "tf.nn.log_softmax({0}, {1})", "tf.cumsum({0}, {1})"]
    ).format(x.name, axis)


def _reshape(growing: Growing) -> str | None:
    x = growing.pick()
    if x is None:
        return None
    sizes = [size for size in x.shape if size != 1]
    if growing.random.random() < 0.5 and len(sizes) > 1:
        place = growing.random.randrange(len(sizes) - 1)
        sizes[place : place + 2] = [sizes[place] * sizes[place + 1]]
    for _ in range(growing.random.randint(0, 2)):
        sizes.insert(growing.random.randint(0, len(sizes)), 1)
    return f"tf.reshape({x.name}, {sizes})"


def _axes_moved(growing: Growing) -> str | None:
    x = growing.pick(lambda value: len(value.shape) > 1)
    if x is None:
        return None
    order = list(range(len(x.shape)))
    growing.random.shuffle(order)
    return f"tf.transpose({x.name}, {order})"


def _unit_axis(growing: Growing) -> str | None:
    x = growing.pick()
    if x is None:
        return None
    ones = [axis for axis, size in enumerate(x.shape) if size == 1]
    if ones and growing.random.random() < 0.5:
        return f"tf.squeeze({x.name}, [{growing.random.choice(ones)}])"
    return f"tf.expand_dims({x.name}, {growing.random.randint(0, len(x.shape))})"


def _repeated(growing: Growing) -> str | None:
    x = growing.pick()
    if x is None:
        return None
    if x.shape and growing.random.random() < 0.3:
        return f"tf.tile({x.name}, {[growing.random.randint(1, 2) for _ in x.shape]})"
    shape = [growing.random.choice(SIZES[1:4]) if size == 1 else size for size in x.shape]
    leading = [growing.random.choice(SIZES[:3])] if growing.random.random() < 0.5 else []
    return f"tf.broadcast_to({x.name}, {leading + shape})"


def _part(growing: Growing) -> str | None:
    x = growing.pick(lambda value: len(value.shape) > 0)
    if x is None:
        return None
    keys = []
    for size in x.shape:
        first = growing.random.randrange(size)
        last = growing.random.randint(first + 1, size)
        step = growing.random.choice(["", "", "2"])
        keys.append(growing.random.choice([":", f"{first}:{last}:{step}", "::-1", str(first)]))
    return f"{x.name}[{', '.join(keys)}]"


def _around(growing: Growing) -> str | None:
    x = growing.pick(lambda value: len(value.shape) > 0 and value.dtype != "bool")
    if x is None:
        return None
    if growing.random.random() < 0.3:
        return f"tf.reverse({x.name}, {growing.axes(x)})"
    return f"tf.pad({x.name}, {[[growing.random.randint(0, 1), growing.random.randint(0, 2)] for _ in x.shape]})"


def _joined(growing: Growing) -> str | None:
    x = growing.pick(lambda value: len(value.shape) > 0)
    y = x and growing.pick(lambda value: (value.dtype, value.shape) == (x.dtype, x.shape))
    if x is None or y is None:
        return None
    axis = growing.random.randrange(len(x.shape))
    return growing.random.choice(["tf.concat([{0}, {1}, {0}], {2})", "tf.stack([{0}, {1}], {2})"]).format(
        x.name, y.name, axis
    )


def _gathered(growing: Growing) -> str | None:
    x = growing.pick(lambda value: len(value.shape) > 0)
    if x is None:
        return None
    axis = growing.random.randrange(len(x.shape))
    places = [growing.random.randrange(x.shape[axis]) for _ in range(growing.random.randint(1, 4))]
    return f"tf.gather({x.name}, {places}, axis={axis})"


def _counted(growing: Growing) -> str | None:
    """The rows that a mask takes, whose number the step counts, made to a value of known shape again."""
    x = growing.pick(lambda value: value.is_float and len(value.shape) >= 1 and value.shape[0] > 0)
    if x is None:
        return None
    mask = f"tf.reshape({x.name}, [{x.shape[0]}, -1])[:, 0] > {growing.random.choice(['0', '-1', '9'])}"
    part = f"tf.boolean_mask({x.name}, {mask})"
    return growing.random.choice([
        f"tf.reduce_sum({part} * {part}, 0)",
        f"tf.concat([{part}, {x.name}], 0)[:{x.shape[0]}]",
        f"tf.unsorted_segment_sum({part}, tf.where({mask})[:, 0], {x.shape[0]})",
        f"{x.name} * tf.cast(tf.shape({part})[0], {x.name}.dtype)",
        f"tf.dynamic_stitch([tf.range({x.shape[0]}), tf.cast(tf.where({mask})[:, 0], tf.int32)], [{x.name}, -{part}])",
    ])  # fmt: skip


def _product(growing: Growing) -> str | None:
    x = growing.pick(lambda value: value.is_float and len(value.shape) in (2, 3))
    y = x and growing.pick(
        lambda value: value.dtype == x.dtype and len(value.shape) == len(x.shape) and value.shape[:-2] == x.shape[:-2]
    )
    if x is None or y is None:
        return None
    for ta, tb in growing.random.sample([(False, False), (False, True), (True, False), (True, True)], 4):
        if x.shape[-2 if ta else -1] == y.shape[-1 if tb else -2]:
            return f"tf.matmul({x.name}, {y.name}, transpose_a={ta}, transpose_b={tb}) * 0.25"
    return None


def _gradient(growing: Growing) -> str | None:
    """Of a value with respect to an input, where one leads to the other."""
    y = growing.pick(lambda value: value.is_float and value.name.startswith("v"))
    x = growing.pick(
        lambda value: value.is_float and value.name.startswith("x") and value.dtype == getattr(y, "dtype", "")
    )
    if x is None or y is None:
        return None
    return f"tf.convert_to_tensor(tf.gradients({y.name}, {x.name}, unconnected_gradients='zero')[0])"


MAKERS: tuple[Callable[[Growing], str | None], ...] = (
    *[_unary] * 4, *[_binary] * 6, _comparison, _logic, _select, _cast, *[_reduction] * 3, _whole_axis, _reshape,
    _axes_moved, _unit_axis, _repeated, _part, _around, _joined, _gathered, _counted, *[_product] * 2, _gradient,
)  # fmt: skip


def random_program(seed: int, lines: int = 14, wild: bool = False) -> Program:
    """The program of a seed, of about so many lines."""
    return Growing(seed, lines, wild).program


def show(make: Callable[..., Program], first: int, last: int, *options: int) -> None:
    """Prints the programs of all seeds from ``first`` to before ``last``."""
    for seed in range(first, last):
        print(f"# seed {seed}\n{make(seed, *options)}\n")


if __name__ == "__main__":
    show(random_program, *map(int, sys.argv[1:]))
