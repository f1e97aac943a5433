"""graphc, by TensorFlow 1 programs."""

from __future__ import annotations

import graphc
from peers.tf1_programs import Programs

_programs = Programs(graphc)
mlp, cnn, matmul = _programs.mlp, _programs.cnn, _programs.matmul
overhead, chain = _programs.overhead, _programs.chain
