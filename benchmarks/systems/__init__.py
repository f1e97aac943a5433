"""How each system does what is measured: a file for each, which is imported in that system's own processes only.

A module has ``training(case)`` and ``function(case)``. Both return a call of one batch: of a training step it gives the
loss as a float, of a function the result as NumPy arrays.
"""

from __future__ import annotations

# As their makers write them.
NAMES = {
    "graphc": "graphc",
    "numpy": "NumPy",
    "jax": "JAX",
    "torch": "PyTorch",
    "torch_compile": "torch.compile",
    "tensorflow": "TensorFlow 1 API",
    "tensorflow_xla": "TensorFlow XLA",
    "pytensor": "PyTensor",
}
# The packages that must be installed, where they are not named as the system.
PACKAGES = {"torch_compile": "torch", "tensorflow": "tensorflow-cpu", "tensorflow_xla": "tensorflow-cpu"}
