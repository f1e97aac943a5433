"""Random programs keep their meaning through every pass and when compiled; ``tests.random_graphs`` tries as
many as asked."""

import pytest

import graphc as tf
from tests.random_graphs import check_compiled, check_passes, smallest
from tests.random_programs import Program, random_program, show
from tests.random_runs import check_runs
from tests.random_steps import random_runs

TAME, WILD = False, True


@pytest.mark.parametrize(
    ("seed", "lines", "wild"),
    [
        *((seed, 14, TAME) for seed in range(60)),
        *((seed, 45, TAME) for seed in range(8)),
        *((seed, 14, WILD) for seed in range(40)),
    ],
)
def test_every_pass_keeps_values(seed, lines, wild):
    program = random_program(seed, lines, wild)
    try:
        check_passes(program)
    except Exception as error:
        pytest.fail(f"{error}\n\n{smallest(program, check_passes)}")


@pytest.mark.parametrize(
    ("seed", "lines", "wild"),
    [
        *((seed, 14, TAME) for seed in range(1000, 1020)),
        *((seed, 45, TAME) for seed in range(5)),
        *((seed, 14, WILD) for seed in range(1000, 1020)),
    ],
)
def test_compiled_values_are_those_of_numpy(seed, lines, wild):
    program = random_program(seed, lines, wild)
    try:
        check_compiled(program)
    except Exception as error:
        pytest.fail(f"{error}\n\n{smallest(program, check_compiled)}")


@pytest.mark.parametrize("seed", range(24))
def test_a_step_means_the_same_in_every_run(seed):
    program = random_runs(seed)
    try:
        check_runs(program)
    except Exception as error:
        pytest.fail(f"{error}\n\n{smallest(program, check_runs)}")


@pytest.mark.parametrize(
    ("make", "options"), [(random_program, (9, 1)), (random_runs, (6,))], ids=["programs", "steps"]
)
def test_what_is_shown_of_a_seed_runs(make, options, capsys):
    show(make, 3, 4, *options)
    text = capsys.readouterr().out
    assert text.startswith("# seed 3\nimport numpy as np\n")
    with tf.Graph().as_default():
        exec(text, {})
    assert capsys.readouterr().out


def test_a_failure_is_made_small():
    program = Program(
        inputs=["x0 = tf.placeholder(tf.float32, [3])"],
        feeds={"x0": "np.ones(3, np.float32)"},
        lines=["v0 = tf.exp(x0)", "v1 = v0 + x0", "v2 = tf.square(x0)", "v3 = v2 + v1"],
        fetches=["v2", "v3"],
    )

    def no_squares(tried):
        assert not any("square" in line for line in tried.lines)

    small = smallest(program, no_squares)
    assert small.lines == ["v2 = tf.square(x0)"]
    assert small.fetches == ["v2"]
    assert str(small).splitlines()[2:4] == ["x0 = tf.placeholder(tf.float32, [3])", "v2 = tf.square(x0)"]
