"""The sums of a tile stay in registers, whatever is computed of them at the end."""

from __future__ import annotations

import re

import numpy as np
import pytest
from llvmlite import binding

import graphc as tf
from graphc.codegen.loops import Contract
from graphc.codegen.target import Target, named, target_machine
from graphc.compiler import build_program, capture
from graphc.dims import symbol
from tests.codegen.native import native_text

SOME = 8  # A loop with so many multiply-adds is that of a product, or of an exponential with its quotient.


def innermost_loops(assembly: str) -> list[list[str]]:
    """The instructions of each loop that has none inside."""
    lines, starts, loops = assembly.splitlines(), {}, []
    for number, line in enumerate(lines):
        if label := re.match(r"(\.LBB\w+):", line):
            starts[label[1]] = number
        jump = re.match(r"\s+j\w+\s+(\.LBB\w+)", line)
        if jump and jump[1] in starts:
            loops.append((starts[jump[1]], number))
    inner = [(a, b) for a, b in loops if not any(a <= c and d < b for c, d in loops)]
    return [lines[a : b + 1] for a, b in inner]


def assembly_of(text: str, target: Target) -> str:
    return str(target_machine(target).emit_assembly(binding.parse_assembly(text)))


@pytest.mark.parametrize("name", ["avx512", "avx2"])
@pytest.mark.parametrize("batch", [None, 128])
def test_products_keep_their_sums_in_registers(name: str, batch: int | None) -> None:
    """An epilogue of exponentials has a dozen constants, which LLVM would keep in registers around all loops."""
    target = named(name)
    x = tf.placeholder(tf.float32, [batch, 128])
    wanted = tf.placeholder(tf.float32, [batch, 784])
    weights, bias = (tf.Variable(np.ones(shape, np.float32)) for shape in ((128, 784), (784,)))
    made = tf.sigmoid(tf.matmul(x, weights) + bias)
    loss = tf.reduce_mean(tf.square(made - wanted))
    gradients = tf.gradients(loss, [weights, bias])
    step = capture([loss, *gradients], [], [x, wanted])
    size = batch or symbol("n")
    _, program = build_program(step, {step.feeds[x]: (size, 128), step.feeds[wanted]: (size, 784)}, target)
    found = 0
    for call in program.calls:
        if not any(isinstance(statement, Contract) for statement in call.kernel.body):
            continue
        for loop in innermost_loops(assembly_of(native_text(call.kernel, target, program.symbols), target)):
            if sum("vfmadd" in line for line in loop) >= SOME and not any("vdiv" in line for line in loop):
                found += 1
                kept = [line for line in loop if "mm" in line and "(%rsp)" in line]
                assert not kept, "\n".join(loop)
    assert found >= 2


@pytest.mark.parametrize("name", ["sse2", "avx2", "avx512", "neon"])
def test_registers_are_known_by_their_names(name: str) -> None:
    target = named(name)
    x = tf.placeholder(tf.float32, [16, 16])
    _, program = build_program(capture([tf.matmul(x, x)], [], [x]), {}, target)
    text = native_text(program.calls[0].kernel, target)
    assert f"~{{{target.vector_names[-1]}}}" in text and len(target.vector_names) == target.vector_registers
    assert "kernel" in assembly_of(text, target)
