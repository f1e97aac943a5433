"""``graphc compile`` on the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graphc import aot
from graphc.__main__ import main

SCRIPT = """
import sys
import helper
import graphc as tf

assert sys.argv == [__file__]


def declare():
    x = tf.placeholder(tf.float32, [None, helper.WIDTH], name="x")
    weights = tf.get_variable("weights", initializer=tf.ones([helper.WIDTH, 1]))
    loss = tf.reduce_mean(tf.square(tf.matmul(x, weights)), name="loss")
    tf.train.GradientDescentOptimizer(0.1).minimize(loss, name="train")


if __name__ == "__main__":
    raise SystemExit("this is not to run")
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "helper.py").write_text("WIDTH = 2\n")
    path = tmp_path / "declares.py"
    path.write_text(SCRIPT)
    return path


def test_compile(script: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = [f"{script}:declare", "--feeds", "x", "--fetches", "loss,train", "--name", "fit", "--batch", "3"]
    command = [sys.executable, "-W", "error", "-m", "graphc", "compile", *arguments, "--out", str(out)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    files = [out / name for name in ("fit.o", "libfit.so", "fit.h", "fit.py")]
    assert printed[:4] == [f"{file}  {file.stat().st_size} bytes" for file in files]
    model = aot.load(out / "libfit.so")
    assert printed[4] == f"an instance of 'fit' takes {model.description['bytes']} bytes"
    assert model.step(x=np.ones([3, 2])) == 4.0
    assert model.step(x=np.ones([3, 2])) < 4.0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--fetches", "lost"], "--fetches: The name 'lost' refers to an Operation not in the graph. Did you mean "
         "'loss'? (in this graph nothing reads train, loss)"),
        (["--fetches", "loss", "--feeds", "z"], "--feeds: The name 'z:0' refers to a Tensor which does not exist. "
         "The operation, 'z', does not exist in the graph. (in this graph placeholders are x)"),
        (["--fetches", "loss,train,loss", "--feeds", "x"], "--fetches: loss is named twice"),
        (["--fetches", "loss", "--feeds", "x,x"], "--feeds: x is named twice"),
        (["--fetches", "loss", "--feeds", "x", "--threads", "0"], "threads is 0, wanted a whole number from 1 to 4096"),
    ],
)  # fmt: skip
def test_mistakes_take_one_line(
    arguments: list[str], text: str, script: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(script.parent)
    assert main(["compile", f"{script}:declare", "--batch", "2", *arguments]) == 2
    assert capsys.readouterr().err == f"graphc compile: {text}\n"


def test_files_and_functions_that_are_not_there(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "none.py", "--fetches", "loss"]) == 2
    assert capsys.readouterr().err == "graphc compile: there is no file none.py\n"
    assert main(["compile", f"{script}:missing", "--fetches", "loss"]) == 2
    assert capsys.readouterr().err == f"graphc compile: {script} has no function 'missing'\n"


def test_parts_are_known_by_the_variables_of_the_file_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "unnamed.py"
    path.write_text("import graphc as tf\nx = tf.placeholder(tf.float32, [])\ny = tf.square(x)\nz = 'Square'\n")
    folder = tmp_path / "out"
    arguments = ["compile", str(path), "--out", str(folder), "--name", "unnamed"]
    assert main([*arguments, "--feeds", "x", "--fetches", "y"]) == 0
    assert aot.load(folder / "libunnamed.so").step(x=3.0) == 9.0
    capsys.readouterr()
    for wrong in ("z", "tf"):
        assert main([*arguments, "--feeds", "x", "--fetches", wrong]) == 2
        assert f"--fetches: The name '{wrong}' refers to an Operation not in the graph" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["compile", "--fetches", "y"], ["draw"]])
def test_what_the_file_raises_is_shown_from_its_first_line(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.py"
    path.write_text("def helper():\n    return int('abc')\n\nhelper()\n")
    assert main([command[0], str(path), *command[1:]]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "^" not in line and "~" not in line]
    assert lines == [
        "Traceback (most recent call last):",
        f'  File "{path}", line 4, in <module>',
        "    helper()",
        f'  File "{path}", line 2, in helper',
        "    return int('abc')",
        "ValueError: invalid literal for int() with base 10: 'abc'",
        f"graphc {command[0]}: {path} did not run to its end",
    ]


def test_a_function_that_fails_and_a_file_that_is_no_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.py"
    path.write_text("def declare():\n    raise OSError('no data')\n")
    assert main(["compile", f"{path}:declare", "--fetches", "y"]) == 2
    error = capsys.readouterr().err
    assert f'File "{path}", line 2, in declare' in error and "OSError: no data" in error and "runpy" not in error
    path.write_text("x = 1 +\n")
    assert main(["compile", str(path), "--fetches", "y"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f'  File "{path}", line 1\n') and "SyntaxError: invalid syntax" in error


def test_a_file_that_ends_the_process_writes_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ends.py"
    path.write_text("import sys\n\nsys.exit(0)\n")
    assert main(["draw", str(path), "--out", str(tmp_path / "graph.dot")]) == 2
    assert capsys.readouterr().err == (
        f"{path} ended itself with sys.exit(0) at line 3\ngraphc draw: {path} did not run to its end\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["ends.py"]
