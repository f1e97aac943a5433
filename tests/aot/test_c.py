"""The header and the object as C and C++ programs use them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from tests.aot import models

STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
C_STANDARDS = ["-std=c99", "-std=c11"]
CC, CXX = shutil.which("cc"), shutil.which("c++")

pytestmark = pytest.mark.skipif(CC is None, reason="there is no C compiler")


def run_c(text: str, artifacts: Sequence[aot.Artifact], *arguments: str) -> str:
    """What the program prints, built with the headers and objects."""
    folder = artifacts[0].folder
    source, program = folder / "main.c", folder / "main"
    source.write_text(text)
    objects = [artifact.object for artifact in artifacts]
    command = [str(CC), "-std=c99", *STRICT, "-O1", f"-I{folder}", source, *objects, "-o", program, "-pthread"]
    subprocess.run(command, check=True)
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True, cwd=folder).stdout


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> aot.Artifact:
    step = models.line()
    folder = tmp_path_factory.mktemp("line")
    return aot.compile([step.loss, step.train], step.feeds, folder, name="line", max_batch=4)


@pytest.mark.parametrize("standard", C_STANDARDS)
def test_header_is_c_without_a_warning(line: aot.Artifact, standard: str) -> None:
    command = [str(CC), standard, *STRICT, "-Wpadded", "-fsyntax-only", "-x", "c", str(line.header)]
    subprocess.run(command, check=True)


@pytest.mark.skipif(CXX is None, reason="there is no C++ compiler")
@pytest.mark.parametrize("standard", ["-std=c++98", "-std=c++17"])
def test_header_is_cpp_without_a_warning(line: aot.Artifact, standard: str, tmp_path: Path) -> None:
    source = tmp_path / "main.cpp"
    source.write_text('#include "line.h"\nint main() { static line model; return line_init(&model); }\n')
    # C++98 has no long long, which <stdint.h> is made of.
    strict = [option for option in STRICT if standard != "-std=c++98" or option != "-pedantic"]
    command = [str(CXX), standard, *strict, f"-I{line.folder}", source, line.object, "-o", tmp_path / "main"]
    subprocess.run(command, check=True)
    subprocess.run([tmp_path / "main"], check=True)


TRAIN = """
#include <stdio.h>
#include <string.h>
#include "line.h"

static line model;

int main(void) {
    const float x[6] = {1, 2, 3, 4, 5, 6}, y[3] = {1, 2, 3};
    float loss = 0;
    line *other = line_create();
    int status = line_init(&model);
    printf("%d %d %d\\n", status, LINE_THREADS, LINE_MAX_BATCH);
    printf("%a %a\\n", model.weights[0], model.weights[1]);
    printf("%d\\n", (float *)line_variable(&model, "weights") == model.weights);
    printf("%d\\n", (float *)line_variable(&model, "weights/Momentum") == model.weights_Momentum);
    printf("%d\\n", line_variable(&model, "weight") == NULL);
    for (int n = 0; n < 3; n++) {
        status = line_step(&model, 3, x, y, &loss);
        printf("%d %a\\n", status, loss);
    }
    printf("%d %d\\n", line_step(&model, 0, x, y, &loss), line_step(&model, 5, x, y, &loss));
    printf("%s\\n%s\\n%s\\n", line_error(LINE_BAD_SIZE), line_error(0), line_error(-1));
    printf("%d ", line_save(&model, "c.state"));
    printf("%d\\n", line_load(other, "c.state"));
    printf("%d\\n", memcmp(model.weights, other->weights, sizeof model.weights));
    printf("%d %s\\n", line_load(other, "none"), line_error(line_load(other, "none")));
    line_destroy(other);
    line_destroy(&model);
    line_destroy(NULL);
    return 0;
}
"""


def test_every_function_from_c(line: aot.Artifact) -> None:
    model = line.load()
    x, y = np.array([[1, 2], [3, 4], [5, 6]], np.float32), np.array([1, 2, 3], np.float32)
    losses = [float(model.step(x, y)) for _ in range(3)]
    printed = run_c(TRAIN, [line]).splitlines()
    assert printed[:5] == ["0 1 4", "0x1p-1 -0x1p+0", "1", "1", "1"]
    assert [float.fromhex(text.split()[1]) for text in printed[5:8]] == losses
    assert printed[8:] == [
        "2 2", "a size is out of its range", "no error", "unknown error code", "0 0", "0",
        "3 the file cannot be opened",
    ]  # fmt: skip
    values = aot.read_state(line.folder / "c.state")
    assert values["weights"].tobytes() == model.variables["weights"].tobytes()


CARELESS = """
#include <stdio.h>
#include "line.h"

static line model, copy;

int main(void) {
    const float x[2] = {1, 2}, y[1] = {3};
    float loss, first;
    line *own;
    printf("%d ", line_step(&model, 1, x, y, &loss));
    printf("%d %d\\n", line_save(&model, "x.state"), line_load(&model, "x.state"));
    printf("%s\\n", line_error(LINE_NOT_INITIALISED));
    printf("%d ", line_init(&model));
    printf("%d %d ", line_init(NULL), line_step(NULL, 1, x, y, &loss));
    printf("%d %d ", line_step(&model, 1, NULL, y, &loss), line_step(&model, 1, x, NULL, &loss));
    printf("%d\\n", line_step(&model, 1, x, y, NULL));
    printf("%s\\n", line_error(LINE_NULL_POINTER));
    printf("%d %d ", line_save(&model, NULL), line_load(&model, NULL));
    printf("%d\\n", line_variable(&model, NULL) == NULL && line_variable(NULL, "weights") == NULL);
    printf("%d ", line_step(&model, 1, x, y, &first));
    printf("%d ", line_step(&model, 1, x, y, &loss));
    printf("%d %d ", loss < first, line_init(&model));
    printf("%d ", line_step(&model, 1, x, y, &loss));
    printf("%d\\n", loss == first);
    own = line_create();
    printf("%d %d\\n", line_init(own), line_step(own, 1, x, y, &loss));
    line_destroy(own);
    line_destroy(&model);
    printf("%d %d\\n", line_step(&model, 1, x, y, &loss), line_step(&copy, 1, x, y, &loss));
    return 0;
}
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_not_initialised_or_not_there_is_told(threads: int, tmp_path: Path) -> None:
    step = models.line()
    made = aot.compile([step.loss, step.train], step.feeds, tmp_path, name="line", max_batch=4, threads=threads)
    assert run_c(CARELESS, [made]).splitlines() == [
        "8 8 8",
        "the instance is not initialised",
        "0 9 9 9 9 9",
        "a pointer is NULL",
        "9 9 1",
        "0 0 1 0 0 1",
        "0 0",
        "8 8",
    ]


def test_arrays_without_elements_may_be_null(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [0, 2], name="x")
        made = aot.compile({"sum": tf.reduce_sum(x)}, [x], tmp_path, name="none")
    program = """
#include <stdio.h>
#include "none.h"

int main(void) {
    static none model;
    float sum = 1;
    printf("%d ", none_init(&model));
    printf("%d ", none_step(&model, NULL, &sum));
    printf("%g\\n", sum);
    return 0;
}
"""
    assert run_c(program, [made]) == "0 0 0\n"


FAILING = """
#include <stdio.h>
#include "pick.h"

int main(void) {
    static pick model;
    const float table[4] = {1, 2, 3, 4};
    const int32_t good[2] = {3, 0}, bad[2] = {0, 4}, zero = 0, two = 2;
    float picked[2];
    int32_t quotient[2];
    int status = pick_init(&model);
    status = pick_step(&model, table, good, &two, picked, quotient);
    printf("%d %g %g %d %d\\n", status, picked[0], picked[1], quotient[0], quotient[1]);
    printf("%s\\n", pick_error(pick_step(&model, table, bad, &two, picked, quotient)));
    printf("%s\\n", pick_error(pick_step(&model, table, good, &zero, picked, quotient)));
    printf("%d\\n", pick_step(&model, table, good, &two, picked, quotient));
    pick_destroy(&model);
    return 0;
}
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_an_op_that_fails_says_which_it_was(threads: int, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        table = tf.placeholder(tf.float32, [4], name="table")
        rows = tf.placeholder(tf.int32, [2], name="rows")
        divisor = tf.placeholder(tf.int32, [], name="divisor")
        fetches = [tf.gather(table, rows, name="picked"), tf.floordiv(rows, divisor, name="quotient")]
        artifact = aot.compile(fetches, [table, rows, divisor], tmp_path, name="pick", threads=threads)
    good, out_of_range, division, again = run_c(FAILING, [artifact]).splitlines()
    assert good == "0 4 1 1 0"
    assert out_of_range.startswith("GatherV2 'picked' (declared at test_c.py:")
    assert division.startswith("FloorDiv 'quotient' (declared at test_c.py:")
    assert division.endswith("a whole number is divided by zero")
    assert again == "0"


TWO_MODELS = """
#include <stdio.h>
#include "one.h"
#include "two.h"

int main(void) {
    static one first;
    static two second;
    float a, b;
    const float x[2] = {1, 2}, y[1] = {3};
    int status = one_init(&first) | two_init(&second);
    status |= one_step(&first, x, y, &a) | two_step(&second, x, y, &b);
    printf("%d %d\\n", status, a == b);
    one_destroy(&first);
    two_destroy(&second);
    return 0;
}
"""


def test_two_models_in_one_program(tmp_path: Path) -> None:
    step = models.line()
    both = [
        aot.compile([step.loss, step.train], step.feeds, tmp_path, name=name, batch=1, threads=2)
        for name in ("one", "two")
    ]
    assert run_c(TWO_MODELS, both) == "0 1\n"


VALGRIND_PATH = shutil.which("valgrind")


@pytest.mark.skipif(VALGRIND_PATH is None, reason="valgrind is not installed")
def test_no_byte_is_read_or_freed_wrongly(tmp_path: Path) -> None:
    step = models.line()  # for plain x86-64: valgrind knows no AVX-512
    artifact = aot.compile([step.loss, step.train], step.feeds, tmp_path, name="line", max_batch=4, target="sse2")
    run_c(TRAIN, [artifact])
    command = [str(VALGRIND_PATH), "--error-exitcode=9", "--leak-check=full", "-q", "./main"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


COUNTED = """
#include <stdio.h>
#include <stdlib.h>
#include "bins.h"

static bins model;

int main(void) {
    const int32_t few[3] = {1, 1, 4}, many[3] = {0, 70000, 2}, wrong[3] = {0, -1, 2};
    const int32_t *all[3] = {few, many, wrong};
    for (int n = 0; n < 3; n++) {
        int32_t *counts = (int32_t *)&model;
        int64_t m0 = 0;
        int32_t total = 0;
        bins_init(&model);
        int status = bins_step(&model, all[n], &counts, &total, &m0);
        for (int64_t i = 0; counts && i < m0; i++) total -= counts[i];
        printf("%d %d %lld %d\\n", status != 0, counts == NULL, counts ? (long long)m0 : 0, counts ? total : 0);
        free(counts);
    }
    return bins_step(&model, few, NULL, NULL, NULL) == BINS_NULL_POINTER ? 0 : 1;
}
"""

REFUSED = """
#include <stdio.h>
#include <stdlib.h>
#include "bins.h"

static bins model, raw;

static void refused(bins *instance, int64_t batch, const int32_t *numbers, int code) {
    int32_t *counts = (int32_t *)&model, total = 0;
    int64_t m0 = 0;
    int status = bins_step(instance, batch, numbers, &counts, &total, &m0);
    printf("%d %d ", status == code, counts == NULL);
    free(counts);
}

int main(void) {
    const int32_t few[3] = {1, 1, 4};
    bins_init(&model);
    refused(&raw, 3, few, BINS_NOT_INITIALISED);
    refused(NULL, 3, few, BINS_NULL_POINTER);
    refused(&model, 3, NULL, BINS_NULL_POINTER);
    refused(&model, 0, few, BINS_BAD_SIZE);
    refused(&model, 5, few, BINS_BAD_SIZE);
    return 0;
}
"""


def test_what_nothing_bounds_is_given_in_c(tmp_path: Path) -> None:
    numbers = tf.placeholder(tf.int32, [3], name="numbers")
    counts = tf.bincount(numbers, name="counts")
    artifact = aot.compile([counts, tf.reduce_sum(counts, name="total")], [numbers], tmp_path, name="bins")
    assert run_c(COUNTED, [artifact]).splitlines() == ["0 0 5 0", "0 0 70001 0", "1 1 0 0"]


def test_a_call_that_is_refused_gives_null(tmp_path: Path) -> None:
    numbers = tf.placeholder(tf.int32, [None], name="numbers")
    counts = tf.bincount(numbers, name="counts")
    fetches = [counts, tf.reduce_sum(counts, name="total")]
    artifact = aot.compile(fetches, [numbers], tmp_path, name="bins", max_batch=4)
    assert run_c(REFUSED, [artifact]).split() == ["1"] * 10
