"""The launcher: TensorFlow 1 programs run unchanged, and what graphc lacks is named when it is used."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from graphc.tf1.places import PLACES


def launch(folder: Path, text: str, *words: str, module: bool = False) -> Any:
    (folder / "program.py").write_text(text)
    command = ["-m", "program"] if module else [str(folder / "program.py")]
    return subprocess.run(
        [sys.executable, "-m", "graphc.tf1", *command, *words], cwd=folder, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "", "HOME": str(folder)},
    )  # fmt: skip


TRAINING = """
from __future__ import print_function, division
import sys
import numpy as np
import tensorflow as tf
import helper
from tensorflow.python.framework import ops
from tensorflow.python.ops import array_ops, math_ops
from tensorflow.contrib import layers
import tensorflow.contrib.slim as slim
from tensorflow.examples.tutorials.mnist import input_data

flags = tf.app.flags
flags.DEFINE_integer("steps", 50, "steps")
FLAGS = flags.FLAGS


def main(argv):
    ops.reset_default_graph()
    x = tf.placeholder(tf.float32, [None, 3])
    w = tf.get_variable("w", [3, 1], initializer=tf.zeros_initializer())
    loss = tf.reduce_mean(tf.square(math_ops.matmul(x, w) - array_ops.reshape(x[:, 0], [-1, 1])))
    step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    data = np.random.RandomState(0).randn(20, 3)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(FLAGS.steps):
            sess.run(step, {x: data})
        found = np.abs(np.round(sess.run(w)[:, 0], 2)).tolist()
        print(found, argv[1:], __name__, helper.NAME, "annotations" in globals())


if __name__ == "__main__":
    tf.app.run()
"""


def test_a_training_program(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import tensorflow.compat.v1 as tf\nNAME = tf.__version__\n")
    result = launch(tmp_path, TRAINING, "--steps=200", "word")
    assert (result.stdout, result.stderr) == ("[1.0, 0.0, 0.0] ['word'] __main__ 1.15.5 False\n", "")
    assert result.returncode == 0


IMPORTS = """
import tensorflow as tf
import tensorflow.python.platform.gfile as gfile
from tensorflow.python import debug as tf_debug
from tensorflow.python.client import device_lib, timeline
from tensorflow.python.framework import dtypes, tensor_util, tensor_shape
from tensorflow.python.ops import control_flow_ops, variable_scope as vs
from tensorflow.python.platform import tf_logging as logging
from tensorflow.python.util import deprecation, nest, tf_inspect
from tensorflow.python.lib.io import file_io
from tensorflow.core.protobuf import config_pb2
from tensorflow import keras
from tensorflow.python.ops.nn_ops import *

for statement in (
    "from tensorflow.python.ops.rnn_cell_impl import _Nothing", "from tensorflow.python.framework.ops import Nothing",
    "import tensorflow.nothing", "from tensorflow.contrib.slim import no_such_layer",
):
    try:
        exec(statement)
        print(statement)
    except ImportError as error:
        print("ImportError")

print(dtypes.float32 is tf.float32, gfile.GFile is tf.gfile.GFile, vs.get_variable is tf.get_variable)
print(relu is tf.nn.relu, nest.flatten([1, [2]]), tensor_shape.unknown_shape(2), config_pb2.ConfigProto is tf.ConfigProto)
print(tensor_util.constant_value(tf.constant(3.0)), device_lib.list_local_devices()[0].device_type)
print(tf_inspect.getargspec(lambda a, b=3: 0).args, deprecation.deprecated("2018", "use")(len)([1]))
with tf.Session() as sess:
    print(sess.run(control_flow_ops.with_dependencies([tf.no_op()], tf.constant(3.0))))
for use in (lambda: tf_debug.LocalCLIDebugWrapperSession(sess), lambda: keras.layers.Dense(3), lambda: tf.nothing):
    try:
        use()
    except (NotImplementedError, AttributeError) as error:
        print(type(error).__name__, error)
class Net(keras.Model): pass
"""  # noqa: E501


def test_inner_modules_and_what_is_missing(tmp_path: Path) -> None:
    result = launch(tmp_path, IMPORTS, module=True)
    assert result.stdout, result.stderr
    assert result.stdout.splitlines() == [
        "ImportError", "ImportError", "ImportError", "ImportError",
        "True True True",
        "True [1, 2] (?, ?) True",
        "3.0 CPU",
        "['a', 'b'] 1",
        "3.0",
        "LeftOutError tensorflow.python.debug.LocalCLIDebugWrapperSession is not part of graphc (first named "
        "at program.py:4); instead: tf.Print, tf.Assert and tf.check_numerics",
        "LeftOutError tensorflow.keras.layers.Dense is not part of graphc (first named at program.py:12); "
        "instead: tf.layers, tf.losses and tf.train train the same models",
        "AttributeError graphc has no tensorflow.nothing",
    ]  # fmt: skip
    last = result.stderr.splitlines()[-1]
    assert last.startswith("graphc.left_out.LeftOutError: tensorflow.keras.Model is not part of graphc")
    assert result.returncode == 1


def test_an_error_shows_the_programs_lines(tmp_path: Path) -> None:
    result = launch(tmp_path, "import tensorflow as tf\ntf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))\n")
    assert "runner.py" not in result.stderr
    assert result.stderr.splitlines()[1].startswith(f'  File "{tmp_path}/program.py", line 2')
    assert result.stderr.endswith("declared at program.py:2\n")
    assert launch(tmp_path, "import sys\nsys.exit(5)").returncode == 5
    assert launch(tmp_path, "x = (").stderr.splitlines()[-1].startswith("SyntaxError")


def test_the_table_names_what_graphc_has() -> None:
    """Inner modules are places under graphc that can be imported, or that other releases may bring."""
    ours = {source.partition(":")[0] for sources in PLACES.values() for source in sources}
    own = [source for source in ours if source.startswith("tf1.")]
    assert own
    for source in own:
        importlib.import_module(f"graphc.{source}")
    for sources in PLACES.values():
        for source in sources:
            place, _, name = source.partition(":")
            if place.startswith("tf1.") and name:
                assert hasattr(importlib.import_module(f"graphc.{place}"), name), source
