"""The op table is whole: every kind of op has a row, and a gradient or a reason for having none."""

from __future__ import annotations

import importlib
import pkgutil

import graphc.ops
from graphc.codegen.scalar import OPS
from graphc.graph import Graph, Op
from graphc.ops.elementwise import RECORDS, Elementwise
from graphc.ops.reduction import REDUCTIONS
from graphc.ops.special import SPECIAL
from tests.ops.cases import CASES
from tests.ops.harness import Built, Case, build, with_gradients

# Kinds that no row can show, each with its reason.
ELSEWHERE = {
    "Const": "a value, not an op",
    "Seeds": "a constant of steps",
    "Placeholder": "every row has some",
    "PlaceholderWithDefault": "fed by a Session",
    "Kernel": "made of other ops by fusion",
    "VariableV2": "lives in a Session",
    "ReadVariable": "lives in a Session",
    "Assign": "lives in a Session",
    "AssignAdd": "lives in a Session",
    "AssignSub": "lives in a Session",
    "AssignScatter": "lives in a Session",
    "IsVariableInitialized": "lives in a Session",
    "InitializedValue": "lives in a Session",
    "NoOp": "has no value",
    "Barrier": "test_recompute_grad.py",
    "Recomputed": "test_recompute_grad.py",
    "RandomUniform": "test_random.py",
    "RandomStandardNormal": "test_random.py",
    "TruncatedNormal": "test_random.py",
    "RandomUniformInt": "test_random.py",
    "MultinomialUniform": "test_sampling.py",
    "StatelessUniform": "test_sampling.py",
    "StatelessNormal": "test_sampling.py",
    "StatelessTruncatedNormal": "test_sampling.py",
    "StatelessUniformInt": "test_sampling.py",
    "ShuffleDraws": "test_sampling.py",
    "CandidateInt": "test_sampled_losses.py",
    "CandidateUniform": "test_sampled_losses.py",
    "Draw": "test_sampling.py",
    "StreamState": "test_sampling.py",
    "Permutation": "test_sampling.py",
    "DimValue": "stands for a symbol; test_symbols.py",
    "Late": "declared again when values are known; test_late.py",
    "If": "holds graphs; tests/control",
    "While": "holds graphs; tests/control",
    "Undefined": "what the branch not taken leaves; tests/control",
    "NewRows": "part of a TensorArray; tests/control",
    "WriteRows": "part of a TensorArray; tests/control",
    "GrownRows": "part of a TensorArray; tests/control",
    "MoreRows": "made where a TensorArray grows; tests/control",
    "FewerRows": "the adjoint of a TensorArray that grew; tests/control",
    "AddRows": "made while simplifying; tests/control",
    "HistorySizes": "made where loops replay values of several sizes; control/test_growing.py",
    "CheckSize": "made where sizes are told while the step runs; test_fed_sizes.py",
}
# Kinds whose own gradient rule is missing, each with its reason.
NO_RULE = {
    "Const": "nothing flows into a constant",
    "Seeds": "nor into one of a step",
    "Placeholder": "a source",
    "Kernel": "made after differentiation",
    "HistorySizes": "made after differentiation",
    "MoreRows": "made after differentiation",
    "VariableV2": "a source",
    "Assign": "a write",
    "AssignAdd": "a write",
    "AssignSub": "a write",
    "AssignScatter": "a write",
    "IsVariableInitialized": "gives a bool",
    "InitializedValue": "a first value",
    "NoOp": "has no value",
    "Recomputed": "the gradient pass declares its segment once more",
    "DimValue": "a whole number",
    "Iota": "whole steps, made of no input",
    "Contract": "made after differentiation",
    "ContractPhases": "made after differentiation",
    "AddRows": "made after differentiation",
    "Undefined": "made of no input",
    "If": "the gradient pass walks its branches",
    "While": "the gradient pass walks its body",
}
# Formulas without any adjoint: steps, whole numbers and truth values.
FLAT = {
    "FloorDiv", "TruncateDiv", "Floor", "Ceil", "Round", "Equal", "NotEqual", "Less", "LessEqual", "Greater",
    "GreaterEqual", "LogicalAnd", "LogicalOr", "LogicalXor", "LogicalNot", "IsNan", "IsInf", "IsFinite", "BitwiseAnd",
    "BitwiseOr", "BitwiseXor", "Invert", "LeftShift", "RightShift",
}  # fmt: skip
# Formulas that no row can give, each with its reason.
MADE = {"IgammaGradA": "the adjoint of Igamma"}
# Kinds that no row differentiates, each with its reason.
NOT_DIFFERENTIATED = {
    "ArgReduce": "gives positions",
    "Bitcast": "other numbers in the same bytes",
    "CheckLabels": "gives whole numbers",
    "NotNegative": "of whole numbers",
}
# What several ops have in common; no node is of these alone.
FRAMES = {"Block", "ByFilter", "ByImages", "Filtered", "Forward", "Random", "SameValue"}


def _kinds(base: type[Op] = Op) -> set[type[Op]]:
    found: set[type[Op]] = set()
    for kind in base.__subclasses__():
        found |= {kind} | _kinds(kind)
    return found


def _all_kinds() -> set[type[Op]]:
    """Every concrete op of graphc."""
    for module in pkgutil.iter_modules(graphc.ops.__path__):
        importlib.import_module(f"graphc.ops.{module.name}")
    ours = {kind for kind in _kinds() if kind.__module__.startswith("graphc.") and not kind.__name__.startswith("_")}
    native = {kind for kind in ours if not kind.on_host}  # the others are tested beside what they are for
    return {kind for kind in native if kind.__name__ not in FRAMES}


def _graphs() -> list[Graph]:
    graphs = []
    for case in CASES:
        for unknown in {False, not case.known_sizes}:
            graphs.append(build(case, case.dtypes[0], unknown).graph)
            if case.differentiable != () and case.sources(case.dtypes[0]):
                graphs.append(with_gradients(case, case.dtypes[0], unknown)[0].graph)
    return graphs


def test_every_op_has_a_row() -> None:
    nodes = [node for graph in _graphs() for node in graph.nodes]
    shown = {type(node.kind).__name__ for node in nodes}
    # specialising makes these of the kinds that programs declare
    missing = {kind.__name__ for kind in _all_kinds()} - shown - set(ELSEWHERE)
    assert not missing
    assert not {node.type for node in nodes} & set(ELSEWHERE) - {"Const", "Placeholder"}
    formulas = {node.kind.fn for node in nodes if isinstance(node.kind, Elementwise)}
    missing_formulas = sorted({*RECORDS, *SPECIAL} - formulas)
    assert missing_formulas == []
    missing_reductions = sorted(set(REDUCTIONS) - {node.type for node in nodes})
    assert missing_reductions == []


def _differentiated(case: Case) -> str | None:
    """The first dtype in which gradients of a row are checked."""
    return next((dtype for dtype in case.dtypes if case.sources(dtype)), None)


def _given(built: Built) -> dict[str, int]:
    """The formulas whose values a row gives, and the most axes of those."""
    formulas = [(x.op.kind.fn, x.type.rank) for x in built.outputs if isinstance(x.op.kind, Elementwise)]
    return {fn: max(rank for name, rank in formulas if name == fn) for fn, _ in formulas}


def test_every_formula_has_a_row_of_its_own_with_axes() -> None:
    given = [_given(build(case, case.dtypes[0])) for case in CASES]
    shown = {fn for formulas in given for fn, rank in formulas.items() if rank > 1}
    assert {*RECORDS, *SPECIAL} - shown == set(MADE)


def test_every_formula_with_an_adjoint_has_a_row_of_its_own_with_gradients() -> None:
    given = [_given(build(case, dtype)) for case in CASES if (dtype := _differentiated(case))]
    shown = {fn for formulas in given for fn, rank in formulas.items() if rank > 0}
    assert {name for name, record in {**RECORDS, **SPECIAL}.items() if any(record.adjoints)} - shown == set(MADE)


def test_every_kind_with_a_rule_is_differentiated_by_a_row() -> None:
    """A row with second derivatives differentiates the nodes of its first ones too."""
    shown: set[str] = set()
    for case in CASES:
        if dtype := _differentiated(case):
            for unknown in {False, not case.known_sizes}:
                built = with_gradients(case, dtype, unknown)[0] if case.second else build(case, dtype, unknown)
                shown |= {type(node.kind).__name__ for node in built.graph.nodes}
    with_rule = {kind.__name__ for kind in _all_kinds() if kind.gradient is not Op.gradient}
    assert with_rule - shown - set(ELSEWHERE) == set(NOT_DIFFERENTIATED)


def test_every_formula_has_a_scalar_step() -> None:
    missing = sorted(record.scalar for record in (*RECORDS.values(), *SPECIAL.values()) if record.scalar not in OPS)
    assert missing == []


def test_every_op_has_a_gradient_or_a_reason() -> None:
    without = {kind.__name__ for kind in _all_kinds() if kind.gradient is Op.gradient}
    assert without == set(NO_RULE)


def test_formulas_without_adjoint_are_the_flat_ones() -> None:
    assert {name for name, record in {**RECORDS, **SPECIAL}.items() if not any(record.adjoints)} == FLAT


def test_every_op_has_a_numpy_meaning() -> None:
    without = {kind.__name__ for kind in _all_kinds() if kind.evaluate is Op.evaluate}
    assert without <= set(ELSEWHERE)
