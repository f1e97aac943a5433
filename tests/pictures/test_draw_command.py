"""``graphc draw`` on the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import graphc as tf
from graphc.__main__ import main
from graphc.pictures import program

ROOT = Path(__file__).parent.parent.parent


def run_command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "graphc", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/nonexistent"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_command_draws_what_a_program_declares(tmp_path: Path) -> None:
    declare = "import graphc as tf\nx = tf.placeholder(tf.float32, [3], name='x')\n"
    (tmp_path / "model.py").write_text(f"{declare}y = tf.exp(x, name='y')\ntf.sin(x, name='z')\n")
    result = run_command("draw", "model.py", "--fetches", "y", "--out", "y.dot", folder=tmp_path)
    assert (result.returncode, result.stdout) == (0, "y.dot\n"), result.stderr
    source = (tmp_path / "y.dot").read_text()
    assert "<b>y</b>" in source and "<b>z</b>" not in source


def test_the_command_tells_mistakes_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("import graphc as tf\ntf.placeholder(tf.float32, [3], name='x')\n")
    result = run_command("draw", "model.py", "--fetch", "w", "--out", "w.dot", folder=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "graphc draw: --fetches: The name 'w' refers to an Operation not in the graph.\n"


def test_the_command_says_what_may_have_been_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.py").write_text(
        "import graphc as tf\n"
        "w = tf.get_variable('w', [2])\n"
        "total = tf.reduce_sum(tf.square(w), name='model/loss')\n"
        "train = tf.train.AdamOptimizer().minimize(total, name='train')\n"
    )
    assert main(["draw", str(tmp_path / "model.py"), "--fetches", "loss"]) == 2
    assert capsys.readouterr().err == (
        "graphc draw: --fetches: The name 'loss' refers to an Operation not in the graph. Did you mean 'model/loss'? "
        "(in this graph nothing reads train, model/loss)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--depth", "-3"], "argument --depth: -3 is no depth, wanted a whole number from 0 on"),
        (["--batch", "0"], "argument --batch: 0 is no size, wanted a whole number from 1 on"),
    ],
)
def test_options_that_make_no_sense(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["draw", "model.py", *arguments])
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


@pytest.mark.filterwarnings("default::graphc.visualize.DotMissingWarning")
def test_the_command_tells_in_a_line_that_there_is_no_dot_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "find_program", lambda: None)
    (tmp_path / "model.py").write_text("import graphc as tf\ntf.placeholder(tf.float32, [3], name='x')\n")
    assert main(["draw", str(tmp_path / "model.py"), "--out", str(tmp_path / "new" / "x.svg")]) == 0
    text = tmp_path / "new" / "x.dot"
    assert capsys.readouterr() == (
        f"{text}\n",
        f"graphc draw: {text} was written in place of {text.with_suffix('.svg')}: {program.HOW_TO_GET_ONE}\n",
    )


def test_the_command_takes_sizes(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        "import graphc as tf\n"
        "x = tf.placeholder(tf.float32, [None, 3], name='x')\n"
        "z = tf.placeholder(tf.float32, [None, None], name='z')\n"
        "tf.exp(x, name='y')\n"
        "tf.exp(z, name='v')\n"
    )
    options = ["--stage", "specialise", "--batch", "7", "--shape", "z=5,2", "--out", str(tmp_path / "y.dot")]
    assert main(["draw", str(tmp_path / "model.py"), "--fetches", "y,v", *options]) == 0
    source = (tmp_path / "y.dot").read_text()
    assert "f32[7,3]" in source and "f32[5,2]" in source


def test_the_command_knows_its_version(tmp_path: Path) -> None:
    assert run_command("--version", folder=tmp_path).stdout == f"graphc {tf.__version__}\n"
