"""How each system does what is measured: a file for each, which is imported in that system's own processes only.

A module has ``training(case)`` and ``function(case)``. Both return a call of one batch: of a training step it gives the
loss as a float, of a function the result as NumPy arrays.
"""

from __future__ import annotations

from typing import NamedTuple


class Needs(NamedTuple):
    """What must be installed for a system."""

    module: str
    package: str


NEEDS = {
    "graphc": Needs("graphc", "graphc"),
    "numpy": Needs("numpy", "numpy"),
    "jax": Needs("jax", "jax"),
    "torch": Needs("torch", "torch"),
    "torch_compile": Needs("torch", "torch"),
    "tensorflow": Needs("tensorflow", "tensorflow-cpu"),
    "tensorflow_xla": Needs("tensorflow", "tensorflow-cpu"),
    "pytensor": Needs("pytensor", "pytensor"),
}
