"""From LLVM IR to functions in this process, by the own linker and by LLVM's."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from graphc.codegen import cache, elf, ir, jit, llvm
from graphc.codegen.cache import Cache
from graphc.codegen.target import host, named, target_machine

ROOT = Path(__file__).resolve().parents[2]
Load = Callable[[Sequence[bytes]], jit.Library]

LOADERS = [
    pytest.param(jit.load, id="own", marks=pytest.mark.skipif(not elf.available(), reason="reads x86-64 ELF only")),
    pytest.param(lambda objects: jit._load_with_llvm(objects, {}), id="llvm"),
]

ADD = "define i64 @add(i64 %a, i64 %b) {\n %sum = add i64 %a, %b\n ret i64 %sum\n}"

# Another object's function by call and by address, constants, a table of addresses, writable and zeroed data.
USE = """
@counter = global i64 40
@zeroed = internal global [100 x i64] zeroinitializer
@weights = internal constant [4 x i64] [i64 1, i64 10, i64 100, i64 1000]
@table = internal constant [2 x ptr] [ptr @add, ptr @subtract]

declare i64 @add(i64, i64)

define internal i64 @subtract(i64 %a, i64 %b) {
  %difference = sub i64 %a, %b
  ret i64 %difference
}

define i64 @count() {
  %old = load i64, ptr @counter
  %new = call i64 @add(i64 %old, i64 1)
  store i64 %new, ptr @counter
  ret i64 %new
}

define i64 @through_table(i64 %which, i64 %a, i64 %b) {
  %slot = getelementptr ptr, ptr @table, i64 %which
  %function = load ptr, ptr %slot
  %result = call i64 %function(i64 %a, i64 %b)
  ret i64 %result
}

define ptr @address_of_add() { ret ptr @add }

define i64 @weight(i64 %which) {
  %p = getelementptr i64, ptr @weights, i64 %which
  %w = load i64, ptr %p
  ret i64 %w
}

define i64 @remember(i64 %which, i64 %value) {
  %p = getelementptr [100 x i64], ptr @zeroed, i64 0, i64 %which
  %old = load i64, ptr %p
  store i64 %value, ptr %p
  ret i64 %old
}

define double @half(double %x) {
  %y = fmul double %x, 0.5
  ret double %y
}

declare ptr @memcpy(ptr, ptr, i64)

define ptr @copy(ptr %to, ptr %from, i64 %bytes) {
  %r = call ptr @memcpy(ptr %to, ptr %from, i64 %bytes)
  ret ptr %r
}
"""


def _function(library: jit.Library, name: str, *types: object) -> Callable[..., object]:
    return ctypes.CFUNCTYPE(*types)(library.address(name))  # type: ignore[arg-type]


Int = ctypes.c_int64


@pytest.mark.parametrize("load", LOADERS)
def test_objects_link_with_each_other_and_the_c_library(load: Load) -> None:
    library = load(jit.compile_many([USE, ADD], host()))
    count = _function(library, "count", Int)
    assert [count(), count()] == [41, 42]
    assert Int.from_address(library.address("counter")).value == 42
    through_table = _function(library, "through_table", Int, Int, Int, Int)
    assert [through_table(0, 7, 5), through_table(1, 7, 5)] == [12, 2]
    assert _function(library, "address_of_add", ctypes.c_void_p)() == library.address("add")
    assert _function(library, "weight", Int, Int)(2) == 100
    remember = _function(library, "remember", Int, Int, Int)
    assert [remember(99, 5), remember(99, 6), remember(0, 1)] == [0, 5, 0]
    assert _function(library, "half", ctypes.c_double, ctypes.c_double)(3.0) == 1.5
    target = ctypes.create_string_buffer(8)
    _function(library, "copy", ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, Int)(target, b"abcdefg", 8)
    assert target.value == b"abcdefg"


@pytest.mark.parametrize("load", LOADERS)
def test_an_unknown_symbol_is_named(load: Load) -> None:
    library = load([jit.compile_ir(ADD, host())])
    with pytest.raises(RuntimeError, match="subtract"):
        library.address("subtract")


@pytest.mark.parametrize("load", LOADERS)
def test_the_same_names_in_two_libraries_are_two_things(load: Load) -> None:
    first, second = (load([jit.compile_ir(f"@x = global i64 {i}", host())]) for i in (1, 2))
    assert [Int.from_address(library.address("x")).value for library in (first, second)] == [1, 2]


@pytest.mark.skipif(not elf.available(), reason="reads x86-64 ELF only")
def test_what_nothing_defines_is_listed() -> None:
    text = """
declare float @expf(float)
declare void @nowhere()
declare ptr @memcpy(ptr, ptr, i64)
define float @f(float %x) {
  %y = call float @expf(float %x)
  call void @nowhere()
  %r = call ptr @memcpy(ptr null, ptr null, i64 0)
  ret float %y
}"""
    with pytest.raises(RuntimeError) as caught:
        jit.load([jit.compile_ir(text, host())])
    assert str(caught.value) == "generated code uses what nothing defines: expf, nowhere"


@pytest.mark.skipif(not elf.available(), reason="reads x86-64 ELF only")
def test_two_definitions_of_a_name_are_refused() -> None:
    data = jit.compile_ir(ADD, host())
    with pytest.raises(RuntimeError, match="two objects of generated code define 'add'"):
        jit.load([data, data])


def test_addresses_can_be_given() -> None:
    def host_call(x: int) -> int:
        return x * x

    callback = ctypes.CFUNCTYPE(Int, Int)(host_call)
    address = ctypes.cast(callback, ctypes.c_void_p).value or 0
    text = "declare i64 @ask(i64)\ndefine i64 @f(i64 %x) {\n %y = call i64 @ask(i64 %x)\n ret i64 %y\n}"
    objects = [jit.compile_ir(text, host())]
    for library in (
        jit.load(objects, {"ask": lambda: address}),
        jit._load_with_llvm(objects, {"ask": lambda: address}),
    ):
        assert _function(library, "f", Int, Int)(12) == 144


def _mapped(address: int) -> bool:
    for line in Path("/proc/self/maps").read_text().splitlines():
        begin, _, end = line.split()[0].partition("-")
        if int(begin, 16) <= address < int(end, 16):
            return "x" in line.split()[1]
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("load", LOADERS)
def test_memory_goes_with_the_library(load: Load) -> None:
    # Several pages, so that nothing else is likely to take just this place in between.
    library = load([jit.compile_ir(f"@room = global [100000 x i64] zeroinitializer\n{ADD}", host())])
    address = library.address("add")
    assert _mapped(address)
    del library
    gc.collect()
    assert not _mapped(address)


@pytest.mark.skipif(not elf.available(), reason="reads x86-64 ELF only")
def test_no_memory_is_writable_and_executable() -> None:
    library = jit.load(jit.compile_many([USE, ADD], host()))
    rights = {}
    for line in Path("/proc/self/maps").read_text().splitlines():
        begin, _, end = line.split()[0].partition("-")
        for name in ("add", "counter"):
            if int(begin, 16) <= library.address(name) < int(end, 16):
                rights[name] = line.split()[1]
    assert rights == {"add": "r-xp", "counter": "rw-p"}


@pytest.mark.skipif(not elf.available(), reason="reads x86-64 ELF only")
def test_of_weak_definitions_one_is_used() -> None:
    weak = "define weak i64 @f() { ret i64 1 }\ndefine i64 @%s() {\n %%r = call i64 @f()\n ret i64 %%r\n}"
    objects = jit.compile_many([weak % "one", weak % "two", "define i64 @f() { ret i64 2 }"], host())
    for order in (objects, objects[::-1]):
        library = jit.load(order)
        assert [_function(library, name, Int)() for name in ("one", "two", "f")] == [2, 2, 2]


@pytest.mark.skipif(not elf.available(), reason="reads x86-64 ELF only")
def test_what_the_own_linker_does_not_know_llvm_loads() -> None:
    objects = [jit.compile_ir("@shared = common global i64 0", host())]
    with pytest.raises(elf.Unsupported):
        elf.link(objects, lambda names: {})
    assert Int.from_address(jit.load(objects).address("shared")).value == 0


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"MZ" + bytes(100)])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(elf.Unsupported):
        elf.link([data], lambda names: {})


def test_an_object_for_another_processor_is_refused() -> None:
    with pytest.raises(elf.Unsupported, match="not an x86-64 object"):
        elf.link([jit.compile_ir(ADD, named("neon"))], lambda names: {})


def test_text_that_is_no_ir_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="LLVM IR parsing error"):
        jit.compile_ir("define nonsense", host())


def test_compile_many_keeps_the_order_for_any_number_of_threads() -> None:
    texts = [f"@value = global i64 {i}\n{ADD.replace('@add', f'@f{i}')}" for i in range(12)]
    expected = [jit.compile_ir(text, host()) for text in texts]
    for threads in (1, 2, 5):
        assert jit.compile_many(texts, host(), threads) == expected
    assert jit.compile_many([], host()) == []


def test_llvm_is_reached_as_llvmlite_reaches_it() -> None:
    from llvmlite import binding

    features = binding.get_host_cpu_features().flatten()
    assert llvm.host_names() == (binding.get_process_triple(), binding.get_host_cpu_name(), features)
    for target in (host(), named("neon")):
        machine = target_machine(target)
        with binding.create_context() as context, binding.parse_assembly(USE, context) as module:
            assert jit.compile_ir(USE, target) == machine.emit_object(module)


def test_text_that_llvm_reads_and_finds_wrong_is_an_error() -> None:
    text = "define i64 @f(i64 %x) {\n %y = add i64 %z, 1\n %z = add i64 %x, 1\n ret i64 %y\n}"
    with pytest.raises(RuntimeError, match="Instruction does not dominate all uses"):
        jit.compile_ir(text, host())


def test_a_processor_that_llvm_does_not_know_is_named() -> None:
    with pytest.raises(RuntimeError, match="pdp11"):
        llvm.Machine("pdp11-unknown-unix", "", "", 3)


def test_an_error_in_one_of_many_is_raised() -> None:
    with pytest.raises(RuntimeError, match="LLVM IR parsing error"):
        jit.compile_many([ADD, "define nonsense", ADD], host(), threads=2)


def test_nothing_more_is_written_once_a_helper_has_failed() -> None:
    written = []

    def texts() -> Iterator[str]:
        for number in range(1000):
            written.append(number)
            yield "define nonsense" if number == 0 else ADD
            time.sleep(0.01)  # the helper's turn

    with pytest.raises(RuntimeError, match="LLVM IR parsing error"):
        jit.compile_many(texts(), host(), threads=2)
    assert len(written) < 1000


def test_a_cached_object_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Cache(tmp_path / "cache", 1 << 20)
    monkeypatch.setattr(cache, "_process_cache", lambda: store)
    written = []

    def request(name: str) -> jit.Request:
        def write() -> str:
            written.append(name)
            return ADD.replace("@add", f"@{name}")

        return jit.Request(f"loops of {name}", write)

    cold = jit.compile_cached([request("f"), request("g"), request("f")], host())
    assert written == ["f", "g"]
    assert len(cold) == 2 and cold[0] != cold[1]
    assert jit.compile_cached([request("g"), request("f"), request("h")], host()) == [
        cold[1],
        cold[0],
        jit.compile_ir(ADD.replace("@add", "@h"), host()),
    ]
    assert written == ["f", "g", "h"]
    jit.compile_cached([request("f")], named("sse2"))
    assert written == ["f", "g", "h", "f"]


def test_code_that_joins_is_compiled_together_and_found_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Cache(tmp_path / "cache", 1 << 20)
    monkeypatch.setattr(cache, "_process_cache", lambda: store)
    written: list[int] = []

    def request(number: int, level: int = jit.FAST) -> jit.Request:
        def write(module: ir.Module) -> None:
            written.append(number)
            function = ir.Function(module, ir.FunctionType(ir.IntType(64), []), f"f{number}")
            function.linkage = "weak"
            ir.IRBuilder(function.append_basic_block("entry")).ret(ir.Constant(ir.IntType(64), number))

        return jit.Request(f"loops of {number}", write, level, joins=True)

    def values(objects: list[bytes], numbers: list[int]) -> list[int]:
        library = jit.load(objects)
        return [ctypes.CFUNCTYPE(ctypes.c_int64)(library.address(f"f{number}"))() for number in numbers]

    both = jit.compile_cached([request(1), request(2), request(3, jit.QUICK)], host())
    assert len(both) == 2 and written == [1, 2, 3] and values(both, [1, 2, 3]) == [1, 2, 3]
    again = jit.compile_cached([request(2), request(4)], host())
    assert again[0] == both[0] and written == [1, 2, 3, 4] and values(again, [2, 4]) == [2, 4]
    # Slow code of one step's that stands beside what another step wants does not take the place of its fast code.
    (slow,) = jit.compile_cached([request(7, jit.QUICK), request(8, jit.QUICK)], host())
    (fast,) = jit.compile_cached([request(7)], host())
    assert jit.compile_cached([request(8, jit.QUICK), request(7)], host()) == [fast, slow]
    # Another process made a module that shares code with one of ours: each of the two has it.
    monkeypatch.setattr(cache, "_process_cache", lambda: None)
    shared = [*both, *jit.compile_cached([request(1), request(6)], host())]
    assert values(shared, [1, 2, 3, 6]) == [1, 2, 3, 6]


def test_code_whose_module_was_evicted_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Cache(tmp_path / "cache", 1 << 20)
    monkeypatch.setattr(cache, "_process_cache", lambda: store)
    written: list[str] = []

    def request(name: str) -> jit.Request:
        def write(module: ir.Module) -> None:
            written.append(name)
            builder = ir.IRBuilder(ir.Function(module, ir.FunctionType(ir.VoidType(), []), name).append_basic_block())
            builder.ret_void()

        return jit.Request(name, write, joins=True)

    jit.compile_cached([request("f"), request("g")], host())
    largest = max((tmp_path / "cache").iterdir(), key=lambda file: file.stat().st_size)
    largest.unlink()
    (both,) = jit.compile_cached([request("f"), request("g")], host())
    assert written == ["f", "g", "f", "g"]
    assert jit.load([both]).address("g")
    # Where not even the module fits, only what says where its parts are is kept, and means nothing.
    small = Cache(tmp_path / "small", 800)
    monkeypatch.setattr(cache, "_process_cache", lambda: small)
    for _ in range(2):
        (both,) = jit.compile_cached([request("f"), request("g")], host())
        assert jit.load([both]).address("f")
    assert written == ["f", "g"] * 4
    sizes = [file.stat().st_size for file in (tmp_path / "small").iterdir()]
    assert sizes and sum(sizes) < len(both)


def test_a_cached_program_runs_without_llvm(tmp_path: Path) -> None:
    script = """
import ctypes, sys
from graphc.codegen import cache, jit, llvm
from graphc.codegen.target import named
cache._source_state = lambda: "as it is"  # The sources may be edited between the two runs.
text = "define i64 @seven() { ret i64 7 }"
library = jit.load(jit.compile_cached([jit.Request("seven", lambda: text)], named("sse2")))
print(ctypes.CFUNCTYPE(ctypes.c_int64)(library.address("seven"))(), int(llvm.is_loaded()))
"""
    environment = {**os.environ, "GRAPHC_CACHE": "1", "GRAPHC_CACHE_DIR": str(tmp_path / "cache")}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    if elf.available():
        assert outputs == [["7", "1"], ["7", "0"]]


def test_the_import_does_not_load_llvm() -> None:
    code = "import sys, graphc.codegen.jit, graphc.codegen.runtime; print('llvmlite' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_a_training_step_from_the_cache_loads_neither_llvm_nor_what_writes_its_ir(tmp_path: Path) -> None:
    script = """
import sys
import time
import numpy as np
import graphc as tf
from graphc.codegen import cache
cache._source_state = lambda: "as it is"  # The sources may be edited between the two runs.
x = tf.placeholder(tf.float32, [8, 20])
h = tf.layers.dense(tf.nn.dropout(tf.nn.relu(tf.layers.dense(x, 30)), 0.5), 10)
loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=tf.zeros([8, 10]), logits=h))
train = tf.train.AdamOptimizer().minimize(loss)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run([loss, train], {x: np.ones((8, 20), np.float32)})
from graphc.codegen import llvm
print(llvm.is_loaded(), *(f"graphc.codegen.{name}" in sys.modules for name in ("ir", "emit")))
"""
    environment = {**os.environ, "GRAPHC_CACHE": "1", "GRAPHC_CACHE_DIR": str(tmp_path / "cache")}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    if elf.available():
        assert outputs == [["True"] * 3, ["False"] * 3]
