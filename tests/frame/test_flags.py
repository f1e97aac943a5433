"""Flags: command lines give what absl gives, and programs start through app.run as in TensorFlow."""

from __future__ import annotations

import enum
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import graphc as tf


class Color(enum.Enum):
    RED = 1
    BLUE = 2


def declared(flags: Any) -> Any:
    """A set of flags of every kind, declared by graphc or by absl."""
    values = flags.FlagValues()
    flags.DEFINE_integer("x", 0, "an x", flag_values=values)
    flags.DEFINE_boolean("b", False, "a b", flag_values=values)
    flags.DEFINE_string("s", None, "a s", flag_values=values, short_name="t")
    flags.DEFINE_list("l", ["q"], "a l", flag_values=values)
    flags.DEFINE_spaceseplist("w", "u v", "a w", flag_values=values)
    flags.DEFINE_enum("e", "a", ["a", "b"], "an e", flag_values=values)
    flags.DEFINE_enum_class("c", Color.RED, Color, "a c", flag_values=values)
    flags.DEFINE_multi_integer("m", [1], "a m", flag_values=values)
    flags.DEFINE_multi_string("n", "k", "a n", flag_values=values)
    flags.DEFINE_float("f", 1, "a f", flag_values=values, lower_bound=0, upper_bound=10)
    return values


LINES = [
    "", "--unk v --x=1", "pos --x=1", "-- --x=1", "--b", "--nob", "--b=no", "--b false", "--b=T", "--x 3", "-x 3",
    "--x", "--x=", "--x=a", "--x=0x10", "--x=1.5", "--x=-3", "--x -3", "--s=", "--s", "--s a pos --x=1", "--l=a,b",
    "--l=",
    '--l=a,"b,c"', "--w=p", "--e=c", "--e=b", "--c=blue", "--c=green", "--m=3 --m=4", "--n=3", "--f=2", "--f=-2",
    "--f=a", "--f=11", "--f=1e0", "--x=1 - --x=2", "--unk=1 --x=2 --nounk", "--nox", "--nob=1", "--undefok=unk --unk=3",
    "--undefok=unk --nounk", "-t=v", "-t v",
]  # fmt: skip


def outcome(flags: Any, line: str, known_only: bool) -> Any:
    values = declared(flags)
    try:
        left = values(["program", *line.split()], known_only=known_only)
    except Exception as error:
        return type(error).__name__
    found = values.flag_values_dict()
    return left, {name: found[name] for name in "xbslwecmnf"}


@pytest.mark.peer("absl.flags")
@pytest.mark.parametrize("known_only", [False, True])
def test_command_lines_give_what_absl_gives(known_only: bool) -> None:
    from absl import flags as absl_flags

    for line in LINES:
        assert outcome(tf.flags, line, known_only) == outcome(absl_flags, line, known_only), line


def test_values_of_a_command_line() -> None:
    left, found = outcome(tf.flags, "--x 3 --b one --l=a,b --m=3 --m=4 --f=2 two", False)
    assert left == ["program", "one", "two"]
    assert found == {
        "x": 3, "b": True, "s": None, "l": ["a", "b"], "w": ["u", "v"], "e": "a", "c": Color.RED, "m": [3, 4],
        "n": ["k"], "f": 2.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--x=a", "flag --x=a: invalid literal for int() with base 10: 'a'"),
        ("--f=-2", "flag --f=-2: -2.0 is not a number in the range [0, 10]"),
        ("--e=z", "flag --e=z: value should be one of <a|b>"),
        ("--b=maybe", "flag --b=maybe: Non-boolean argument to boolean flag: 'maybe'"),
        ("--xx=1", "Unknown command line flag 'xx'. Did you mean: x ?"),
        ("--s", "Missing value for flag --s"),
    ],
)
def test_errors_of_a_command_line(line: str, text: str) -> None:
    with pytest.raises(tf.flags.Error) as caught:
        declared(tf.flags)(["program", line])
    assert str(caught.value) == text


def test_older_names_of_arguments_and_ways_to_ask() -> None:
    values = tf.flags.FlagValues()
    tf.flags.DEFINE_integer(flag_name="a", default_value=3, docstring="the a", flag_values=values)
    values._parse_flags(["--a=4"])
    assert values.a == values["a"].value == values.__dict__["__flags"]["a"].value == 4
    assert (values["a"].help, values["a"].present, "a" in values, list(values), len(values)) == (
        "the a", 1, True, ["a"], 1,
    )  # fmt: skip
    values.a = 9
    assert values.flag_values_dict() == {"a": 9}
    with pytest.raises(tf.flags.UnrecognizedFlagError):
        values.nothing = 1
    with pytest.raises(AttributeError):
        _ = values.nothing
    values.unparse_flags()
    values(["program"])
    assert values.a == 3


def test_a_flag_is_declared_once() -> None:
    values = declared(tf.flags)
    with pytest.raises(tf.flags.DuplicateFlagError) as caught:
        tf.flags.DEFINE_float("x", 1.0, "", flag_values=values)
    assert str(caught.value) == (
        f"The flag 'x' is defined twice. First from {__name__}, second from {__name__}. "
        "Description from first occurrence: an x"
    )
    tf.flags.DEFINE_alias("also_x", "x", flag_values=values)
    values(["program", "--also_x=5"])
    assert values.x == 5


def test_what_must_hold_of_values() -> None:
    values = declared(tf.flags)
    tf.flags.mark_flag_as_required("s", values)
    with pytest.raises(tf.flags.IllegalFlagValueError) as caught:
        values(["program"])
    assert str(caught.value) == "flag --s=None: Flag --s must have a value other than None."
    values(["program", "--s=a"])
    tf.flags.register_validator("x", lambda x: x % 2 == 0, "even wanted", values)
    with pytest.raises(tf.flags.IllegalFlagValueError, match="flag --x=3: even wanted"):
        values.x = 3
    with pytest.raises(tf.flags.IllegalFlagValueError, match=r"flag --y=0.5: Expect argument to be a string or int"):
        tf.flags.DEFINE_integer("y", 0.5, "", flag_values=values)
    exclusive = declared(tf.flags)
    tf.flags.mark_bool_flags_as_mutual_exclusive(["b"], required=True, flag_values=exclusive)
    with pytest.raises(tf.flags.IllegalFlagValueError, match="Exactly one of"):
        exclusive(["program"])


def test_flags_go_to_a_file_and_come_back(tmp_path: Path) -> None:
    values = declared(tf.flags)
    values(["program", "--x=7", "--b", "--l=a,b", "--m=1", "--m=2", "--c=blue"])
    values.append_flags_into_file(str(tmp_path / "flags"))
    again = declared(tf.flags)
    again(["program", "--flagfile", str(tmp_path / "flags")])
    assert again.flag_values_dict() == values.flag_values_dict()
    with pytest.raises(tf.flags.CantOpenFlagFileError):
        again(["program", "--flagfile=/nothing/there"])


PROGRAM = """
import graphc as tf

tf.flags.DEFINE_integer("steps", 3, "how many steps")
tf.app.flags.DEFINE_boolean("fast", True, "whether to hurry")


def main(argv):
    print(argv[1:], tf.flags.FLAGS.steps, tf.app.flags.FLAGS.fast)
    return 7


if __name__ == "__main__":
    tf.app.run()
"""


def run_program(tmp_path: Path, *words: str) -> Any:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return subprocess.run([sys.executable, str(path), *words], capture_output=True, text=True, check=False)


def test_a_program_runs_and_ends_with_what_main_returns(tmp_path: Path) -> None:
    result = run_program(tmp_path, "--steps=5", "--nofast", "--unknown", "word")
    assert (result.stdout, result.returncode) == ("['--unknown', 'word'] 5 False\n", 7)


def test_a_program_shows_help_and_refuses_what_it_cannot_take(tmp_path: Path) -> None:
    shown = run_program(tmp_path, "--help")
    assert shown.returncode == 1
    assert "  --[no]fast: whether to hurry\n    (default: 'true')\n  --steps: how many steps\n" in shown.stdout
    refused = run_program(tmp_path, "--steps=many")
    assert refused.returncode == 1
    assert refused.stderr.startswith("FATAL Flags parsing error: flag --steps=many: invalid literal for int()")


WITH_ABSL = """
from absl import flags
import graphc as tf

flags.DEFINE_integer("size", 1, "declared with absl")
tf.flags.DEFINE_integer("steps", 1, "declared with tf.flags")


def main(argv):
    print(argv[1:], flags.FLAGS.size, tf.flags.FLAGS.steps)


tf.app.run(main)
"""


@pytest.mark.peer("absl.flags")
def test_flags_that_a_program_declares_with_absl_are_parsed_too(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(WITH_ABSL)
    words = [sys.executable, str(path), "--size=3", "word", "--steps=2"]
    result = subprocess.run(words, capture_output=True, text=True, check=True)
    assert result.stdout == "['word'] 3 2\n"
