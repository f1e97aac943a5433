"""Train the same step twice with the same batches, in a Session and from C, and compare every bit.

The step is compiled ahead of time; a C program of a page (``train.c``) is built against the generated header and
trains. It knows nothing of Python: batches come from one file, losses and final weights go to two others.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import graphc as tf
import models
from data_sets import Examples, load_digits, shuffled_batches
from graphc import aot
from training import Classifier, declare, train_step

TRAIN_C = Path(__file__).with_name("train.c")


def main(arguments: list[str] | None = None) -> int:
    """Compare the convolutional network on the 8x8 digits; 0 when all bits are equal."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="FOLDER", help="for what is written")
    parser.add_argument("--quick", action="store_true", help="ten steps")
    options = parser.parse_args(arguments)
    steps = 10 if options.quick else options.steps
    examples = load_digits().train
    tf.set_random_seed(0)
    classifier = declare(models.convolutional_network, examples.images.shape[1:], steps)
    return 0 if compare(classifier, examples, 32, steps, 0, options.out) else 1


def compare(classifier: Classifier, examples: Examples, batch_size: int, steps: int, seed: int, out: Path) -> bool:
    """Whether training in a Session and from C give the same losses and weights, which is printed too."""
    artifact = aot.compile(
        {"loss": classifier.loss, "train": classifier.train},
        {"images": classifier.images, "labels": classifier.labels},
        out,
        name="digits",
        batch=batch_size,
    )
    print(f"compiled ahead of time: {artifact.object}, {artifact.object.stat().st_size} bytes")
    batches = some_batches(examples, batch_size, steps, seed)
    losses, variables = train_in_session(classifier, batches)
    losses_c, variables_c = train_in_c(artifact, batches, out)
    same_losses = losses.tobytes() == losses_c.tobytes()
    same_weights = all(variables[name].tobytes() == variables_c[name].tobytes() for name in variables)
    print(f"{steps} steps, last loss {losses[-1]:.6f} in the Session and {losses_c[-1]:.6f} from C")
    print(f"losses: {'equal bit for bit' if same_losses else 'DIFFERENT'}")
    print(f"final weights: {'equal bit for bit' if same_weights else 'DIFFERENT'}")
    return same_losses and same_weights


def some_batches(examples: Examples, batch_size: int, steps: int, seed: int) -> list[Examples]:
    """As many shuffled batches as steps, over as many epochs as that takes."""
    random = np.random.RandomState(seed)
    batches: list[Examples] = []
    while len(batches) < steps:
        batches += shuffled_batches(examples, batch_size, random)
    return batches[:steps]


def train_in_session(classifier: Classifier, batches: list[Examples]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The loss of each step, and the variables at the end by name."""
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        losses = [train_step(session, classifier, batch) for batch in batches]
        variables = {variable.op.name: np.asarray(session.run(variable)) for variable in tf.global_variables()}
    return np.array(losses, np.float32), variables


def train_in_c(artifact: aot.Artifact, batches: list[Examples], out: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The same from the C program."""
    program = build(artifact, out)
    batches_file, losses_file, state_file = out / "batches.bin", out / "losses.bin", out / "final.state"
    with open(batches_file, "wb") as file:
        for batch in batches:
            file.write(np.ascontiguousarray(batch.images, np.float32).tobytes())
            file.write(np.ascontiguousarray(batch.labels, np.int64).tobytes())
    subprocess.run([str(program.resolve()), batches_file, losses_file, state_file], check=True)
    return np.fromfile(losses_file, np.float32), aot.read_state(state_file)


def build(artifact: aot.Artifact, out: Path) -> Path:
    """The C program, built with the system's compiler against the header and the object."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise SystemExit("training from C needs a C compiler: install gcc, or clang")
    program = out / "train"
    options = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    command = [compiler, *options, f"-I{out}", TRAIN_C, artifact.object, "-o", program, "-pthread"]
    subprocess.run(command, check=True)
    return program


if __name__ == "__main__":
    sys.exit(main())
