"""Random legal steps, as lines of Python, and what is fed in each of many runs: other ranks, sizes and fed sizes.

Each line declares a tensor that has a tame value in every run. A step may end with a mistake: a line that some of the
runs refuse. It prints as a file that runs: ``python -m tests.random_steps 0 3`` shows those of seeds 0 to 2. A third
number is how many lines they have.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import graphc as tf
from graphc.interpret import evaluate
from graphc.versions import MOST_EXACT
from tests.random_programs import Choosing, Program, is_tame, show

RUNS = 2 * MOST_EXACT + 1
LARGEST = 3000  # elements
SIZES = (0, 1, 2, 2, 3, 3, 4, 5, 6, 17, 33)
MISTAKES = (ValueError, TypeError, IndexError, ArithmeticError, tf.errors.OpError)  # of the NumPy meaning


@dataclass
class Runs(Program):
    """A program, and what is fed in each of its runs: ``feeds`` of each by name."""

    runs: list[dict[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        runs = ["{" + ", ".join(f"{name}: {value}" for name, value in feeds.items()) + "}" for feeds in self.runs]
        return "\n".join([
            "import numpy as np",
            "import graphc as tf",
            *self.inputs, *self.lines,
            "session = tf.Session()",
            "session.run(tf.global_variables_initializer())",
            "for feeds in [",
            *(f"    {feeds}," for feeds in runs),
            "]:",
            f"    print(session.run([{', '.join(self.fetches)}], feeds))",
        ])  # fmt: skip

    def simpler(self) -> Iterator[Program]:
        """The same with fewer runs."""
        for place in reversed(range(len(self.runs))):
            yield replace(self, runs=self.runs[:place] + self.runs[place + 1 :])
        yield from super().simpler()


@dataclass
class Value:
    """A tensor of a program: its name there, and its value in each run."""

    name: str
    tensor: Any
    arrays: list[Any]

    @property
    def dtype(self) -> str:
        """The name of the element type."""
        return self.tensor.dtype.name

    @property
    def is_float(self) -> bool:
        """Whether elements are floats."""
        return self.arrays[0].dtype.kind == "f"

    @property
    def rank(self) -> int:
        """The rank where it is the same in every run, and -1 elsewhere."""
        ranks = {array.ndim for array in self.arrays}
        return ranks.pop() if len(ranks) == 1 else -1


class Growing(Choosing):
    """A program to which lines are added while NumPy gives them a tame value in every run."""

    def __init__(self, seed: int, lines: int):
        self.random = random.Random(seed)
        self.program = Runs(runs=[{} for _ in range(RUNS)])
        self.names: dict[str, Any] = {"tf": tf, "np": np}
        self.known: list[dict[Any, Any]] = [{} for _ in range(RUNS)]
        self.values: list[Value] = []
        self.sizes = {name: self._sizes() for name in "ABC"}
        self.graph = tf.Graph()
        with self.graph.as_default():
            self._add_inputs()
            for _ in range(12 * lines):
                if len(self.program.lines) < lines:
                    self._add_line(may_fail=False)
            if self.random.random() < 0.3:
                self._add_mistake()
        self.choose_fetches()

    def _sizes(self) -> list[int]:
        """A size in each run: the first ones serve symbols, later ones may be anything, and some come again."""
        sizes = [self.random.choice(SIZES[2:]) for _ in range(self.random.randint(1, 4))]
        while len(sizes) < RUNS:
            sizes.append(self.random.choice([*sizes, *SIZES]))
        if self.random.random() < 0.5:
            self.random.shuffle(sizes)
        return sizes

    # -- inputs ----------------------------------------------------------------------------------------

    def _add_inputs(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            dtype = self.random.choice(["float32", "float32", "float64", "int32"])
            if self.random.random() < 0.25:
                self._add_of_any_rank(dtype)
            else:
                self._add_placeholder(dtype)
        for _ in range(self.random.randint(1, 2)):
            self._add_number()
        if self.random.random() < 0.4:
            self._add_numbers()
        if self.random.random() < 0.4:
            self._add_input("tf.Variable(np.linspace(-1, 1, 3).astype(np.float32))", [])

    def _add_placeholder(self, dtype: str) -> None:
        """Of two or three axes, each with a size that changes from run to run, or 3."""
        axes = [self.random.choice("AABC3") for _ in range(self.random.choice([1, 2, 2, 3]))]
        shapes = [[3 if axis == "3" else self.sizes[axis][run] for axis in axes] for run in range(RUNS)]
        declared: Any = [3 if axis == "3" else None for axis in axes]
        self._add_fed(dtype, declared if self.random.random() < 0.85 else None, shapes)

    def _add_of_any_rank(self, dtype: str) -> None:
        """Of another rank each time, so that it broadcasts with other inputs."""
        axes = [self.random.choice("AB3") for _ in range(3)]
        shapes = []
        for run in range(RUNS):
            sizes = [3 if axis == "3" else self.sizes[axis][run] for axis in axes]
            shapes.append(sizes[self.random.randint(0, 3) :])
        self._add_fed(dtype, None, shapes)

    def _add_fed(self, dtype: str, declared: Any, shapes: list[list[int]]) -> None:
        number = len(self.program.inputs)
        if dtype == "int32":
            fed = [f"np.random.RandomState({n}).randint(0, 5, {s}).astype(np.int32)" for n, s in enumerate(shapes)]
        else:
            fed = [
                f"np.random.RandomState({n + number}).uniform(-2, 2, {s}).astype(np.{dtype})"
                for n, s in enumerate(shapes)
            ]
        self._add_input(f"tf.placeholder(tf.{dtype}{'' if declared is None else f', {declared}'})", fed)

    def _add_number(self) -> None:
        """A fed whole number, which is the size of an axis in every run or any."""
        fed = [self.random.choice([0, 1, 2, 3, 3, 4, 5, 6, 7, 8]) for _ in range(RUNS)]
        if self.random.random() < 0.5:
            fed = self.sizes[self.random.choice("ABC")]
        self._add_input("tf.placeholder(tf.int32, [])", [f"np.int32({number})" for number in fed])

    def _add_numbers(self) -> None:
        """Two fed whole numbers in one tensor."""
        fed = [f"np.int32({[self.random.choice([1, 2, 3, 4, 5]) for _ in range(2)]})" for _ in range(RUNS)]
        self._add_input("tf.placeholder(tf.int32, [2])", fed)

    def _add_input(self, declaration: str, fed: list[str]) -> None:
        name = f"x{len(self.program.inputs)}"
        self.program.inputs.append(f"{name} = {declaration}")
        exec(self.program.inputs[-1], self.names)
        tensor = tf.convert_to_tensor(self.names[name])
        arrays = [np.asarray(eval(value, {"np": np})) for value in fed]
        for feeds, value in zip(self.program.runs, fed, strict=False):
            feeds[name] = value
        if not fed:  # a variable
            arrays = [np.linspace(-1, 1, 3).astype(np.float32)] * RUNS
        self._keep(name, tensor, arrays)

    # -- lines -------------------------------------------------------------------------------------------

    def _keep(self, name: str, tensor: Any, arrays: list[Any]) -> None:
        self.names[name] = tensor
        for known, array in zip(self.known, arrays, strict=True):
            known[tensor] = array
        self.values.append(Value(name, tensor, arrays))

    def _add_line(self, may_fail: bool) -> bool:
        expression = self.random.choice(MAKERS)(self)
        if expression is None:
            return False
        nodes = len(self.graph.nodes)
        try:
            tensor = eval(expression, self.names)
            arrays = [self._value(tensor, known, may_fail) for known in self.known]
        except MISTAKES:
            del self.graph.nodes[nodes:]
            return False
        failing = sum(array is None for array in arrays)
        fits = all(array is None or (array.size <= LARGEST and is_tame(array)) for array in arrays)
        if not fits or (may_fail and not 0 < failing <= RUNS // 2):
            del self.graph.nodes[nodes:]
            return False
        name = f"v{len(self.program.lines)}"
        self.program.lines.append(f"{name} = {expression}")
        if not failing:
            self._keep(name, tensor, arrays)
        return True

    def _value(self, tensor: Any, known: dict[Any, Any], may_fail: bool) -> Any:
        try:
            return evaluate(self.graph, known, [tensor])[0]
        except MISTAKES:
            if may_fail:
                return None
            raise

    def _add_mistake(self) -> None:
        """One line more, which is wrong in some of the runs."""
        for _ in range(40):
            if self._add_line(may_fail=True):
                return

    # -- choosing ----------------------------------------------------------------------------------------

    def of_numbers(self) -> Value | None:
        """A value of floats or of whole numbers, no single one of these."""
        return self.pick(lambda value: value.dtype != "bool" and (value.is_float or value.rank != 0))

    def number(self) -> str:
        """A whole number: a fed one, a size, or a constant."""
        n = self.pick(lambda value: value.dtype == "int32" and value.rank == 0)
        x = self.pick(lambda value: value.rank > 0)
        forms = [str(self.random.choice([1, 2, 3]))]
        if n is not None:
            forms += [n.name, n.name, n.name, f"({n.name} + 1)", f"({n.name} // 2)"]
        if x is not None:
            forms += [f"tf.shape({x.name})[{self.random.randrange(x.rank)}]"]
        pair = self.pick(lambda value: value.name.startswith("x") and value.dtype == "int32" and value.rank == 1)
        if pair is not None and all(array.shape == (2,) for array in pair.arrays):
            forms += [f"{pair.name}[{self.random.randrange(2)}]"] * 2
        return self.random.choice(forms)


# -- what a line may be ------------------------------------------------------------------------------------

_SMOOTH = [
    "tf.tanh({0})", "tf.exp(-tf.abs({0}))", "tf.square({0})", "-{0}", "tf.nn.relu({0})", "tf.sin({0})", "2.0 - {0}",
    "{0} / (1.0 + {0} * {0})", "tf.identity({0})", "{0} * 0.5 + 1.0", "tf.nn.softplus({0})", "{0} + tf.zeros_like({0})",
]  # fmt: skip
_WHOLE = ["-{0}", "tf.square({0})", "{0} * 2 + 1", "{0} // 3", "{0} % 5", "{0} - {0}", "{0} + tf.ones_like({0})"]


def _unary(growing: Growing) -> str | None:
    x = growing.of_numbers()
    return x and growing.random.choice(_SMOOTH if x.is_float else _WHOLE).format(x.name)


def _binary(growing: Growing) -> str | None:
    x = growing.of_numbers()
    y = x and growing.pick(lambda value: value.dtype == x.dtype)
    forms = ["{0} + {1}", "{0} - {1}", "{0} * {1}", "tf.maximum({0}, {1})", "tf.minimum({0}, {1})"]
    return growing.random.choice(forms).format(x.name, y.name) if x and y else None


def _reduction(growing: Growing) -> str | None:
    x = growing.of_numbers()
    axis = growing.random.choice(["None", "0", "-1", "[0, -1]", "1", "tf.range(1, tf.rank({0}))"])
    fn = growing.random.choice(["sum", "max", "min", "sum", "prod", "mean"])
    keep = growing.random.random() < 0.4
    return x and f"tf.reduce_{fn}({x.name}, {axis.format(x.name)}, keepdims={keep})"


def _whole_axis(growing: Growing) -> str | None:
    x = growing.pick(lambda value: value.is_float and value.rank != 0)
    forms = [
        "tf.nn.softmax({0})", "tf.cumsum({0}, {1})", "tf.nn.log_softmax({0}, {1})", "tf.reverse({0}, [{1}])",
        "tf.nn.top_k({0}, {2}).values", "tf.sort({0}, {1})", "tf.nn.l2_normalize({0} + 3.0, {1})",
        "tf.nn.moments({0}, [{1}])[1]", "tf.cumprod(tf.tanh({0}), {1}, exclusive=True, reverse=True)",
    ]  # fmt: skip
    return x and growing.random.choice(forms).format(x.name, growing.random.choice([0, -1]), growing.number())


def _reshape(growing: Growing) -> str | None:
    x, y, n, m = growing.pick(), growing.pick(), growing.number(), growing.number()
    forms = [
        "tf.reshape({0}, [-1])", "tf.reshape({0}, [{2}, -1])", "tf.reshape({0}, [-1, {2}])",
        "tf.reshape({0}, [{2}, {3}])", "tf.reshape({0}, tf.shape({1}))", "tf.expand_dims({0}, 0)",
        "tf.expand_dims({0}, -1)", "tf.transpose({0})", "tf.reshape({0}, [{2}, {3}, -1])",
        "tf.reshape({0}, tf.concat([[{2}], [-1]], 0))", "tf.reshape({0}, tf.concat([tf.shape({0})[:1], [1, -1]], 0))",
    ]  # fmt: skip
    return x and y and growing.random.choice(forms).format(x.name, y.name, n, m)


def _made(growing: Growing) -> str | None:
    y, n, m = growing.pick(), growing.number(), growing.number()
    forms = [
        "tf.fill([{1}, {2}], 1.5)", "tf.zeros([{1}])", "tf.ones([3, {1}])", "tf.range({1})", "tf.range({1}, {2})",
        "tf.eye({1})", "tf.zeros(tf.shape({0}))", "tf.fill(tf.shape({0}), 2)", "tf.cast(tf.range({1}), tf.float32)",
        "tf.linspace(0.0, 1.0, {1} + 1)", "tf.one_hot(tf.range({1}), {2})", "tf.eye({1}, {2})",
        "tf.sequence_mask(tf.range({1}), {2}, tf.float32)", "tf.range(0, {1}, 2) * {2}",
        "tf.ones(tf.stack([{1}, {2}]), tf.float64)", "tf.size({0}) + {1}", "tf.shape({0})",
    ]  # fmt: skip
    return y and growing.random.choice(forms).format(y.name, n, m)


def _repeated(growing: Growing) -> str | None:
    x, n = growing.pick(lambda value: 0 < value.rank < 4), growing.number()
    if x is None:
        return None
    y = growing.pick()
    ones = ", 1" * (x.rank - 1)
    forms = [
        f"tf.tile({{0}}, [{{2}}{ones}])", f"tf.tile({{0}}, [{'1, ' * (x.rank - 1)}{{2}}])",
        "tf.broadcast_to({0}, tf.shape({1}))", "tf.broadcast_to({0}, tf.concat([[{2}], tf.shape({0})], 0))",
        f"tf.pad({{0}}, [[{{2}}, 1]{', [0, 1]' * (x.rank - 1)}])",
        f"tf.pad({{0}}, [[{{2}}, {{2}}]{', [0, 0]' * (x.rank - 1)}], constant_values=2)",
    ]  # fmt: skip
    return (y and x.dtype != "bool" and growing.random.choice(forms).format(x.name, y.name, n)) or None


def _part(growing: Growing) -> str | None:
    x, n, m = growing.pick(lambda value: value.rank > 0), growing.number(), growing.number()
    if x is None:
        return None
    zeros, rest = ", 0" * (x.rank - 1), ", -1" * (x.rank - 1)
    forms = [
        "{0}[:{1}]", "{0}[{1}:]", "{0}[..., :{1}]", "{0}[-{1}:]", "{0}[::-1]", "{0}[{1}]", "{0}[{1}:{2}]", "{0}[0]",
        "{0}[::{1} + 1]", "{0}[..., -1]", "{0}[..., {1}:]", "{0}[{1}:{2}:2]", "{0}[{2}:{1}:-1]",
        f"tf.slice({{0}}, [{{1}}{zeros}], [-1{rest}])", f"tf.slice({{0}}, [1{zeros}], [{{1}}{rest}])",
        f"tf.slice({{0}}, [0{zeros}], [{{1}}{rest}])", "tf.strided_slice({0}, [{1}], [{2}])",
    ]  # fmt: skip
    return growing.random.choice(forms).format(x.name, n, m)


def _joined(growing: Growing) -> str | None:
    x = growing.pick(lambda value: value.rank != 0)
    y = x and growing.pick(lambda value: value.dtype == x.dtype and value.rank == x.rank)
    forms = ["tf.concat([{0}, {1}], 0)", "tf.concat([{1}, {0}, {1}], -1)", "tf.stack([{0}, {1}])"]
    return growing.random.choice(forms).format(x.name, y.name) if x and y else None


def _gathered(growing: Growing) -> str | None:
    x, n = growing.pick(lambda value: value.rank != 0), growing.number()
    rows = growing.pick(lambda value: value.dtype == "int32" and value.rank == 1)
    forms = ["tf.gather({0}, tf.range({1}))", "tf.gather({0}, tf.range({1}) % 2, axis=-1)", "tf.gather({0}, {1})"]
    if rows is not None:
        forms += [f"tf.gather({{0}}, {rows.name})", f"tf.one_hot({rows.name}, {{1}})",
                  f"tf.unsorted_segment_sum({{0}}, {rows.name}, {{1}})", f"tf.sequence_mask({rows.name})",
                  f"tf.bincount(tf.abs({rows.name}), minlength={{1}})", f"tf.unique({rows.name})[0]",
                  f"tf.scatter_nd({rows.name}[:, None], {{0}}, tf.concat([[{{1}}], tf.shape({{0}})[1:]], 0))",
                  f"tf.repeat({{0}}, {rows.name}, 0)"]  # fmt: skip
    return (x and x.dtype != "bool" and growing.random.choice(forms).format(x.name, n)) or None


def _counted(growing: Growing) -> str | None:
    """Rows whose number the step counts; whole numbers decide."""
    x = growing.pick(lambda value: value.rank > 0 and value.dtype != "bool")
    rows = growing.pick(lambda value: value.dtype == "int32" and value.rank == 1)
    if x is None or rows is None:
        return None
    mask = f"{rows.name} > {growing.random.choice(['0', '2', '9'])}"
    return growing.random.choice([
        f"tf.boolean_mask({x.name}, {mask})",
        f"tf.reduce_sum(tf.boolean_mask({x.name}, {mask}), 0)",
        f"tf.concat([tf.boolean_mask({x.name}, {mask}), {x.name}], 0)",
        f"tf.gather({x.name}, tf.where({mask})[:, 0])",
        f"tf.where({mask})",
    ])  # fmt: skip


def _comparison(growing: Growing) -> str | None:
    x = growing.pick(lambda value: value.dtype == "int32")
    y = growing.pick(lambda value: value.dtype == "int32")
    forms = ["tf.less({0}, {1})", "tf.cast({0} < {1}, tf.float32)", "tf.where({0} < {1}, {0}, {1})"]
    forms += ["tf.cast({0}, tf.float32)"] * 2
    return growing.random.choice(forms).format(x.name, y.name) if x and y else None


def _product(growing: Growing) -> str | None:
    x = growing.pick(lambda value: value.is_float and value.rank in (2, 3))
    y = x and growing.pick(lambda value: value.dtype == x.dtype and value.rank == x.rank)
    flags = growing.random.choice(["", ", transpose_b=True", ", transpose_a=True"])
    if x is None or y is None:
        return None
    if growing.random.random() < 0.2 and x.rank == 2:
        return f"tf.tensordot({x.name}, {y.name}, 1) * 0.25"
    return f"tf.matmul({x.name}, {y.name}{flags}) * 0.25"


def _window(growing: Growing) -> str | None:
    """Of rows of three channels."""
    x = growing.pick(lambda value: value.dtype == "float32" and value.rank == 3)
    if x is None or any(array.shape[2] != 3 for array in x.arrays):
        return None
    weights = "np.linspace(-1, 1, 12).reshape(2, 3, 2).astype(np.float32)"
    padding = growing.random.choice(["SAME", "VALID"])
    return growing.random.choice([
        f"tf.nn.conv1d({x.name}, {weights}, {growing.random.choice([1, 2])}, '{padding}')",
        f"tf.nn.pool({x.name}, [2], 'MAX', '{padding}')",
        f"tf.nn.pool({x.name}, [3], 'AVG', '{padding}', strides=[2])",
    ])  # fmt: skip


def _looped(growing: Growing) -> str | None:
    x, n = growing.pick(lambda value: value.is_float), growing.number()
    forms = [
        "tf.while_loop(lambda i, _: i < {1}, lambda i, y: (i + 1, tf.tanh(y) + 0.5), (0, {0}))[1]",
        "tf.while_loop(lambda i, _: i < {1}, lambda i, y: (i + 1, y * 0.5 + {0}), (0, tf.zeros_like({0})))[1]",
        "tf.cond({1} > 2, lambda: {0}, lambda: {0} * -2.0)",
        "tf.cond({1} > 2, lambda: {0} + 1.0, lambda: tf.zeros_like({0}))",
        "tf.cond({1} > 2, lambda: tf.reduce_sum({0}), lambda: 1.0 * tf.reduce_max({0}))",
    ]  # fmt: skip
    if x is not None and x.rank > 0:
        forms += [
            "tf.map_fn(lambda row: row * 2.0, {0})",
            "tf.map_fn(lambda row: tf.reduce_sum(row), {0})",
            "tf.scan(lambda a, row: a * 0.5 + row, {0})",
            "tf.foldl(lambda a, row: a * 0.5 + row, {0})",
            "tf.map_fn(lambda i: {0}[i], tf.range({1}), {0}.dtype)",
            "tf.map_fn(lambda i: tf.reduce_sum({0}[:i]), tf.range({1}), {0}.dtype)",
            "tf.while_loop(lambda i, _: i < {1}, lambda i, y: (i + 1, tf.concat([y, y[-1:] * 0.5], 0)), (0, {0}),"
            " (tf.TensorShape([]), tf.TensorShape([None, *{0}.shape.as_list()[1:]])))[1]",
        ]  # fmt: skip
    return x and growing.random.choice(forms).format(x.name, n)


def _gradient(growing: Growing) -> str | None:
    """Of a value with respect to an input, where one leads to the other."""
    y = growing.pick(lambda value: value.is_float and value.name.startswith("v"))
    x = y and growing.pick(lambda value: value.is_float and value.name.startswith("x") and value.dtype == y.dtype)
    if x is None or y is None:
        return None
    return f"tf.convert_to_tensor(tf.gradients({y.name}, {x.name}, unconnected_gradients='zero')[0])"


MAKERS: tuple[Callable[[Growing], str | None], ...] = (
    *[_unary] * 3, *[_binary] * 5, *[_reduction] * 3, _whole_axis, *[_reshape] * 3, *[_made] * 4, *[_repeated] * 2,
    *[_part] * 3, _joined, *[_gathered] * 2, _counted, _comparison, *[_product] * 2, _window, *[_looped] * 2,
    *[_gradient] * 2,
)  # fmt: skip


def random_runs(seed: int, lines: int = 8) -> Runs:
    """The program of a seed, of about so many lines."""
    return Growing(seed, lines).program


if __name__ == "__main__":
    show(random_runs, *map(int, sys.argv[1:]))
