"""Ahead of time: a training step as an object file, a shared library and a C header that need neither Python nor LLVM.

artifact = aot.compile([loss, train], [x, y], "out", name="mlp")     # mlp.o, libmlp.so, mlp.h, mlp.py
model = aot.load(artifact.library)                                   # NumPy is all that this needs
loss = model.step(images, labels)
"""

from graphc.aot.compile import Artifact, compile, compile_entries
from graphc.aot.loader import Model, load, read_state

__all__ = ["Artifact", "Model", "compile", "compile_entries", "load", "read_state"]
