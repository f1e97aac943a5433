"""TensorFlow, by the same programs as graphc, through its version 1 interface."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow.compat.v1 as tf

from benchmarks.systems.tf1 import Programs

tf.disable_eager_execution()
_threads = int(os.environ["OMP_NUM_THREADS"])
_programs = Programs(tf, tf.ConfigProto(intra_op_parallelism_threads=_threads, inter_op_parallelism_threads=1))
training, function = _programs.training, _programs.function
