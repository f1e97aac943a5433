"""graphc, by TensorFlow 1 programs."""

from __future__ import annotations

import graphc
from benchmarks.systems.tf1 import Programs

_programs = Programs(graphc)
training, function = _programs.training, _programs.function
