"""Slots: variables that an optimizer or an average keeps beside another variable, named ``w/Adam``, ``w/Adam_1``..."""

from __future__ import annotations

from typing import Any

from graphc.initializers import Zeros
from graphc.variable_scope import get_variable, variable_scope
from graphc.variables import Variable


def create_slot(primary: Any, value: Any, name: str) -> Variable:
    """A slot beside ``primary`` (a variable or a tensor) that begins with ``value``."""
    with variable_scope(None, f"{primary.op.name}/{name}"):
        return get_variable("", initializer=value, trainable=False)


def create_zeros_slot(primary: Any, name: str, dtype: Any = None) -> Variable:
    """A slot beside ``primary``, of its shape, that begins with zeros."""
    return create_slot_with_initializer(primary, Zeros(), primary.shape, dtype or primary.dtype, name)


def create_slot_with_initializer(primary: Any, initializer: Any, shape: Any, dtype: Any, name: str) -> Variable:
    """A slot beside ``primary`` that begins with ``initializer(shape, dtype)``."""
    with variable_scope(None, f"{primary.op.name}/{name}"):
        return get_variable("", shape=shape, dtype=dtype, initializer=initializer, trainable=False)
