"""TensorFlow, by the same programs as graphc, through its version 1 interface."""

from __future__ import annotations

import os

from peers.tf1_programs import Programs

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow.compat.v1 as tf

tf.disable_eager_execution()
_threads = int(os.environ["OMP_NUM_THREADS"])
_config = tf.ConfigProto(intra_op_parallelism_threads=_threads, inter_op_parallelism_threads=1)
_programs = Programs(tf, _config)
mlp, cnn, matmul = _programs.mlp, _programs.cnn, _programs.matmul
overhead, chain = _programs.overhead, _programs.chain
