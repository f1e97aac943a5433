"""How many instructions a training step takes, counted under callgrind: the same each time, and near the arithmetic.

The models are compiled for the plain AVX2 processor, whose tiles and blocks do not depend on the machine, and run on
one thread; so the counts repeat exactly. A bound is what the formulas ask of whole vectors, times a factor that stands
3 to 5 % above today's count: a step that takes a tenth more fails. Who saves instructions lowers the factor.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import graphc as tf
from graphc import aot
from tests.aot import models

CC, VALGRIND = shutil.which("cc"), shutil.which("valgrind")
LANES = 8  # of 32-bit floats in one register of AVX2
STEPS = 3

pytestmark = [
    pytest.mark.skipif(CC is None, reason="there is no C compiler"),
    pytest.mark.skipif(VALGRIND is None, reason="valgrind is not installed"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the models are compiled for x86-64"),
]


class Counted(NamedTuple):
    """A step, and the vector instructions that its arithmetic alone would take."""

    fetches: list[Any]
    feeds: list[Any]
    vectors: int
    factor: float


def perceptron() -> Counted:
    """784-128-10, batch 64, momentum. Each product costs a multiply-add forwards, and one for each gradient."""
    x, y = inputs([64, 784])
    scores = models.dense(tf.nn.relu(models.dense(x, 128, "hidden")), 10, "scores")
    hidden, last = 64 * 784 * 128, 64 * 128 * 10
    return Counted(*trained(scores, x, y), (2 * hidden + 3 * last) // LANES, 2.41)  # nothing asks for x's gradient


def convolutional() -> Counted:
    """Two convolutions 3x3 of which the second halves the picture, and a dense layer; batch 8."""
    x, y = inputs([8, 16, 16, 3])
    first = tf.nn.relu(convolved(x, 16, 1, "first"))
    second = tf.nn.relu(convolved(first, 32, 2, "second"))
    scores = models.dense(tf.reshape(second, [8, 8 * 8 * 32]), 10, "scores")
    one, two, last = 8 * 16 * 16 * 9 * 3 * 16, 8 * 8 * 8 * 9 * 16 * 32, 8 * 8 * 8 * 32 * 10
    return Counted(*trained(scores, x, y), (2 * one + 3 * two + 3 * last) // LANES, 2.84)


def adam_update() -> Counted:
    """One variable of 20,000 elements and a gradient that is fed.

    A vector of it is 4 loads, 3 stores and 10 operations: ``m += (g - m) * a``, ``v += (g * g - v) * b`` and
    ``w -= m * rate / (sqrt(v) + epsilon)``, with two multiply-adds.
    """
    weights = tf.get_variable("weights", [20_000])
    grad = tf.placeholder(tf.float32, [20_000], name="x")
    train = tf.train.AdamOptimizer().apply_gradients([(grad, weights)])
    return Counted([train], [grad], 20_000 // LANES * 17, 1.35)


def inputs(shape: list[int]) -> list[Any]:
    """What is fed: values, and a class for each row."""
    return [tf.placeholder(tf.float32, shape, name="x"), tf.placeholder(tf.int64, shape[:1], name="y")]


def convolved(x: Any, filters: int, stride: int, name: str) -> Any:
    """x * kernel + bias, padded."""
    with tf.variable_scope(name):
        kernel = tf.get_variable("kernel", [3, 3, int(x.shape[-1]), filters])
        bias = tf.get_variable("bias", [filters], initializer=tf.zeros_initializer())
        return tf.nn.conv2d(x, kernel, [1, stride, stride, 1], "SAME") + bias


def trained(scores: Any, x: Any, y: Any) -> tuple[list[Any], list[Any]]:
    """Fetches and feeds of a step that lowers the cross entropy by momentum."""
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=scores), name="loss")
    return [loss, tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)], [x, y]


@pytest.mark.parametrize("make", [perceptron, convolutional, adam_update], ids=lambda make: make.__name__)
def test_instructions_of_a_step(make: Callable[[], Counted], tmp_path: Path) -> None:
    step = make()
    program = built(aot.compile(step.fetches, step.feeds, tmp_path, target="avx2", library=False))
    counts = counted(program)
    assert len(set(counts)) == 1, f"steps differ: {counts}"
    assert counted(program) == counts, "a second run takes other instructions"
    most = int(step.vectors * step.factor)
    assert counts[0] <= most, f"{counts[0] / step.vectors:.3f} instructions for each of the formulas' {step.vectors}"
    assert counts[0] * 1.1 > most, f"lower the factor: {counts[0] / step.vectors:.3f} is enough"


MAIN = """
#include "model.h"

static model instance;
{arrays}

int main(void) {{
    for (int n = 0; n < MODEL_STEP_X; n++) x[n] = (float)(n * 7919L % 1000) / 1000;
    {labels}
    if (model_init(&instance)) return 1;
    for (int n = 0; n < {steps}; n++)
        if (model_step({arguments})) return 2;
    return 0;
}}
"""


def built(artifact: aot.Artifact) -> Path:
    """A program that runs the step some times on values that are always the same."""
    entry, folder = artifact.entries[0], artifact.folder
    types = {"f32": "float", "i64": "int64_t"}
    arrays = [
        f"static {types[parameter.dtype.short]} {parameter.identifier}[MODEL_STEP_{parameter.identifier.upper()}];"
        for parameter in (*entry.feeds, *entry.fetches)
    ]
    names = [parameter.identifier for parameter in (*entry.feeds, *entry.fetches)]
    labels = "for (int n = 0; n < MODEL_STEP_Y; n++) y[n] = n % 10;" if "y" in names else ""
    arguments = ", ".join(["&instance", *names])
    text = MAIN.format(arrays="\n".join(arrays), labels=labels, steps=STEPS, arguments=arguments)
    (folder / "main.c").write_text(text)
    command = [str(CC), "-std=c99", "-O1", f"-I{folder}", folder / "main.c", artifact.object, "-o", folder / "main"]
    subprocess.run(command, check=True)
    return folder / "main"


def counted(program: Path) -> list[int]:
    """The instructions of each step, in the order they run: callgrind writes a file whenever the function returns."""
    out = program.parent / "counts"
    options = ["--tool=callgrind", "--toggle-collect=model_step", "--dump-after=model_step"]
    subprocess.run(
        [str(VALGRIND), *options, f"--callgrind-out-file={out}", program], capture_output=True, check=True, timeout=300
    )
    texts = [out.with_name(f"counts.{step + 1}").read_text() for step in range(STEPS)]
    return [int(text.partition("\ntotals: ")[2].split()[0]) for text in texts]
