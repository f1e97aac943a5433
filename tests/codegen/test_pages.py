"""The memory of LLVM's code is given back, and LLVM works on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import graphc as tf
from graphc.codegen import jit, llvm
from graphc.codegen.pages import _only_read
from graphc.codegen.target import host

TEXT = "define i64 @f(i64 %x) {\n  %y = add i64 %x, 1\n  ret i64 %y\n}\n"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is given back")


def mapped() -> dict[str, int]:
    """Kilobytes in memory of LLVM's library, by what may be done with them."""
    found: dict[str, int] = {}
    kind = ""
    for line in Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            kind = words[1] if "libllvmlite" in line else ""
        elif words[0] == "Rss:" and kind:
            found[kind] = found.get(kind, 0) + int(words[1])
    return found


def test_rest_leaves_no_code_of_llvm_in_memory() -> None:
    first = jit.compile_ir(TEXT, host())
    before = mapped()
    llvm.rest()
    after = mapped()
    assert before["r-xp"] > 4000 and after["r-xp"] < 200
    assert after["rw-p"] > 0
    assert jit.compile_many([TEXT], host(), threads=2) == [first]


def test_a_large_module_leaves_no_code_of_llvm_in_memory() -> None:
    jit.compile_ir(TEXT, host())
    assert mapped()["r-xp"] > 4000
    jit.compile_ir(TEXT + ";" * llvm.LARGE_TEXT, host())
    assert mapped()["r-xp"] < 200


def test_a_compiled_step_leaves_no_code_of_llvm_in_memory() -> None:
    jit.compile_ir(TEXT, host())
    x = tf.placeholder(tf.float32, [3])
    y = tf.reduce_sum(x * 0.015625)
    with tf.Session() as session:
        for _ in range(3):
            assert session.run(y, {x: [16.0, 16.0, 32.0]}) == 1.0
    assert mapped()["r-xp"] < 200


def test_only_what_nobody_writes_to_is_given_back() -> None:
    ranges = _only_read(llvm.address())
    assert ranges
    for line in Path("/proc/self/maps").read_text().splitlines():
        begin, end = (int(word, 16) for word in line.split()[0].split("-"))
        if "w" in line.split()[1]:
            assert all(end <= start or begin >= start + size for start, size in ranges), line
