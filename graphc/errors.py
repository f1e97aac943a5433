"""What can go wrong, in three families.

    ValueError, TypeError      mistakes while declaring: shapes, dtypes, names
    OpError                    mistakes while running, TF 1's classes:
      InvalidArgumentError       a feed or an input value that an op cannot take
      FailedPreconditionError    a variable used before it is initialised
      NotFoundError, OutOfRangeError, UnimplementedError, ResourceExhaustedError, ...
    InternalError              a bug of graphc itself

Every message says which op and node, what came, what was wanted, and the line of the user's file where
the node was declared.
"""

from __future__ import annotations

import errno
from typing import Any


def brief(value: Any) -> str:
    """``value`` for a message: arrays by dtype and shape, what is long by its two ends."""
    if getattr(value, "shape", ()) and hasattr(value, "dtype"):
        return f"an array of {value.dtype} and shape {value.shape}"
    if isinstance(value, int) and value.bit_length() > 256:  # Python refuses to write the greatest ones
        return f"a whole number of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 20]} ... {text[-15:]}"


MOST_SHOWN = 200  # characters; two lines of a terminal


class OpError(Exception):
    """A step could not run; ``op`` is the operation it failed at (or None), ``message`` says why."""

    def __init__(self, node_def: Any, op: Any, message: str, error_code: int = 2):
        super().__init__(message)
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = error_code

    @property
    def node_def(self) -> Any:
        """The definition of the failing node, or None."""
        return self._node_def

    @property
    def op(self) -> Any:
        """The operation that failed, or None."""
        return self._op

    @property
    def message(self) -> str:
        """The whole text."""
        return self._message

    @property
    def error_code(self) -> int:
        """TensorFlow's number for this class of error."""
        return self._error_code

    def __str__(self) -> str:
        return self._message


class _CodedError(OpError):
    code = 2

    def __init__(self, node_def: Any = None, op: Any = None, message: str = ""):
        super().__init__(node_def, op, message, self.code)


class CancelledError(_CodedError):
    """An operation was cancelled."""

    code = 1


class UnknownError(_CodedError):
    """An error of unknown class."""

    code = 2


class InvalidArgumentError(_CodedError):
    """An op received a value it cannot take."""

    code = 3


class InvalidDeclaration(InvalidArgumentError, ValueError):
    """A mistake while declaring that TensorFlow finds when the graph runs: it can be caught as either."""

    def __init__(self, message: str = ""):
        super().__init__(message=message)


class DeadlineExceededError(_CodedError):
    """An operation took longer than its limit."""

    code = 4


class NotFoundError(_CodedError):
    """Something asked for by name does not exist."""

    code = 5


class AlreadyExistsError(_CodedError):
    """Something to be made exists already."""

    code = 6


class PermissionDeniedError(_CodedError):
    """The caller may not do this."""

    code = 7


class ResourceExhaustedError(_CodedError):
    """There is not enough memory, or not enough of another resource."""

    code = 8


class FailedPreconditionError(_CodedError):
    """The system is not in the state the op needs: most often a variable that is not initialised."""

    code = 9


class AbortedError(_CodedError):
    """An operation was aborted."""

    code = 10


class OutOfRangeError(_CodedError):
    """An input is exhausted."""

    code = 11


class UnimplementedError(_CodedError):
    """graphc cannot do this, and says what to do instead."""

    code = 12


class InternalError(_CodedError):
    """A broken invariant inside graphc: a bug worth reporting."""

    code = 13


class UnavailableError(_CodedError):
    """A service is not available now."""

    code = 14


class DataLossError(_CodedError):
    """A file is damaged beyond use."""

    code = 15


class UnauthenticatedError(_CodedError):
    """The caller did not say who it is."""

    code = 16


OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED = range(8)
RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = range(8, 15)
DATA_LOSS, UNAUTHENTICATED = 15, 16

_BY_CODE: dict[int, type[OpError]] = {kind.code: kind for kind in _CodedError.__subclasses__()}


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """The class of a number; ``KeyError`` where there is none."""
    return _BY_CODE[error_code]


def error_code_from_exception_type(cls: type[OpError]) -> int:
    """The number of a class; UNKNOWN for one without."""
    code = getattr(cls, "code", UNKNOWN)
    return int(code)


def of_system(error: OSError, what: str) -> OpError:
    """The error that TensorFlow raises where the operating system refuses: ``what`` names the file."""
    kinds: dict[type[OSError], type[_CodedError]] = {
        FileNotFoundError: NotFoundError,
        FileExistsError: AlreadyExistsError,
        PermissionError: PermissionDeniedError,
        IsADirectoryError: FailedPreconditionError,
        NotADirectoryError: FailedPreconditionError,
    }
    kind = next((kind for known, kind in kinds.items() if isinstance(error, known)), UnknownError)
    if error.errno == errno.ENOTEMPTY:
        kind = FailedPreconditionError
    return kind(None, None, f"{what}; {error.strerror or error}")
