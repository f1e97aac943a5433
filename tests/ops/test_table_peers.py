"""Every row of the op table in TensorFlow: its values, gradients and second derivatives are graphc's, or a reason.

A row is built by its own code with TensorFlow's namespace in graphc's place, for every dtype. The two tables below hold
all that is not compared; a row that agrees must not stand in them.
"""

from __future__ import annotations

import pytest

from tests.ops.cases import CASES
from tests.ops.harness import Case
from tests.ops.side_by_side import disagreements
from tests.ops.translate import NoCounterpart, translated

NO_FUNCTION = {
    "pad between and cut": "TensorFlow pads at the edges alone",
    "labels checked": "a check inside of losses, whose tests show it",
    "shapes checked": "a check that functions of graphc have inside of them",
    "counts checked": "a check that functions of graphc have inside of them",
    "scatter mul": "TensorFlow multiplies rows of variables alone: tests/test_variable_scatter.py",
    "scatter div": "TensorFlow divides rows of variables alone: tests/test_variable_scatter.py",
    "contract with steps": "made while a graph is simplified",
    "contract with paired axes": "made while a graph is simplified",
    "contract by phases": "made while a graph is simplified",
    "Fourier transforms": "the ops that transforms are made of; tests/ops/test_peers_complex.py has TensorFlow's",
    "real transform": "the ops that transforms are made of",
    "inverse real transforms": "the ops that transforms are made of",
    "complex transforms": "the ops that transforms are made of",
    "complex transform of a product of lengths": "the ops that transforms are made of",
}
ORDER = "with NaN, TensorFlow's comparison is no order, and what it gives depends on its sorting algorithm"
NO_GRADIENT = "TensorFlow has no gradient here"
DILATED = "on CPUs TensorFlow has no gradient of dilated convolutions in float64"
BY_DEPTH = "on CPUs TensorFlow's adjoints of depthwise convolution forget dilations, and float64 has none"
EXPLICIT = "on CPUs TensorFlow has no adjoint of depthwise convolution with explicit padding"
VOLUMES = "on CPUs TensorFlow pools volumes of float32 alone"
# What first differs in a row: values, gradient or second; for all floats, or for one dtype.
DIFFERENT: dict[str, tuple[str, str]] = {
    "truncatemod": ("gradient", NO_GRADIENT),
    "truncatemod of floats": ("gradient", NO_GRADIENT),
    "softsign": ("second float64", NO_GRADIENT),
    "top_k beside NaN": ("values", ORDER),
    "argsort of odd floats": ("values", ORDER),
    "cumprod backwards, exclusive": ("gradient", "TensorFlow divides by the elements, zeros among them"),
    "one_hot": ("gradient", "graphc has a gradient for on_value and off_value"),
    "unique": ("gradient", NO_GRADIENT + ", and raises LookupError, where graphc says None"),
    "unique of nothing": ("gradient", NO_GRADIENT),
    "unique_with_counts": ("gradient", NO_GRADIENT),
    "setdiff1d": ("gradient", NO_GRADIENT),
    "bincount of weights by number": ("gradient", NO_GRADIENT + ", and raises LookupError, where graphc says None"),
    "lu": ("gradient", NO_GRADIENT),
    "qr of a wide matrix": ("gradient", "TensorFlow 1 has none either: it came with 2"),
    "nuclear norms": ("values", "TensorFlow has no nuclear norm"),
    "matrix_solve_ls by singular values": ("gradient", NO_GRADIENT),
    "digamma of special values": ("second float64", "at poles TensorFlow 1.15 says infinity too; later ones NaN"),
    "bessel_i1e of special values": ("second float64", "at zero TensorFlow divides 0 by 0"),
    "digamma below zero": ("gradient float32", "there TensorFlow loses zeta in float32; float64 agrees"),
    "xdivy of zero": ("second float64", "x is zero, so the derivative is; TensorFlow multiplies by the square of NaN"),
    "conv2d SAME (3, 3) (2, 1) (3, 2) 3>4 NHWC": ("gradient float64", DILATED),
    "conv2d VALID (2, 2) (2, 3) (2, 2) 3>4 NHWC": ("gradient float64", DILATED),
    "conv2d SAME (1, 1) (2, 1) (3, 2) 3>4 NHWC": ("gradient float64", DILATED),
    "conv2d VALID (1, 1) (1, 3) (3, 2) 3>4 NHWC": ("gradient float64", DILATED),
    "conv2d SAME (1, 1) (2, 3) (3, 2) 32>8 NHWC": ("gradient float64", DILATED),
    "conv1d SAME 1 2 NCW": ("gradient float64", DILATED),
    "conv3d SAME (1, 1, 1) (1, 2, 1) NCDHW": ("values float64", DILATED),
    "depthwise ((1, 2), (0, 1)) (1, 3) (1, 1) (3, 2) 3x1 NHWC": ("gradient float32, values float64", EXPLICIT),
    "depthwise ((0, 1), (2, 2)) (1, 3) (1, 1) (3, 2) 3x2 NCHW": ("gradient float32, values float64", EXPLICIT),
    "depthwise SAME (1, 1) (2, 1) (3, 2) 3x2 NHWC": ("gradient float32, values float64", BY_DEPTH),
    "depthwise SAME (3, 3) (2, 2) (2, 3) 35x1 NHWC": ("gradient float32, values float64", BY_DEPTH),
    "complex sums and products": ("second float64", "graphc's are those of finite differences, TensorFlow's are not"),
    "complex special values": ("values complex64", "unexplained: some are 0 in TensorFlow alone; complex128 agrees"),
    "max_pool with NaN": ("gradient float64", "TensorFlow passes it to NaN there, to the greatest in float32"),
    "max_pool over channels": ("gradient", "on CPUs TensorFlow has no adjoint of it"),
    "max_pool over leading channels": ("values", "on CPUs TensorFlow has channels last alone"),
    "max_pool3d SAME (2, 1, 2) (2, 2, 2) NDHWC": ("values float64", VOLUMES),
    "max_pool3d VALID (2, 1, 2) (1, 1, 2) NCDHW": ("values float64", VOLUMES),
    "avg_pool3d SAME (2, 1, 2) (2, 2, 2) NDHWC": ("values float64", VOLUMES),
    "avg_pool3d VALID (2, 1, 2) (1, 1, 2) NCDHW": ("values float64", VOLUMES),
}
COMPARED = [case for case in CASES if case.name not in NO_FUNCTION]


def _expected(case: Case) -> dict[str, str]:
    """What is expected to differ first, by dtype."""
    kinds = DIFFERENT.get(case.name, ("", ""))[0]
    found: dict[str, str] = {}
    for text in filter(None, kinds.split(", ")):
        kind, _, dtype = text.partition(" ")
        found |= dict.fromkeys([dtype] if dtype else [d for d in case.dtypes if d.startswith("float")], kind)
    return found


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", COMPARED, ids=[case.name for case in COMPARED])
def test_tensorflow_gives_the_same(case: Case) -> None:
    found = disagreements(case)
    assert {dtype: kind for dtype, (kind, _) in found.items()} == _expected(case), found


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NO_FUNCTION)
def test_tensorflow_has_no_such_function(name: str) -> None:
    import tensorflow

    v1 = tensorflow.compat.v1
    (case,) = [case for case in CASES if case.name == name]
    with v1.Graph().as_default(), pytest.raises(NoCounterpart):
        translated(case.build, v1)(*(v1.placeholder(a.dtype, a.shape) for a in case.arrays(case.dtypes[0])))


def test_reasons_belong_to_rows() -> None:
    names = [case.name for case in CASES]
    assert not {*NO_FUNCTION, *DIFFERENT} - {*names}
    whole = sum(name not in DIFFERENT for name in names) - len(NO_FUNCTION)
    print(
        f"{len(names)} rows: {whole} as in TensorFlow, {len(DIFFERENT)} but for what is stated, {len(NO_FUNCTION)} not"
    )
