"""How the text of a flag becomes its value, and the value text again."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from enum import Enum
from typing import Any


class ArgumentParser:
    """The parser of a string flag, and the base of the others: ``parse`` gives the value, ValueError or TypeError."""

    syntactic_help = ""
    kind = "string"

    def parse(self, argument: Any) -> Any:
        """The value that ``argument`` spells; what is no string must be a value already."""
        if not isinstance(argument, str):
            raise TypeError(f'flag value must be a string, found "{type(argument)}"')
        return argument

    def flag_type(self) -> str:
        """The name of the type, for help."""
        return self.kind

    def serialize(self, value: Any) -> str:
        """The text that parses to ``value``."""
        return str(value)


_TRUTH = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class BooleanParser(ArgumentParser):
    """true, t, 1 and false, f, 0 in any case."""

    kind = "bool"

    def parse(self, argument: Any) -> bool:
        """The truth value; ``ValueError`` for another word."""
        if isinstance(argument, str) and argument.lower() in _TRUTH:
            return _TRUTH[argument.lower()]
        if isinstance(argument, (bool, int)) and argument in (0, 1):
            return bool(argument)
        if isinstance(argument, (str, int)):
            raise ValueError(f"Non-boolean argument to boolean flag: {argument!r}")
        raise TypeError(f"Non-boolean argument to boolean flag: {argument!r}")

    def serialize(self, value: Any) -> str:
        """``true`` or ``false``."""
        return "true" if value else "false"


class _NumberParser(ArgumentParser):
    """A number, perhaps between bounds that belong to it."""

    noun = "number"

    def __init__(self, lower_bound: float | None = None, upper_bound: float | None = None):
        self.lower_bound, self.upper_bound = lower_bound, upper_bound
        self.syntactic_help = self._wanted()

    def _wanted(self) -> str:
        low, high = self.lower_bound, self.upper_bound
        article = "an" if self.noun == "integer" else "a"
        if low is not None and high is not None:
            return f"{article} {self.noun} in the range [{low}, {high}]"
        if low in (0, 1):
            return f"a {'non-negative' if low == 0 else 'positive'} {self.noun}"
        if low is not None:
            return f"{self.noun} >= {low}"
        if high is not None:
            return f"{self.noun} <= {high}"
        return f"{article} {self.noun}"

    def parse(self, argument: Any) -> Any:
        """The number; ``ValueError`` where it is none or out of bounds."""
        value = self.convert(argument)
        low, high = self.lower_bound, self.upper_bound
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"{value} is not {self.syntactic_help}")
        return value

    def convert(self, argument: Any) -> Any:
        """The number before its bounds are checked."""
        raise NotImplementedError


class FloatParser(_NumberParser):
    """A floating-point number."""

    kind = "float"

    def convert(self, argument: Any) -> float:
        """The float that a string or number says."""
        if isinstance(argument, bool) or not isinstance(argument, (str, int, float)):
            raise TypeError(f"Expect argument to be a string, int, or float, found {type(argument)}")
        return float(argument)


class IntegerParser(_NumberParser):
    """A whole number, in base 10, or 16 after 0x, or 8 after 0o."""

    kind, noun = "int", "integer"

    def convert(self, argument: Any) -> int:
        """The integer that a string says; a float is refused."""
        if isinstance(argument, str):
            base = {"0x": 16, "0o": 8}.get(argument[:2], 10)
            return int(argument, base)
        if isinstance(argument, bool) or not hasattr(argument, "__index__"):
            raise TypeError(f"Expect argument to be a string or int, found {type(argument)}")
        return int(argument)


class EnumParser(ArgumentParser):
    """One of some words."""

    kind = "string enum"

    def __init__(self, enum_values: Sequence[str], case_sensitive: bool = True):
        if not enum_values:
            raise ValueError(f'enum_values cannot be empty, found "{enum_values}"')
        self.enum_values, self.case_sensitive = list(enum_values), case_sensitive

    def parse(self, argument: Any) -> str:
        """The word, in the case in which it was declared."""
        same = (lambda a, b: a == b) if self.case_sensitive else (lambda a, b: a.lower() == b.lower())
        for value in self.enum_values:
            if same(value, str(argument)):
                return value
        raise ValueError(f"value should be one of <{'|'.join(self.enum_values)}>")


class EnumClassParser(ArgumentParser):
    """A member of an Enum class, by its name."""

    kind = "enum class"

    def __init__(self, enum_class: type[Enum], case_sensitive: bool = True):
        self.enum_class, self.case_sensitive = enum_class, case_sensitive
        self.enum_values = [member.name if case_sensitive else member.name.lower() for member in enum_class]

    def parse(self, argument: Any) -> Enum:
        """The member."""
        if isinstance(argument, self.enum_class):
            return argument
        for name, member in zip(self.enum_values, self.enum_class):
            if name == (str(argument) if self.case_sensitive else str(argument).lower()):
                return member
        raise ValueError(f"value should be one of <{'|'.join(self.enum_values)}>")

    def serialize(self, value: Any) -> str:
        """The member's name."""
        return str(value.name)


class ListParser(ArgumentParser):
    """Words between commas, with quotes as in a CSV file."""

    kind, syntactic_help = "comma separated list of strings", "a comma separated list"

    def parse(self, argument: Any) -> list[str]:
        """The words; an empty text is an empty list."""
        if isinstance(argument, list):
            return argument
        if not argument:
            return []
        return [word.strip() for word in next(csv.reader([argument], strict=True))]

    def serialize(self, value: Any) -> str:
        """The words as one line of a CSV file."""
        text = io.StringIO()
        csv.writer(text).writerow([str(word) for word in value])
        return text.getvalue().strip()


class WhitespaceSeparatedListParser(ListParser):
    """Words between spaces, and commas too where that was asked for."""

    kind, syntactic_help = "whitespace separated list of strings", "a whitespace separated list"

    def __init__(self, comma_compat: bool = False):
        self.comma_compat = comma_compat

    def parse(self, argument: Any) -> list[str]:
        """The words."""
        if isinstance(argument, list):
            return argument
        return (argument or "").replace(*(",", " ") if self.comma_compat else ("", "")).split()

    def serialize(self, value: Any) -> str:
        """The words with spaces between them."""
        return " ".join(str(word) for word in value)
