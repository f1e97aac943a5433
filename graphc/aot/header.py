"""The C header of an artifact: C99, and C++ as well."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from graphc.aot.description import EntryPoint, Field, Parameter
from graphc.aot.layout import largest
from graphc.codegen.instance import Memory
from graphc.dims import DimLike
from graphc.shapes import TensorType

_C_TYPES = {
    "f32": "float",
    "f64": "double",
    "i32": "int32_t",
    "i64": "int64_t",
    "u8": "uint8_t",
    "i8": "int8_t",
    "i16": "int16_t",
    "u16": "uint16_t",
    "u32": "uint32_t",
    "u64": "uint64_t",
    "f16": "uint16_t",  # C has no type for these: their bits
    "bf16": "uint16_t",
    "bool": "uint8_t",
    "c64": "float",  # real and imaginary parts one after the other
    "c128": "double",
}


@dataclass(frozen=True)
class Header:
    """What the text is made from."""

    name: str
    origin: str  # by what and for what the artifact was compiled
    entries: Sequence[EntryPoint]
    fields: Sequence[Field]
    memory: Memory
    threads: int
    general_errors: Sequence[tuple[str, int]]

    def text(self) -> str:
        """The whole file."""
        upper = self.name.upper()
        parts = [
            self._introduction(),
            f"#ifndef {upper}_H\n#define {upper}_H\n\n#include <stddef.h>\n#include <stdint.h>",
            _ALIGNED.replace("NAME", upper),
            '#ifdef __cplusplus\nextern "C" {\n#endif',
            self._numbers(upper),
            self._struct(upper),
            _LIFE.replace("NAME", self.name).replace("UPPER", upper),
            *map(self._entry, self.entries),
            _REST.replace("NAME", self.name),
            f"#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {upper}_H */",
        ]
        return "\n\n".join(parts) + "\n"

    def _introduction(self) -> str:
        entry = self.entries[0]
        arguments = ", ".join(
            ["&model", *entry.sizes, *(p.identifier for p in entry.feeds), *(f"&{p.identifier}" for p in entry.fetches)]
        )
        return _INTRODUCTION.format(name=self.name, origin=self.origin, entry=entry.name, arguments=arguments)

    def _numbers(self, upper: str) -> str:
        lines = [
            f"#define {upper}_THREADS {self.threads}",
            f"#define {upper}_STATE_BYTES {self.memory.state_bytes} /* from the field after internal to working */",
        ]
        for name, limit in {n: m for entry in self.entries for n, m in entry.sizes.items()}.items():
            lines.append(f"#define {upper}_MAX_{name.upper()} {limit}")
        lines += ["", "/* Elements of feeds and fetches, at the largest sizes. */"]
        for entry in self.entries:
            lines += [
                f"#define {upper}_{entry.name.upper()}_{p.identifier.upper()} {_elements(p, entry)}"
                for p in (*entry.feeds, *entry.fetches)
                if not p.is_given
            ]
        lines += ["", "enum {"]
        lines += [f"    {upper}_{name} = {code}," for name, code in self.general_errors]
        lines[-1] = lines[-1].rstrip(",")
        return "\n".join([*lines, "};"])

    def _struct(self, upper: str) -> str:
        memory, name = self.memory, self.name
        lines = [
            "/* One instance. The variables may be read and written between steps. */",
            f"typedef struct {name} {{",
            f"    {upper}_ALIGNED uint64_t internal[{memory.state_offset // 8}];",
        ]
        end, gaps = 0, 0
        for field in self.fields:
            if field.offset > end:
                gaps += 1
                lines.append(f"    uint8_t padding{gaps}[{field.offset - end}];")
            lines.append(f"    {_C_TYPES[field.type.dtype.short]} {field.identifier}{_extent(field)}; {_note(field)}")
            end = field.offset + field.bytes
        if memory.state_bytes > end:
            lines.append(f"    uint8_t padding{gaps + 1}[{memory.state_bytes - end}];")
        lines.append(f"    uint8_t working[{memory.bytes - memory.working_offset}]; /* what lives within one step */")
        lines += [
            f"}} {name};",
            "",
            "/* Both fail to compile where a compiler lays the struct out in another way than the library does. */",
            f"typedef char {name}_size_check[sizeof({name}) == {memory.bytes} ? 1 : -1];",
            f"typedef char {name}_place_check[offsetof({name}, working) == {memory.working_offset} ? 1 : -1];",
        ]
        return "\n".join(lines)

    def _entry(self, entry: EntryPoint) -> str:
        notes = [f" *   {p.identifier}: {_comment(p.name)} {p}" for p in entry.feeds]
        notes += [f" *   {p.identifier}: {_comment(p.name)} {p}, {_how(p)}" for p in entry.fetches if not p.is_size]
        for count in (p for p in entry.fetches if p.is_size):
            limit = "" if count.most is None else f", at most {count.most}"
            notes.append(f" *   {count.identifier}: counted while it runs{limit}, written")
        arguments = [f"{self.name} *self", *(f"int64_t {size}" for size in entry.sizes)]
        arguments += [f"const {_pointer(p)}" for p in entry.feeds] + [_pointer(p) for p in entry.fetches]
        title = f"/* Entry point '{entry.name}'; no two of these arrays may overlap."
        comment = "\n".join([title, *notes, " */"]) if notes else f"/* Entry point '{entry.name}'. */"
        start = f"int {self.name}_{entry.name}("
        wrapped = textwrap.wrap(", ".join(arguments) + ");", 116, initial_indent=start, subsequent_indent="    ")
        return "\n".join([comment, *wrapped])


def _how(fetch: Parameter) -> str:
    if fetch.is_given:
        return "in memory that the caller frees; NULL where the step failed"
    return "written"


def _elements(parameter: Parameter, entry: EntryPoint) -> str:
    sizes = [str(largest(size, entry.sizes)) for size in parameter.type.sizes]
    return f"({' * '.join(sizes)})" if len(sizes) > 1 else sizes[0] if sizes else "1"


def _extent(field: Field) -> str:
    sizes = _numbers(field.type)
    return "" if not sizes else "[" + _product(sizes) + "]"


def _numbers(type: TensorType) -> Sequence[DimLike]:
    """The sizes of the array of C numbers: a complex number is two."""
    return (*type.sizes, 2) if type.dtype.is_complex else type.sizes


def _note(field: Field) -> str:
    what = f"{field.type}" if field.is_variable else "position of a random stream"
    return f"/* '{_comment(field.name)}' {what} */"


def _comment(name: str) -> str:
    """The name as it may stand in a comment."""
    return name.replace("*/", "* /").replace("/*", "/ *")


def _pointer(parameter: Parameter) -> str:
    kind, sizes = _C_TYPES[parameter.dtype.short], _numbers(parameter.type)
    if parameter.is_given:
        return f"{kind} **{parameter.identifier}"
    exact = sizes and all(isinstance(size, int) and size > 0 for size in sizes)
    return f"{kind} {parameter.identifier}[{_product(sizes)}]" if exact else f"{kind} *{parameter.identifier}"


def _product(sizes: Sequence[DimLike]) -> str:
    return " * ".join(str(size) for size in sizes)


_INTRODUCTION = """\
/* {name}.h: {origin}
 *
 *     static {name} model;
 *     int status = {name}_init(&model);
 *     status = {name}_{entry}({arguments});
 *
 * Functions of type int return 0, or a code that {name}_error turns into a sentence. Nothing is allocated after
 * {name}_init but the threads, at the first step that uses them, and what grows while a step runs. An instance serves
 * one call at a time; different instances may run at the same time. Arrays are packed, the last index fastest; a bool
 * is a byte, 0 or 1. A pointer that is NULL is told by a code.
 */"""

_ALIGNED = """\
/* Whole cache lines are read and written fastest. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define NAME_ALIGNED alignas(64)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define NAME_ALIGNED _Alignas(64)
#elif defined(__GNUC__)
#define NAME_ALIGNED __attribute__((aligned(64)))
#else
#define NAME_ALIGNED
#endif"""

_LIFE = """\
/* Sets the initial weights in memory that the caller gives (static, or of NAME_create; malloc aligns too little).
 * Without it the other functions of type int return UPPER_NOT_INITIALISED. */
int NAME_init(NAME *self);

/* An initialised instance in memory of its own; NULL where there is no memory. */
NAME *NAME_create(void);

/* Ends the threads, and frees what NAME_create allocated. */
void NAME_destroy(NAME *self);"""

_REST = """\
/* The state in a file: variables and positions of random streams. A file that is damaged or of another model is
 * refused, and the instance stays as it is. */
int NAME_save(const NAME *self, const char *path);
int NAME_load(NAME *self, const char *path);

/* Where a variable is, by its name in the graph; NULL for an unknown name. */
void *NAME_variable(NAME *self, const char *name);

/* What a code means. */
const char *NAME_error(int code);

/* Entry points and variables as JSON. */
const char *NAME_description(void);"""
