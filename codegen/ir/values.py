"""What stands in a module: functions with their blocks, memory, and values that are complete only in the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphc.codegen.ir.types import Constant, FunctionType, PointerType, Type, Value


class GlobalVariable(Value):
    """Memory of the module; its value is its address."""

    def __init__(self, module: Module, kind: Type, name: str):
        super().__init__(PointerType(), f'@"{name}"')
        self.kind = kind
        self.name = name
        self.linkage = ""
        self.global_constant = False
        self.align: int | None = None
        self.initializer: Constant | None = None
        module.globals[name] = self

    def __str__(self) -> str:
        words = [self.linkage or ("" if self.initializer else "external")]
        words += ["constant" if self.global_constant else "global", self.kind.text]
        words += [self.initializer.text] if self.initializer else []
        aligned = f", align {self.align}" if self.align else ""
        return f"{self.text} = {' '.join(word for word in words if word)}{aligned}"


class Function(Value):
    """A function of the module: declared, and defined where it has blocks."""

    def __init__(self, module: Module, ftype: FunctionType, name: str):
        super().__init__(PointerType(), f'@"{name}"')
        self.module = module
        self.ftype = ftype
        self.name = name
        self.args = [Value(kind, f"%a{number}") for number, kind in enumerate(ftype.args)]
        self.linkage = ""
        self.attributes: set[str] = set()
        self.blocks: list[Block] = []
        self.values = 0  # how many instructions gave one, for their names
        self._names: dict[str, int] = {}
        module.globals[name] = self

    @property
    def is_declaration(self) -> bool:
        """Whether it is defined elsewhere."""
        return not self.blocks

    def append_basic_block(self, name: str = "block") -> Block:
        """A new last block, whose label begins with ``name``."""
        count = self._names.get(name, 0)
        self._names[name] = count + 1
        block = Block(self, f"{name}.{count}" if count else name)
        self.blocks.append(block)
        return block

    def __str__(self) -> str:
        result = self.ftype.return_type.text
        if not self.blocks:
            return f"declare {result} {self.text}({', '.join(value.type.text for value in self.args)})"
        linkage = f"{self.linkage} " if self.linkage else ""
        arguments = ", ".join(f"{value.type.text} {value.text}" for value in self.args)
        head = f"define {linkage}{result} {self.text}({arguments}) {' '.join(sorted(self.attributes))}"
        lines = [line for block in self.blocks for line in block.text_lines()]
        return "\n".join([head.rstrip() + " {", *lines, "}"])


class Module:
    """Functions and memory under names."""

    def __init__(self, name: str = "", triple: str = ""):
        self.name = name
        self.triple = triple
        self.globals: dict[str, Any] = {}

    @property
    def functions(self) -> list[Function]:
        """Those declared and those defined."""
        return [thing for thing in self.globals.values() if isinstance(thing, Function)]

    @property
    def size(self) -> int:
        """How many instructions it has."""
        return sum(len(block.lines) for function in self.functions for block in function.blocks)

    def __str__(self) -> str:
        head = [f"; ModuleID = {self.name}", f'target triple = "{self.triple}"']
        return "\n".join([*head, *map(str, self.globals.values()), LIKELY, UNLIKELY, ""])


# How often the first way of a branch is taken, as modules say it.
LIKELY = '!0 = !{!"branch_weights", i32 99, i32 1}'
UNLIKELY = '!1 = !{!"branch_weights", i32 1, i32 99}'


class Block:
    """Instructions one after the other; what is written after its branch was stands before it."""

    def __init__(self, function: Function, name: str):
        self.function = function
        self.name = name
        self.lines: list[Any] = []  # texts, or what has its text in the end
        self.terminator: str | None = None

    @property
    def is_terminated(self) -> bool:
        """Whether it says where to go on."""
        return self.terminator is not None

    def text_lines(self) -> Iterator[str]:
        """The block as it is written."""
        yield f"{self.name}:"
        yield from (f"  {line}" for line in self.lines)
        yield f"  {self.terminator or 'unreachable'}"


class Phi(Value):
    """The value that belongs to the block from which control came."""

    def __init__(self, type: Any, text: str):
        super().__init__(type, text)
        self._ways: list[str] = []

    def add_incoming(self, value: Value, block: Block) -> None:
        """``value``, where control came from ``block``."""
        self._ways.append(f"[{value.text}, %{block.name}]")

    def __str__(self) -> str:
        return f"{self.text} = phi {self.type.text} {', '.join(self._ways)}"


class Alloca(Value):
    """Room on the stack; its value is its address."""

    def __init__(self, text: str, kind: Type, size: int | None):
        super().__init__(PointerType(), text)
        self.align: int | None = None
        self._room = kind.text if size is None else f"{kind.text}, i32 {size}"

    def __str__(self) -> str:
        return f"{self.text} = alloca {self._room}" + (f", align {self.align}" if self.align else "")
