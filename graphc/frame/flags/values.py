"""The flags of a program and their values: taken from a command line, asked for as attributes.

The rules of absl (https://abseil.io/docs/python/guides/flags): ``--name=value``, ``--name value``, one dash or two,
``--switch`` and ``--noswitch``, words that are no flags stay, ``--`` ends the flags.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from graphc.frame.flags.parsers import ArgumentParser, BooleanParser

HELP_WIDTH = 80


class Error(Exception):
    """Something is wrong with the flags; the base of what stands here."""


class CantOpenFlagFileError(Error):
    """A file named by --flagfile cannot be read."""


class DuplicateFlagError(Error):
    """A flag is declared twice."""


class IllegalFlagValueError(Error):
    """A value that the flag does not take."""


class UnrecognizedFlagError(Error):
    """A flag that nobody declared."""

    def __init__(self, flagname: str, flagvalue: str = "", suggestions: Sequence[str] = ()):
        self.flagname, self.flagvalue = flagname, flagvalue
        meant = f". Did you mean: {', '.join(suggestions)} ?" if suggestions else ""
        super().__init__(f"Unknown command line flag '{flagname}'{meant}")


class UnparsedFlagAccessError(Error):
    """A value was asked for before the command line was parsed."""


class ValidationError(Error):
    """A validator refused the value."""


class Flag:
    """One flag: its name, default, value and how its text is read."""

    def __init__(
        self, parser: ArgumentParser, name: str, default: Any, help_string: str | None, short_name: str | None = None,
        multiple: bool = False,
    ):  # fmt: skip
        self.parser, self.name, self.help, self.short_name = parser, name, help_string or "", short_name
        self.value: Any = None
        self.multiple = multiple
        self.boolean = isinstance(parser, BooleanParser)
        self.present = 0  # how often the command line named it
        self.using_default_value = True
        self.module = ""
        self.set_default(default)

    def set_default(self, value: Any) -> None:
        """Another default, which is the value too until the command line gives one."""
        self.default = None if value is None else self._of_default(value)
        if self.using_default_value:
            self.value = self.default

    def _of_default(self, value: Any) -> Any:
        if not self.multiple:
            return self.parsed(value)
        return [self.parsed(item) for item in ([value] if isinstance(value, str) else value)]

    def parsed(self, text: Any) -> Any:
        """The value that ``text`` spells; ``IllegalFlagValueError`` names the flag."""
        try:
            return self.parser.parse(text)
        except (TypeError, ValueError, OverflowError) as error:
            raise IllegalFlagValueError(f"flag --{self.name}={text}: {error}") from None

    def parse(self, text: Any) -> None:
        """Takes the value of one mention on the command line."""
        value = self.parsed(text)
        if self.multiple:
            value = [*self.value, value] if self.present else [value]
        self.value, self.using_default_value = value, False
        self.present += 1

    def unparse(self) -> None:
        """As if the command line had not named it."""
        self.value, self.using_default_value, self.present = self.default, True, 0

    def flag_type(self) -> str:
        """The name of the type."""
        return ("multi " if self.multiple else "") + self.parser.flag_type()

    def serialize(self) -> str:
        """The command line that gives this value; empty for None."""
        if self.value is None:
            return ""
        if self.boolean:
            return f"--{'' if self.value else 'no'}{self.name}"
        items = self.value if self.multiple else [self.value]
        return "\n".join(f"--{self.name}={self.parser.serialize(item)}" for item in items)

    def described(self) -> str:
        """The lines about this flag in the help text."""
        names = f"--[no]{self.name}" if self.boolean else f"--{self.name}"
        if self.short_name:
            names = f"-{self.short_name},{names}"
        words = self.help
        if hasattr(self.parser, "enum_values"):
            words = f"<{'|'.join(self.parser.enum_values)}>: {words}"
        if self.multiple:
            words += ";\nrepeat this option to specify a list of values"
        lines = _wrapped(f"{names}: {words}", "  ", "    ")
        if self.default is not None:
            text = str(self.default) if self.multiple else self.parser.serialize(self.default)
            lines += _wrapped(f"(default: '{text}')", "    ", "    ")
        if self.parser.syntactic_help:
            lines += _wrapped(f"({self.parser.syntactic_help})", "    ", "    ")
        return "\n".join(lines)


def _wrapped(text: str, first: str, later: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        lines += textwrap.wrap(line, HELP_WIDTH, initial_indent=later if lines else first, subsequent_indent=later)
    return lines


class FlagValues:
    """Flags by name: ``FLAGS.name`` is a value, ``FLAGS["name"]`` the flag, ``FLAGS(argv)`` parses a command line."""

    def __init__(self) -> None:
        self.__dict__["__flags"] = {}  # by this name programs of TensorFlow 1.4 and older reach it
        self.__dict__["_validators"] = []  # names of flags, what must hold of their values, what to say if not
        self.__dict__["_parsed"] = False

    def _flags(self) -> dict[str, Flag]:
        found: dict[str, Flag] = self.__dict__["__flags"]
        return found

    # -- declaring ---------------------------------------------------------------------------------------

    def __setitem__(self, name: str, flag: Flag) -> None:
        flags = self._flags()
        for key in filter(None, (name, flag.short_name)):
            if (known := flags.get(key)) is not None and known is not flag:
                raise DuplicateFlagError(
                    f"The flag '{key}' is defined twice. First from {known.module}, second from {flag.module}. "
                    f"Description from first occurrence: {known.help}"
                )
            flags[key] = flag

    def add_validator(self, names: Sequence[str], holds: Callable[[dict[str, Any]], bool], message: str) -> None:
        """``holds`` is asked of the values by name, after parsing and after changes."""
        for name in names:
            if name not in self._flags():
                raise UnrecognizedFlagError(name)
        self._validators.append((tuple(names), holds, message))

    def set_default(self, name: str, value: Any) -> None:
        """Another default for a flag."""
        self[name].set_default(value)
        self._validate([name])

    def __delattr__(self, name: str) -> None:
        flag = self[name]
        for key in [key for key, known in self._flags().items() if known is flag]:
            del self._flags()[key]

    remove_flag_values = __delattr__

    # -- asking ------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Flag:
        return self._flags()[name]

    def __getattr__(self, name: str) -> Any:
        if name not in self._flags():
            raise AttributeError(name)
        if not self._parsed:
            self(sys.argv)
        return self._flags()[name].value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._flags():
            raise UnrecognizedFlagError(name, value)
        flag = self._flags()[name]
        flag.value, flag.using_default_value = value, False
        self._validate([name])

    def __contains__(self, name: str) -> bool:
        return name in self._flags()

    def __iter__(self) -> Iterator[str]:
        return iter(self._flags())

    def __len__(self) -> int:
        return len(self._flags())

    def __dir__(self) -> list[str]:
        return sorted({*self._flags(), *super().__dir__()})

    def flag_values_dict(self) -> dict[str, Any]:
        """All values by name."""
        return {name: flag.value for name, flag in self._flags().items()}

    def is_parsed(self) -> bool:
        """Whether a command line was parsed."""
        return bool(self._parsed)

    def mark_as_parsed(self) -> None:
        """Values may be asked for without a command line."""
        self.__dict__["_parsed"] = True

    def unparse_flags(self) -> None:
        """Forgets the command line."""
        for flag in self._flags().values():
            flag.unparse()
        self.__dict__["_parsed"] = False

    def _parse_flags(self, args: Sequence[str] | None = None) -> None:
        """The spelling of TensorFlow 1.4 and older: parses, and leaves what is unknown."""
        self([sys.argv[0], *(sys.argv[1:] if args is None else args)], known_only=True)

    # -- parsing -----------------------------------------------------------------------------------------

    def __call__(self, argv: Sequence[str], known_only: bool = False) -> list[str]:
        """Parses ``argv``, whose first word is the program; returns the program and the words that are no flags.

        Unknown flags raise ``UnrecognizedFlagError``, or stay among the words when ``known_only``.
        """
        if isinstance(argv, (str, bytes)) or not argv:
            raise TypeError(f"argv should be a list of strings that begins with the program, not {argv!r}")
        program, *words = argv
        left, accepted = self._parse_words(words, known_only)
        for word in [word for word in left if isinstance(word, _Unknown)]:
            if word.flag in accepted or (word.flag.startswith("no") and word.flag[2:] in accepted):
                left.remove(word)
            elif not known_only:
                raise UnrecognizedFlagError(word.flag, word, get_close_matches(word.flag, self._flags()))
        self.mark_as_parsed()
        self._validate()
        return [program, *left]

    def _parse_words(self, words: list[str], known_only: bool) -> tuple[list[str], set[str]]:
        """Gives the flags their values; what is left of the words, and the names that --undefok allows."""
        left: list[str] = []
        accepted: set[str] = set()
        waiting = list(words)
        while waiting:
            word = waiting.pop(0)
            if word == "--":
                left += [word, *waiting] if known_only else waiting
                break
            if not word.startswith("-") or word == "-":
                left.append(word)
                continue
            name, given, value = word.lstrip("-").partition("=")
            if name in ("flagfile", "undefok"):
                if not given:
                    value = _next(waiting, name)
                if name == "flagfile":
                    waiting[:0] = _words_of_file(value)
                else:
                    accepted.update(value.split(","))
            elif name in self._flags():
                flag = self._flags()[name]
                if not given:
                    value = "true" if flag.boolean else _next(waiting, name)
                flag.parse(value)
            elif name.startswith("no") and (known := self._flags().get(name[2:])) and known.boolean:
                if given:
                    raise ValueError(f"{word} does not take an argument")
                known.parse("false")
            else:
                left.append(_Unknown(word, name))
        return left, accepted

    def _validate(self, changed: Sequence[str] | None = None) -> None:
        for names, holds, message in self._validators:
            if changed is not None and not set(changed) & set(names):
                continue
            values = {name: self[name].value for name in names}
            try:
                fine = holds(values)
            except ValidationError as error:
                fine, message = False, str(error)
            if not fine:
                shown = ", ".join(f"--{name}={value}" for name, value in values.items())
                raise IllegalFlagValueError(f"flag {shown}: {message}")

    # -- text --------------------------------------------------------------------------------------------

    def get_help(self) -> str:
        """What each flag means, those of each file under its name."""
        by_module: dict[str, set[Flag]] = {}
        for flag in self._flags().values():
            by_module.setdefault(flag.module, set()).add(flag)
        parts = []
        for module in sorted(by_module):
            flags = sorted(by_module[module], key=lambda flag: flag.name)
            parts.append(f"\n{module}:\n" + "\n".join(flag.described() for flag in flags))
        return "\n".join(parts)

    main_module_help = get_help

    def flags_into_string(self) -> str:
        """A command line that gives these values, a flag a line: what --flagfile reads."""
        flags = dict.fromkeys(self._flags().values())
        return "".join(f"{text}\n" for flag in flags if (text := flag.serialize()))

    def append_flags_into_file(self, filename: str) -> None:
        """Appends :meth:`flags_into_string` to a file."""
        with open(filename, "a", encoding="utf-8") as file:
            file.write(self.flags_into_string())

    def __str__(self) -> str:
        return self.get_help()


class _Unknown(str):
    """A word that looks like a flag which nobody declared."""

    flag: str

    def __new__(cls, word: str, flag: str) -> _Unknown:
        """The word, with the name of the flag in it."""
        made = super().__new__(cls, word)
        made.flag = flag
        return made


def _next(waiting: list[str], name: str) -> str:
    if not waiting:
        raise Error(f"Missing value for flag --{name}")
    return waiting.pop(0)


def _words_of_file(name: str) -> list[str]:
    """The flags of a --flagfile: one a line, empty lines and comments after # or // left out."""
    try:
        with open(os.path.expanduser(name), encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except OSError as error:
        raise CantOpenFlagFileError(f"ERROR:: Unable to open flagfile: {error}") from None
    return [line for line in lines if line and not line.startswith(("#", "//"))]
