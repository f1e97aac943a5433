"""How large a model is: its variables and outputs, their sizes printed and summed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from graphc.graph import Graph
from graphc.variables import Variable


def tensor_description(var: Any) -> str:
    """``(float32_ref 3x3x3x64) [1728, bytes: 6912]``, as TensorFlow 1 writes it."""
    sizes = "x".join(str(size) for size in var.shape.as_list()) if var.shape.ndims is not None else "?"
    kind = f"{var.dtype.name}_ref" if isinstance(var, Variable) else var.dtype.name
    number = var.shape.num_elements()
    count = f"[{number or 0}, bytes: {(number or 0) * var.dtype.size}]"
    return f"({kind} {sizes}) {count}"


def analyze_ops(graph: Graph, print_info: bool = False) -> int:
    """The number of elements of all outputs of operations whose shapes are known."""
    if print_info:
        print("---------\nOperations: name -> (type shapes) [size]\n---------")
    total = 0
    for op in graph.get_operations():
        size = sum(output.shape.num_elements() or 0 for output in op.outputs)
        shapes = ", ".join(str(output.shape) for output in op.outputs if output.shape.num_elements() is not None)
        if print_info:
            print(op.name, "\t->", f"{shapes} [{size}]")
        total += size
    return total


def analyze_vars(variables: Sequence[Any], print_info: bool = False) -> tuple[int, int]:
    """The number of elements of the variables, and of their bytes."""
    if print_info:
        print("---------\nVariables: name (type shape) [size]\n---------")
    elements = bytes_ = 0
    for variable in variables:
        number = variable.shape.num_elements() or 0
        elements += number
        bytes_ += number * variable.dtype.size
        if print_info:
            print(variable.name, tensor_description(variable))
    if print_info:
        print(f"Total size of variables: {elements}")
        print(f"Total bytes of variables: {bytes_}")
        sys.stdout.flush()
    return elements, bytes_
