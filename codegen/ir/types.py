"""Types, and the constants that are made of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any


class Type:
    """A type, which is what it is written as; calling it with a number makes a constant."""

    zero = "zeroinitializer"

    def __init__(self, text: str):
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __call__(self, number: Any) -> Constant:
        return Constant(self, number)

    def format_constant(self, constant: Any) -> str:
        """A number of this type as LLVM reads it."""
        raise TypeError(f"{constant!r} is not written as a constant of type {self}")


class VoidType(Type):
    """No value."""

    def __init__(self) -> None:
        super().__init__("void")


class PointerType(Type):
    """An address, in one of the target's address spaces."""

    zero = "null"

    def __init__(self, space: int = 0) -> None:
        super().__init__(f"ptr addrspace({space})" if space else "ptr")


class IntType(Type):
    """A whole number of ``width`` bits, signed or not as an instruction takes it."""

    zero = "0"

    def __init__(self, width: int):
        super().__init__(f"i{width}")
        self.width = width

    def format_constant(self, constant: Any) -> str:
        return str(int(constant))


class FloatType(Type):
    """A float32."""

    zero = "0.0"

    def __init__(self) -> None:
        super().__init__("float")

    def format_constant(self, constant: Any) -> str:
        number = float(constant)
        return _bits_text(struct.unpack("f", struct.pack("f", number))[0] if abs(number) < 3.5e38 else number)


class DoubleType(Type):
    """A float64."""

    zero = "0.0"

    def __init__(self) -> None:
        super().__init__("double")

    def format_constant(self, constant: Any) -> str:
        return _bits_text(float(constant))


def _bits_text(number: float) -> str:
    """A number as the bits of a float64, in which LLVM writes float32 too."""
    return f"0x{struct.unpack('Q', struct.pack('d', number))[0]:016x}"


class VectorType(Type):
    """``count`` elements in one register."""

    def __init__(self, element: Type, count: int):
        super().__init__(f"<{count} x {element.text}>")
        self.element = element
        self.count = count

    def format_constant(self, constant: Any) -> str:
        return f"<{_listed(self.element, constant)}>"


class ArrayType(Type):
    """``count`` elements in memory."""

    def __init__(self, element: Type, count: int):
        super().__init__(f"[{count} x {element.text}]")
        self.element = element
        self.count = count

    def format_constant(self, constant: Any) -> str:
        if isinstance(constant, bytes | bytearray):
            return 'c"' + "".join(f"\\{byte:02x}" for byte in constant) + '"'
        return f"[{_listed(self.element, constant)}]"


class LiteralStructType(Type):
    """Values of several types one after the other."""

    def __init__(self, elements: Sequence[Type]):
        super().__init__("{" + ", ".join(element.text for element in elements) + "}")
        self.elements = tuple(elements)

    def format_constant(self, constant: Any) -> str:
        pairs = zip(self.elements, constant, strict=True)
        return "{" + ", ".join(_typed(element, item) for element, item in pairs) + "}"


class FunctionType(Type):
    """What a function takes and gives."""

    def __init__(self, return_type: Type, args: Sequence[Type]):
        super().__init__(f"{return_type.text} ({', '.join(kind.text for kind in args)})")
        self.return_type = return_type
        self.args = tuple(args)


def _listed(element: Type, items: Sequence[Any]) -> str:
    return ", ".join([_typed(element, item) for item in items])


def _typed(element: Type, item: Any) -> str:
    if isinstance(item, Value):
        return f"{item.type.text} {item.text}"
    return f"{element.text} {element.format_constant(item)}"


class Value:
    """Anything that an instruction may take: its type, and how it is referred to."""

    type: Any

    def __init__(self, type: Any, text: str):
        self.type = type
        self.text = text


class _Undefined:
    """The marker of a constant that may be anything."""


Undefined = _Undefined()


class Constant(Value):
    """A number, a list of numbers or values, None for zeros, or ``Undefined``."""

    def __init__(self, type: Any, constant: Any):
        self.type = type
        self.constant = constant
        if constant is None:
            self.text = type.zero
        elif constant is Undefined:
            self.text = "undef"
        else:
            self.text = type.format_constant(constant)
