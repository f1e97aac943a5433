"""``DEFINE_string`` and its kin: a flag of the running program, and what must hold of its value."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import Enum
from functools import wraps
from typing import Any

from graphc.frame.flags.parsers import (
    ArgumentParser,
    BooleanParser,
    EnumClassParser,
    EnumParser,
    FloatParser,
    IntegerParser,
    ListParser,
    WhitespaceSeparatedListParser,
)
from graphc.frame.flags.values import Flag, FlagValues, ValidationError

FLAGS = FlagValues()

OLDER_NAMES = {"flag_name": "name", "default_value": "default", "docstring": "help"}


def _older_names(define: Callable[..., Flag]) -> Callable[..., Flag]:
    """``define`` also takes the argument names of TensorFlow 1.4 and older."""

    @wraps(define)
    def call(*values: Any, **named: Any) -> Flag:
        return define(*values, **{OLDER_NAMES.get(name, name): value for name, value in named.items()})

    return call


def _declare(
    parser: ArgumentParser, name: str, default: Any, help: str | None, values: FlagValues, named: dict[str, Any],
    multiple: bool = False,
) -> Flag:  # fmt: skip
    """Adds a flag; ``named`` holds what absl's DEFINE takes further: short_name and required."""
    unknown = named.keys() - {"short_name", "required", "serializer", "module_name", "allow_override"}
    if unknown:
        raise TypeError(f"DEFINE of flag '{name}' got unexpected arguments {sorted(unknown)}")
    flag = Flag(parser, name, default, help, named.get("short_name"), multiple)
    flag.module = _calling_file()
    values[name] = flag
    if named.get("required"):
        mark_flag_as_required(name, values)
    return flag


def _calling_file() -> str:
    """The file that declares a flag, as help names it: the program as it was called, a module by its name."""
    frame: Any = sys._getframe(1)
    while frame.f_globals.get("__name__", "").startswith("graphc.frame.flags"):
        frame = frame.f_back
    module = str(frame.f_globals.get("__name__", ""))
    return sys.argv[0] if module == "__main__" and sys.argv else module


@_older_names
def DEFINE(
    parser: ArgumentParser, name: str, default: Any, help: str | None = None, flag_values: FlagValues = FLAGS,
    serializer: Any = None, **args: Any,
) -> Flag:  # fmt: skip
    """A flag read by a parser of the caller's."""
    return _declare(parser, name, default, help, flag_values, args)


@_older_names
def DEFINE_string(
    name: str, default: Any, help: str | None = None, flag_values: FlagValues = FLAGS, **args: Any
) -> Flag:
    """A flag whose value is a text."""
    return _declare(ArgumentParser(), name, default, help, flag_values, args)


@_older_names
def DEFINE_boolean(
    name: str, default: Any, help: str | None = None, flag_values: FlagValues = FLAGS, module_name: str | None = None,
    **args: Any,
) -> Flag:  # fmt: skip
    """A switch: ``--name``, ``--noname``, ``--name=true``."""
    return _declare(BooleanParser(), name, default, help, flag_values, args)


DEFINE_bool = DEFINE_boolean


@_older_names
def DEFINE_float(
    name: str, default: Any, help: str | None = None, lower_bound: float | None = None,
    upper_bound: float | None = None, flag_values: FlagValues = FLAGS, **args: Any,
) -> Flag:  # fmt: skip
    """A flag whose value is a floating-point number, perhaps within bounds."""
    return _declare(FloatParser(lower_bound, upper_bound), name, default, help, flag_values, args)


@_older_names
def DEFINE_integer(
    name: str, default: Any, help: str | None = None, lower_bound: int | None = None, upper_bound: int | None = None,
    flag_values: FlagValues = FLAGS, **args: Any,
) -> Flag:  # fmt: skip
    """A flag whose value is a whole number, perhaps within bounds."""
    return _declare(IntegerParser(lower_bound, upper_bound), name, default, help, flag_values, args)


@_older_names
def DEFINE_enum(
    name: str, default: Any, enum_values: Sequence[str], help: str | None = None, flag_values: FlagValues = FLAGS,
    module_name: str | None = None, **args: Any,
) -> Flag:  # fmt: skip
    """A flag whose value is one of some words."""
    parser = EnumParser(enum_values, bool(args.pop("case_sensitive", True)))
    return _declare(parser, name, default, help, flag_values, args)


@_older_names
def DEFINE_enum_class(
    name: str, default: Any, enum_class: type[Enum], help: str | None = None, flag_values: FlagValues = FLAGS,
    module_name: str | None = None, case_sensitive: bool = False, **args: Any,
) -> Flag:  # fmt: skip
    """A flag whose value is a member of an Enum."""
    return _declare(EnumClassParser(enum_class, case_sensitive), name, default, help, flag_values, args)


@_older_names
def DEFINE_list(name: str, default: Any, help: str | None = None, flag_values: FlagValues = FLAGS, **args: Any) -> Flag:
    """A flag whose value is a list of words, with commas between them."""
    return _declare(ListParser(), name, default, help, flag_values, args)


@_older_names
def DEFINE_spaceseplist(
    name: str, default: Any, help: str | None = None, comma_compat: bool = False, flag_values: FlagValues = FLAGS,
    **args: Any,
) -> Flag:  # fmt: skip
    """A flag whose value is a list of words, with spaces between them."""
    return _declare(WhitespaceSeparatedListParser(comma_compat), name, default, help, flag_values, args)


@_older_names
def DEFINE_multi(
    parser: ArgumentParser, serializer: Any, name: str, default: Any, help: str | None = None,
    flag_values: FlagValues = FLAGS, module_name: str | None = None, **args: Any,
) -> Flag:  # fmt: skip
    """A flag that may be given several times; its value is a list."""
    return _declare(parser, name, default, help, flag_values, args, multiple=True)


def DEFINE_multi_string(
    name: str, default: Any, help: str | None = None, flag_values: FlagValues = FLAGS, **args: Any
) -> Flag:
    """A text flag that may be given several times."""
    return DEFINE_multi(ArgumentParser(), None, name, default, help, flag_values, **args)


def DEFINE_multi_integer(
    name: str, default: Any, help: str | None = None, lower_bound: int | None = None, upper_bound: int | None = None,
    flag_values: FlagValues = FLAGS, **args: Any,
) -> Flag:  # fmt: skip
    """A whole-number flag that may be given several times."""
    return DEFINE_multi(IntegerParser(lower_bound, upper_bound), None, name, default, help, flag_values, **args)


def DEFINE_multi_float(
    name: str, default: Any, help: str | None = None, lower_bound: float | None = None,
    upper_bound: float | None = None, flag_values: FlagValues = FLAGS, **args: Any,
) -> Flag:  # fmt: skip
    """A floating-point flag that may be given several times."""
    return DEFINE_multi(FloatParser(lower_bound, upper_bound), None, name, default, help, flag_values, **args)


def DEFINE_multi_enum(
    name: str, default: Any, enum_values: Sequence[str], help: str | None = None, flag_values: FlagValues = FLAGS,
    case_sensitive: bool = True, **args: Any,
) -> Flag:  # fmt: skip
    """A flag of one of some words that may be given several times."""
    return DEFINE_multi(EnumParser(enum_values, case_sensitive), None, name, default, help, flag_values, **args)


def DEFINE_alias(
    name: str, original_name: str, flag_values: FlagValues = FLAGS, module_name: str | None = None
) -> Flag:
    """Another name for a flag: both are the same flag."""
    flag = flag_values[original_name]
    flag_values[name] = flag
    return flag


# -- what must hold of values ----------------------------------------------------------------------------


def register_validator(
    flag_name: str, checker: Callable[[Any], bool], message: str = "Flag validation failed",
    flag_values: FlagValues = FLAGS,
) -> None:  # fmt: skip
    """``checker`` must hold of the flag's value after parsing and whenever it changes."""
    flag_values.add_validator([flag_name], lambda values: checker(values[flag_name]), message)


def register_multi_flags_validator(
    flag_names: Sequence[str], multi_flags_checker: Callable[[dict[str, Any]], bool],
    message: str = "Flags validation failed", flag_values: FlagValues = FLAGS,
) -> None:  # fmt: skip
    """``multi_flags_checker`` must hold of the values of several flags, given by name."""
    flag_values.add_validator(flag_names, multi_flags_checker, message)


def validator(
    flag_name: str, message: str = "Flag validation failed", flag_values: FlagValues = FLAGS
) -> Callable[[Any], Any]:
    """:func:`register_validator` as a decorator."""

    def register(checker: Any) -> Any:
        register_validator(flag_name, checker, message, flag_values)
        return checker

    return register


def multi_flags_validator(
    flag_names: Sequence[str], message: str = "Flag validation failed", flag_values: FlagValues = FLAGS
) -> Callable[[Any], Any]:
    """:func:`register_multi_flags_validator` as a decorator."""

    def register(checker: Any) -> Any:
        register_multi_flags_validator(flag_names, checker, message, flag_values)
        return checker

    return register


def mark_flag_as_required(flag_name: str, flag_values: FlagValues = FLAGS) -> None:
    """The command line must give the flag a value where its default is None."""
    register_validator(
        flag_name,
        lambda value: value is not None,
        f"Flag --{flag_name} must have a value other than None.",
        flag_values,
    )


def mark_flags_as_required(flag_names: Sequence[str], flag_values: FlagValues = FLAGS) -> None:
    """:func:`mark_flag_as_required` for several flags."""
    for name in flag_names:
        mark_flag_as_required(name, flag_values)


def mark_flags_as_mutual_exclusive(
    flag_names: Sequence[str], required: bool = False, flag_values: FlagValues = FLAGS
) -> None:
    """At most one of the flags (exactly one if ``required``) may have a value other than None."""
    _exclusive(flag_names, required, flag_values, lambda value: value is not None, "have a value other than None")


def mark_bool_flags_as_mutual_exclusive(
    flag_names: Sequence[str], required: bool = False, flag_values: FlagValues = FLAGS
) -> None:
    """At most one of the switches (exactly one if ``required``) may be on."""
    _exclusive(flag_names, required, flag_values, bool, "be True")


def _exclusive(
    names: Sequence[str], required: bool, values: FlagValues, counts: Callable[[Any], bool], what: str
) -> None:
    wanted = f"{'Exactly' if required else 'At most'} one of ({', '.join(names)}) must {what}."

    def holds(found: dict[str, Any]) -> bool:
        number = sum(map(counts, found.values()))
        if number == 1 or (number == 0 and not required):
            return True
        raise ValidationError(wanted)

    register_multi_flags_validator(names, holds, wanted, values)


def set_default(flag_holder: Any, value: Any) -> None:
    """Another default for a flag."""
    flag_holder.set_default(value)


def declare_key_flag(flag_name: str, flag_values: FlagValues = FLAGS) -> None:
    """Accepted: help shows the flags of all modules."""


def adopt_module_key_flags(module: Any, flag_values: FlagValues = FLAGS) -> None:
    """Accepted: help shows the flags of all modules."""
