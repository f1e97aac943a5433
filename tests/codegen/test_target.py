"""Targets: what they know, that this machine can be read, and that LLVM makes whole vectors for each."""

import os
import subprocess
import sys

import pytest

from graphc.codegen import cache, target
from graphc.codegen.cache import Cache
from graphc.codegen.target import host, named, target_machine

# One fused multiply-add of a full AVX-512 register, and the same for the other widths.
_MODULE = """
target triple = "{triple}"
declare <{lanes} x float> @llvm.fma.v{lanes}f32(<{lanes} x float>, <{lanes} x float>, <{lanes} x float>)
define void @accumulate(ptr %x) {{
  %v = load <{lanes} x float>, ptr %x, align 4
  %w = call <{lanes} x float> @llvm.fma.v{lanes}f32(<{lanes} x float> %v, <{lanes} x float> %v, <{lanes} x float> %v)
  store <{lanes} x float> %w, ptr %x, align 4
  ret void
}}
"""


def _assembly(target):
    from llvmlite import binding

    machine = target_machine(target)
    return machine.emit_assembly(
        binding.parse_assembly(_MODULE.format(triple=target.triple, lanes=target.lanes("f32")))
    )


@pytest.mark.parametrize("name, register", [("avx512", "%zmm"), ("avx2", "%ymm"), ("neon", "fmla")])
def test_whole_vectors_are_used(name, register):
    assert register in _assembly(named(name))


def test_host_uses_its_whole_vectors():
    register = {64: "%zmm", 32: "%ymm"}.get(host().vector_bytes)
    if register is None:
        pytest.skip("this machine has 16-byte vectors, which every target uses")
    assert register in _assembly(host())


def test_host_describes_this_machine():
    target = host()
    assert target.cores >= 1
    assert target.l1 < target.l2 <= target.l3
    assert target.lanes("f32") == 2 * target.lanes("f64") == target.vector_bytes // 4


def test_lanes_follow_the_width():
    assert [named(name).lanes("f32") for name in ("sse2", "neon", "avx2", "avx512")] == [4, 4, 8, 16]


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError) as error:
        named("mmx")
    assert str(error.value) == "unknown target 'mmx': choose one of avx2, avx512, neon, sse2"


def test_importing_targets_does_not_load_llvm():
    code = "import sys, graphc.codegen.target as t; t.named('avx2'); sys.exit('llvmlite' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_known_of_another_processor_is_not_used(tmp_path, monkeypatch):
    """The cache may be on a disk that several machines share."""
    store = Cache(tmp_path / "cache", 1 << 20)
    monkeypatch.setattr(cache, "_process_cache", lambda: store)
    own = target._host_names()
    monkeypatch.setattr(target, "_processor_text", lambda _: "another processor")
    key = cache.make_key("host", "another processor", os.uname().machine, str(sys.maxsize))
    assert cache.get(key) is None
    assert target._host_names() == own
    cache.put(key, b"a triple\na name\n+features")
    assert target._host_names() == ("a triple", "a name", "+features")
    monkeypatch.undo()
    monkeypatch.setattr(cache, "_process_cache", lambda: store)
    assert target._host_names() == own
