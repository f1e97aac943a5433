"""Compile entry points ahead of time: the table of contents.

entries     fetches and feeds -> step, exact sizes, program           graphc/aot/entries.py
layout      a place for each variable and for working memory          graphc/aot/layout.py
initial     the program that sets the first values                    graphc/aot/initial.py
object      programs -> one object file                               graphc/codegen/artifact.py
header      the same interface in C                                   graphc/aot/header.py
library     the object, linked                                        graphc/aot/link.py
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphc import compiler, settings
from graphc.aot import header, initial, layout, link
from graphc.aot.description import EntryPoint, Field, describe, state_layout
from graphc.aot.entries import Built, Sizing, build_entry, check_shapes, graph_of
from graphc.aot.identifiers import is_identifier, is_module
from graphc.aot.loader import Model, state_file
from graphc.codegen.instance import Argument, Data, EntryCode, Given, InInstance, InWorking, Memory, Where
from graphc.codegen.program import Program
from graphc.faults import failure_text
from graphc.graph import Graph
from graphc.nodes import Operation
from graphc.shapes import TensorType
from graphc.version import __version__

if TYPE_CHECKING:  # target loads when a step is compiled
    from graphc.codegen.target import Target

# What a model has besides its entry points, in C or in Python.
RESERVED = frozenset(
    ("init", "create", "destroy", "save", "load", "error", "variable", "variables", "description", "name")
)
ERROR_NAMES = (
    *("OK", "UNKNOWN", "BAD_SIZE", "CANNOT_OPEN", "CANNOT_WRITE", "NO_STATE", "OTHER_MODEL", "DAMAGED"),
    *("NOT_INITIALISED", "NULL_POINTER", "NO_MEMORY"),
)


@dataclass(frozen=True)
class Artifact:
    """The files that were written, and what they hold; ``library`` is None where nothing could link it."""

    name: str
    folder: Path
    object: Path
    header: Path
    loader: Path
    library: Path | None
    state: Path | None
    entries: tuple[EntryPoint, ...]
    fields: tuple[Field, ...]
    bytes: int  # of an instance

    def load(self) -> Model:
        """A fresh instance in this process."""
        if self.library is None:
            raise ValueError(f"'{self.name}' has no shared library: its object {self.object} is there to be linked")
        model = Model(self.library, self.name)
        if self.state is not None:
            model.load(self.state)
        return model


def compile(
    fetches: Any,
    feeds: Any,
    folder: str | Path = ".",
    *,
    name: str = "model",
    batch: int | None = None,
    max_batch: int | None = None,
    shapes: Mapping[Any, Sequence[int]] | None = None,
    threads: int = 1,
    target: str | Target = "host",
    session: Any = None,
    embed: bool = False,
    library: bool = True,
) -> Artifact:
    """Compiles what ``session.run(fetches, feeds)`` does to a function ``{name}_step``, and returns the files written.

        artifact = aot.compile([loss, train], [x, y], "out", name="mlp", batch=64)

    feeds      the fed tensors in the order of the function's arguments; a dictionary gives them other names
    batch      the first size of every feed where the graph does not know it
    max_batch  instead: the caller passes that size with each call, up to this
    shapes     whole shapes of feeds, by tensor or name
    threads    how many threads an instance uses; with one nothing of POSIX threads is needed
    target     ``host``, or a plain family: ``sse2``, ``avx2``, ``avx512``, ``neon``
    session    variables begin with its values, kept in ``{name}.state``, and not with their initialisers
    embed      keeps those values in the object
    library    whether to link a shared library
    """
    sizing = Sizing(batch, max_batch, shapes or {})
    return _compile({"step": (fetches, feeds)}, folder, name, sizing, threads, target, session, embed, library)


def compile_entries(
    entries: Mapping[str, tuple[Any, Any]],
    folder: str | Path = ".",
    *,
    name: str = "model",
    batch: int | None = None,
    max_batch: int | None = None,
    shapes: Mapping[Any, Sequence[int]] | None = None,
    threads: int = 1,
    target: str | Target = "host",
    session: Any = None,
    embed: bool = False,
    library: bool = True,
) -> Artifact:
    """`compile` for several functions over the same variables.

    aot.compile_entries({"train": ([loss, train], [x, y]), "predict": (scores, [x])}, "out", name="mlp", batch=64)
    """
    sizing = Sizing(batch, max_batch, shapes or {})
    return _compile(entries, folder, name, sizing, threads, target, session, embed, library)


def _compile(
    entries: Mapping[str, tuple[Any, Any]],
    folder: str | Path,
    name: str,
    sizing: Sizing,
    threads: int,
    target: str | Target,
    session: Any,
    embed: bool,
    library: bool,
) -> Artifact:
    _check_names(name, entries)
    _check_threads(threads)
    if embed and session is None:
        raise ValueError("embed keeps values of a session in the object: give session= too")
    if session is not None and not hasattr(session, "state"):
        raise TypeError(f"session is {session!r}, wanted a tf.Session")
    processor = _target(target)
    graph = session.graph if session is not None else graph_of([fetches for fetches, _ in entries.values()])
    built = [build_entry(entry, *wanted, graph, sizing, processor) for entry, wanted in entries.items()]
    check_shapes(sizing, [feeds for _, feeds in entries.values()], graph)
    model = _Model(name, built, threads, processor)
    image = None if session is None else initial.state_of(session, model.fields)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return model.write(graph, folder, image, embed, library)


def _check_names(name: str, entries: Mapping[str, Any]) -> None:
    if not is_identifier(name):
        raise ValueError(f"name {name!r} cannot name functions in C: wanted letters, digits and '_', and no keyword")
    if is_module(name):
        raise ValueError(
            f"name {name!r} is that of a Python module, which the loader {name}.py would hide: choose another"
        )
    if not entries:
        raise ValueError("there is no entry point to compile")
    for entry in entries:
        if not is_identifier(entry) or entry in RESERVED:
            raise ValueError(
                f"entry point {entry!r} cannot name a function: wanted letters, digits and '_', no keyword, none of "
                f"{', '.join(sorted(RESERVED))}"
            )


def _check_threads(threads: int) -> None:
    if not isinstance(threads, int) or not 1 <= threads <= settings.MAX_THREADS:
        raise ValueError(f"threads is {threads!r}, wanted a whole number from 1 to {settings.MAX_THREADS}")


def _target(target: str | Target) -> Target:
    from graphc.codegen.target import Target, host, named  # loads llvmlite when the host is not known from the cache

    if isinstance(target, str):
        return host() if target == "host" else named(target)
    if not isinstance(target, Target):
        raise TypeError(f"target is {target!r}, wanted 'host' or the name of a family such as 'avx2'")
    return target


class _Model:
    """Everything that is known before a file is written."""

    def __init__(self, name: str, built: Sequence[Built], threads: int, target: Target):
        self.name, self.built, self.threads, self.target = name, built, threads, target
        states: dict[Operation, TensorType] = {}
        for entry in built:
            for operation, type in entry.states:
                states.setdefault(operation, type)
        self.fields = layout.lay_out(states)
        self.offsets = {field.operation: layout.HEAD_BYTES + field.offset for field in self.fields}
        self.errors: list[str] = []

    def write(self, graph: Graph, folder: Path, image: bytes | None, embed: bool, library: bool) -> Artifact:
        """Writes object, header, loader and, where possible, the library."""
        from graphc.codegen import artifact as code  # loads llvmlite

        self.errors = list(code.GENERAL_ERRORS)
        start = _Initial(self, graph, image if embed else None)
        programs = [(entry.program, entry.point.sizes) for entry in self.built]
        memory = layout.place_memory(self.fields, [*programs, (start.program, {})], self.threads, start.bytes)
        text = state_layout(self.fields)
        artifact = code.Artifact(
            self.name,
            (*map(self._entry_code, self.built), start.code(memory)),
            memory,
            self.threads,
            describe(self._facts(memory), [entry.point for entry in self.built], text),
            text,
            tuple((field.name, self.offsets[field.operation]) for field in self.fields if field.is_variable),
            tuple(self.errors),
        )
        files = Artifact(
            self.name, folder, folder / f"{self.name}.o", folder / f"{self.name}.h", folder / f"{self.name}.py", None,
            None, tuple(entry.point for entry in self.built), tuple(self.fields), memory.bytes,
        )  # fmt: skip
        files.object.write_bytes(code.object_file(artifact, self.target))
        files.header.write_text(self._header(memory), encoding="utf-8")
        shutil.copyfile(Path(__file__).with_name("loader.py"), files.loader)
        if image is not None and not embed:
            files = replace(files, state=folder / f"{self.name}.state")
            padded = image.ljust(memory.state_bytes, b"\0")
            (folder / f"{self.name}.state").write_bytes(state_file(text, padded))
        return replace(files, library=self._linked(files)) if library else files

    def _facts(self, memory: Memory) -> dict[str, Any]:
        return {
            "model": self.name,
            "compiled_by": _producer(),
            "target": self.target.name,
            "cpu": self.target.cpu,
            "threads": self.threads,
            "bytes": memory.bytes,
            "state_offset": memory.state_offset,
        }

    def _entry_code(self, entry: Built) -> EntryCode:
        feeds, point = len(entry.point.feeds), entry.point
        places: list[Where] = []
        for slot in entry.program.slots:
            if slot.kind == "feed":
                # After the feeds come the flags: whether a variable is initialised, which it is.
                known = slot.number < len(entry.feeds)
                places.append(Argument(entry.feeds[slot.number]) if known else Data(b"\1"))
            elif slot.kind == "fetch":
                places.append((Given if slot.is_given else Argument)(feeds + slot.number))
            elif slot.kind == "state":
                places.append(InInstance(self.offsets[entry.states[slot.number][0]]))
            else:
                places.append(Data(entry.program.constants[slot.number].tobytes()))
        first = self.first_error(entry.program)
        pointers = [*point.feeds, *point.fetches]
        needed = tuple(n for n, x in enumerate(pointers) if x.is_given or layout.largest(x.type.elements, point.sizes))
        sizes = tuple(point.sizes.items())
        return EntryCode(f"{self.name}_{point.name}", entry.program, tuple(places), len(pointers), needed, sizes, first)

    def first_error(self, program: Program) -> int:
        """The code of the program's first error; the texts of all its errors are noted."""
        first = len(self.errors)
        for call in program.error_slots:
            self.errors += [failure_text(node) for node in call.checked]
        return first

    def _header(self, memory: Memory) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return header.Header(
            self.name,
            f"compiled by {_producer()} for {self.target.cpu}, {self.target.triple}, {threads}",
            [entry.point for entry in self.built],
            self.fields,
            memory,
            self.threads,
            list(zip(ERROR_NAMES, range(len(ERROR_NAMES)))),
        ).text()

    def _linked(self, files: Artifact) -> Path | None:
        command = link.find_compiler(self.target.triple)
        if command is None:
            warnings.warn(
                f"no C compiler was found for {self.target.triple} (cc, gcc or clang on the PATH, or CC): "
                f"{files.object} and {files.header} are written, and there is no shared library",
                RuntimeWarning,
                stacklevel=5,  # who called compile or compile_entries
            )
            return None
        # With "lib" before it the linker finds it as -lname, and Python does not take it for a module.
        library = files.folder / f"lib{self.name}.so"
        link.link_shared(command, files.object, library)
        return library


class _Initial:
    """The program that gives the state its first values, and where its slots are."""

    def __init__(self, model: _Model, graph: Graph, image: bytes | None):
        self.model = model
        self.image = image
        self.operations: list[Operation] = []
        self.types: list[TensorType] = []
        if image is not None:
            self.program = initial.copying_program(image)
        else:
            step, self.program = initial.initial_program(graph, model.fields, model.target)
            self.operations = compiler.state_operations(step)
            self.types = [slot.type for slot in self.program.slots if slot.kind == "state"]
        self.temporary = initial.temporary_states(self.operations, model.fields)
        self.bytes = 8 * len(self.temporary)  # a position of a random stream is one word

    def code(self, memory: Memory) -> EntryCode:
        """The internal function that `init` calls."""
        start = layout.temporary_offset(memory, self.model.threads)
        places: list[Where] = []
        for slot in self.program.slots:
            if slot.kind == "constant":
                places.append(Data(self.program.constants[slot.number].tobytes()))
            elif self.image is not None:
                places.append(InInstance(memory.state_offset))
            elif self.operations[slot.number] in self.temporary:
                places.append(InWorking(start + 8 * self.temporary.index(self.operations[slot.number])))
            else:
                places.append(InInstance(self.model.offsets[self.operations[slot.number]]))
        first = self.model.first_error(self.program)
        return EntryCode(f"{self.model.name}.initialise", self.program, tuple(places), 0, (), (), first)


def _producer() -> str:
    return f"graphc {__version__}"
