"""Saving and showing pictures, with a dot program, without one, and with one that is slow."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import graphc as tf
from graphc import visualize
from graphc.pictures import program
from tests.pictures.drawn import declare_network, drawing, render_or_skip


def test_dot_text_is_saved_without_any_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "find_program", lambda: None)
    x = tf.placeholder(tf.float32, [3], name="x")
    picture = visualize.draw(x, tmp_path / "x.dot")
    assert (tmp_path / "x.dot").read_text() == picture.source
    assert str(picture) == str(tmp_path / "x.dot")


def test_without_a_dot_program_the_text_is_written_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "find_program", lambda: None)
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.warns(visualize.DotMissingWarning) as caught:
        picture = visualize.draw(x, tmp_path / "x.svg")
    assert str(caught[0].message) == (
        f"{tmp_path / 'x.dot'} was written in place of {tmp_path / 'x.svg'}: no dot program was found, which turns "
        "Graphviz text into pictures: install one with `pip install 'graphc[pictures]'`, or as the package graphviz of "
        "your system"
    )
    assert picture.path == tmp_path / "x.dot"
    assert [path.name for path in tmp_path.iterdir()] == ["x.dot"]


def test_without_a_dot_program_a_notebook_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "find_program", lambda: None)
    x = tf.placeholder(tf.float32, [3], name="x")
    assert "pip install &#x27;graphc[pictures]&#x27;" in x.graph._repr_svg_()
    with pytest.raises(visualize.DotNotFoundError):
        visualize.draw(x).svg()


def test_a_program_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / name))
    assert program.find_program() is None
    for name in ("scripts/graphviz-pure", "path/graphviz-pure", "path/dot"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
        file.chmod(0o755)
        assert program.find_program() == str(file)


def test_a_training_graph_becomes_svg_and_png(tmp_path: Path) -> None:
    loss, train = declare_network()
    svg = render_or_skip(visualize.dot_text([loss, train]))
    assert svg.count('class="node"') == len(drawing(loss, train).boxes)
    assert "adjoint (gradients)" in svg
    visualize.draw([loss, train], tmp_path / "graph.png")
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_a_format_that_is_none_is_told(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    if program.find_program() is None:
        pytest.skip("no dot program")
    with pytest.raises(ValueError, match="could not draw the picture as 'nonsense'"):
        visualize.draw(x, tmp_path / "x.nonsense")


def test_a_drawing_that_dot_cannot_rank_is_drawn_with_longer_links(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(command: list[str], source: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
        asked.append(source)
        fails = "minlen=0" in source
        return subprocess.CompletedProcess(command, int(fails), b"" if fails else b"<svg/>", b"trouble in init_rank")

    monkeypatch.setattr(program, "find_program", lambda: "dot")
    monkeypatch.setattr(program, "_run", run)
    assert program.render("digraph { a -> b [color=red minlen=0] }", "svg") == b"<svg/>"
    assert asked[1] == "digraph { a -> b [color=red] }"


def slow_program(folder: Path, answer: str) -> str:
    """A dot program that never ends, unless it is asked for straight lines."""
    path = folder / "slow-dot"
    path.write_text(f'#!/bin/sh\ncase "$*" in *splines=line*) {answer} ;; *) exec sleep 60 ;; esac\n')
    path.chmod(0o755)
    return str(path)


def test_a_drawing_that_takes_long_is_drawn_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = slow_program(tmp_path, "echo '<svg/>'")
    monkeypatch.setattr(program, "find_program", lambda: slow)
    monkeypatch.setattr(program, "PATIENCE", 0.2)
    with pytest.warns(visualize.PlainerPictureWarning) as caught:
        assert program.render("digraph {}", "svg") == b"<svg/>\n"
    assert str(caught[0].message) == (
        f"{slow} did not finish the picture within 0.2 s, and tries again with straight lines and less care: draw less "
        "of the graph, or fold more of it"
    )


@pytest.mark.filterwarnings("ignore::graphc.visualize.PlainerPictureWarning")
def test_a_drawing_that_never_ends_is_written_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = slow_program(tmp_path, "exec sleep 60")
    monkeypatch.setattr(program, "find_program", lambda: slow)
    monkeypatch.setattr(program, "PATIENCE", 0.1)
    monkeypatch.setattr(program, "LAST_PATIENCE", 0.2)
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.warns(visualize.DotMissingWarning) as caught:
        picture = visualize.draw(x, tmp_path / "x.svg")
    assert str(caught[-1].message) == (
        f"{tmp_path / 'x.dot'} was written in place of {tmp_path / 'x.svg'}: {slow} did not finish the picture within "
        "0.1 s, nor a plainer one within 0.2 s: draw less of the graph, or fold more of it"
    )
    assert (tmp_path / "x.dot").read_text() == picture.source
    assert "did not finish" in picture._repr_svg_()


def test_the_folder_of_a_picture_is_made(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    picture = visualize.draw(x, tmp_path / "pictures" / "today" / "x.dot")
    assert (tmp_path / "pictures" / "today" / "x.dot").read_text() == picture.source
