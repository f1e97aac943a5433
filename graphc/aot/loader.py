"""Load a model that graphc compiled ahead of time; this file needs NumPy alone and travels beside the library.

model = load("libmlp.so")
loss = model.step(images, labels)          # by place, or by name: model.step(x=images, y=labels)
model.variables["hidden/kernel"][:]        # a view: what is written here, the next step reads
model.save("mlp.state")
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import threading
import zlib
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
ALIGNMENT = 64
STATE_MAGIC = b"graphc state 1\n\0"
_FILE_CODES = (3, 4)  # of files that cannot be opened or written
_STATE_HEAD = struct.Struct("<16sqqIi")  # magic, bytes of the layout, bytes of the state, CRC-32 of both, 0


class Model:
    """One instance: its variables, and a method for each entry point (``step`` where nothing else was asked for)."""

    def __init__(self, path: str | os.PathLike[str], name: str | None = None):
        path = os.path.abspath(os.fspath(path))
        self.name = name or os.path.basename(path).partition(".")[0].removeprefix("lib")
        self._library = _opened(path)
        self.description = _description(self._library, self.name, path)
        self._lock = threading.Lock()
        self._memory = _aligned(self.description["bytes"])
        self._self = ctypes.c_void_p(self._memory.ctypes.data)
        self._error = self._function("error", ctypes.c_char_p, ctypes.c_int)
        self._destroy = self._function("destroy", None, ctypes.c_void_p)
        file_types = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
        self._files = {word: self._function(word, *file_types) for word in ("save", "load")}
        self._check(self._function("init", ctypes.c_int, ctypes.c_void_p)(self._self))
        self._entries = {entry["name"]: self._entry(entry) for entry in self.description["entries"]}
        start = self.description["state_offset"]
        views = {
            field["name"]: _view(self._memory, start, field)
            for field in self.description["states"]
            if field["kind"] == "variable"
        }
        self.variables = MappingProxyType(views)  # another array put there would not be what the step reads

    def __getattr__(self, name: str) -> Callable[..., Any]:
        try:
            return self.__dict__["_entries"][name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no attribute or entry point '{name}'") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._entries]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write variables and the positions of random streams to a file, from which training goes on bit for bit.

        OSError where that cannot be done; an old file then stays as it was.
        """
        self._with_file("save", path)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read what `save` wrote; a damaged file or one of another model raises RuntimeError and changes nothing.

        A file that is not there raises FileNotFoundError.
        """
        self._with_file("load", path)

    def _with_file(self, word: str, path: str | os.PathLike[str]) -> None:
        with self._lock:
            status = self._files[word](self._self, os.fsencode(path))
        if status in _FILE_CODES:
            needed = path if word == "load" else os.path.dirname(os.path.abspath(path))
            kind = OSError if os.path.exists(needed) else FileNotFoundError
            raise kind(f"{self._error(status).decode()}: {os.fspath(path)}")
        self._check(status, f": {os.fspath(path)}")

    def __repr__(self) -> str:
        entries = "; ".join(_signature(entry) for entry in self.description["entries"])
        return f"<Model '{self.name}': {entries}; {len(self.variables)} variables>"

    def __del__(self) -> None:
        if "_destroy" in self.__dict__:
            self._destroy(self._self)

    def _function(self, suffix: str, result: Any, *arguments: Any) -> Any:
        function = getattr(self._library, f"{self.name}_{suffix}")
        function.restype, function.argtypes = result, list(arguments)
        return function

    def _check(self, status: int, more: str = "") -> None:
        if status:
            raise RuntimeError(self._error(status).decode() + more)

    def _entry(self, entry: Mapping[str, Any]) -> Callable[..., Any]:
        """The Python function of an entry point."""
        feeds, fetches, sizes = entry["feeds"], entry["fetches"], entry["sizes"]
        kinds = [ctypes.c_void_p, *[ctypes.c_int64] * len(sizes), *[ctypes.c_void_p] * (len(feeds) + len(fetches))]
        function = self._function(entry["name"], ctypes.c_int, *kinds)
        counts = [fetch for fetch in fetches if "most" in fetch]  # the last ones: sizes of those before
        given = fetches[: len(fetches) - len(counts)]
        wrap = _results(entry["name"], given)

        def call(*values: Any, **named: Any) -> Any:
            arrays = [_fed(feed, value) for feed, value in zip(feeds, _in_order(entry, values, named))]
            known = _sizes_of(entry, arrays)
            results = [_room(fetch, known) for fetch in fetches]
            pointers = [array.ctypes.data for array in (*arrays, *results)]
            with self._lock:
                status = function(self._self, *(known[size["name"]] for size in sizes), *pointers)
            self._check(status)
            if counts:
                known = {**known, **{count["name"]: int(n) for count, n in zip(counts, results[len(given) :])}}
                results = _cut(results, given, known)
            return wrap([array if array.ndim else array[()] for array in results])

        call.__name__ = entry["name"]
        call.__doc__ = _signature(entry)
        return call


def load(path: str | os.PathLike[str] | None = None, name: str | None = None) -> Model:
    """A fresh instance of the model in a shared library, with its initial weights.

    ``name`` is the model's, by default the library's. Without ``path`` it is ``libmlp.so`` beside this file ``mlp.py``.
    """
    if path is None:
        folder, file = os.path.split(os.path.abspath(__file__))
        path = os.path.join(folder, f"lib{os.path.splitext(file)[0]}.so")
    return Model(path, name)


def read_state(path: str | os.PathLike[str]) -> dict[str, Array]:
    """What a state file holds, by name: variables, and the positions of random streams (``.../counter``)."""
    with open(path, "rb") as file:
        content = file.read()
    if len(content) < _STATE_HEAD.size or content[:16] != STATE_MAGIC:
        raise ValueError(f"{os.fspath(path)} holds no state that graphc saved")
    _, layout_bytes, state_bytes, checksum, _ = _STATE_HEAD.unpack_from(content)
    body = content[_STATE_HEAD.size :]
    if len(body) != layout_bytes + state_bytes or zlib.crc32(body) != checksum:
        raise ValueError(f"{os.fspath(path)} is damaged")
    state = np.frombuffer(body, np.uint8, offset=layout_bytes)
    return {field["name"]: _view(state, 0, field).copy() for field in json.loads(body[:layout_bytes])}


def state_file(layout: str, state: bytes) -> bytes:
    """The content of a state file."""
    body = layout.encode() + state
    head = _STATE_HEAD.pack(STATE_MAGIC, len(body) - len(state), len(state), zlib.crc32(body), 0)
    return head + body


def _opened(path: str) -> ctypes.CDLL:
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no library {path}")
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise OSError(f"{path} cannot be loaded as a library of this machine: {error}") from None


def _description(library: ctypes.CDLL, name: str, path: str) -> dict[str, Any]:
    try:
        describe = getattr(library, f"{name}_description")
    except AttributeError:
        raise ValueError(f"{path} holds no model named '{name}' that graphc compiled; give its name") from None
    describe.restype, describe.argtypes = ctypes.c_char_p, []
    result: dict[str, Any] = json.loads(describe())
    return result


def _aligned(count: int) -> Array:
    raw = np.zeros(count + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + count]


def _view(memory: Array, start: int, field: Mapping[str, Any]) -> Array:
    """The part of the memory that is a field, as an array."""
    dtype = np.dtype(field["dtype"])
    count = int(np.prod(field["shape"], dtype=np.int64))
    offset = start + field["offset"]
    return memory[offset : offset + count * dtype.itemsize].view(dtype).reshape(field["shape"])


def _room(fetch: Mapping[str, Any], known: Mapping[str, int]) -> Array:
    """An array for a fetch, flat where the step counts; room for an address where that takes the memory itself."""
    if fetch.get("given"):
        return np.zeros((), np.uintp)
    sizes = [fetch["room"]] if "room" in fetch else fetch["shape"]
    return np.empty([max(_number(size, known), 0) for size in sizes], fetch["dtype"])  # the step refuses less


def _cut(rooms: Sequence[Array], fetches: Sequence[Mapping[str, Any]], known: Mapping[str, int]) -> list[Array]:
    """As much of each array as was written; what stands at an address is copied, and given back whatever happens."""
    try:
        return [_written(room, fetch, known) for room, fetch in zip(rooms, fetches)]
    finally:
        for room, fetch in zip(rooms, fetches):
            if fetch.get("given"):
                _free(int(room))


def _written(room: Array, fetch: Mapping[str, Any], known: Mapping[str, int]) -> Array:
    shape = [_number(size, known) for size in fetch["shape"]]
    if not fetch.get("given"):
        return room.reshape(-1)[: int(np.prod(shape, dtype=np.int64))].reshape(shape)
    result = np.empty(shape, fetch["dtype"])
    ctypes.memmove(result.ctypes.data, int(room), result.nbytes)
    return result


def _free(address: int) -> None:
    free = ctypes.CDLL(None).free
    free.argtypes, free.restype = [ctypes.c_void_p], None
    free(address)


def _in_order(entry: Mapping[str, Any], values: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
    """The values of the feeds, given by place or by name."""
    names = [feed["identifier"] for feed in entry["feeds"]]
    missing = names[len(values) :]
    if len(values) > len(names):
        raise TypeError(f"{_signature(entry)} takes {len(names)} values and was given {len(values)}")
    unknown = sorted(set(named) - set(names))
    twice = sorted(set(named) - set(missing))
    absent = [name for name in missing if name not in named]
    for wrong, text in ((unknown, "has no feed {}"), (twice, "was given {} twice"), (absent, "was not given {}")):
        if wrong:
            raise TypeError(f"{_signature(entry)} {text.format(' and '.join(wrong))}")
    return [*values, *(named[name] for name in missing)]


def _fed(feed: Mapping[str, Any], value: Any) -> Array:
    """The value as a contiguous array of the feed's dtype; nothing but rounding of floats may be lost."""
    wanted = np.dtype(feed["dtype"])
    array = _converted(feed, value, None)
    if array.dtype != wanted:
        if array.dtype.kind == "c" and wanted.kind != "c":
            raise TypeError(f"feed '{feed['name']}' is {wanted} and cannot hold complex numbers ({array.dtype})")
        with np.errstate(all="ignore"):  # what does not fit is told below
            converted = _converted(feed, array, wanted)
        if wanted.kind not in "fc" and not np.array_equal(converted, array):
            raise TypeError(f"feed '{feed['name']}' is {wanted} and cannot hold values of dtype {array.dtype}")
        array = converted
    shape = feed["shape"]
    if array.ndim != len(shape) or any(isinstance(size, int) and size != n for size, n in zip(shape, array.shape)):
        raise ValueError(f"feed '{feed['name']}' has shape {_shape_text(shape)}, but got {array.shape}")
    return np.require(array, requirements=["C", "A"])


def _converted(feed: Mapping[str, Any], value: Any, dtype: Any) -> Array:
    """The value as an array, of that dtype; the error for rows of several lengths or for texts names the feed."""
    try:
        return np.asarray(value, dtype)
    except (TypeError, ValueError) as error:
        raise type(error)(f"feed '{feed['name']}' is {feed['dtype']}: {error}") from None


def _sizes_of(entry: Mapping[str, Any], arrays: Sequence[Array]) -> dict[str, int]:
    """The sizes that the caller chose by the shapes of the feeds."""
    known: dict[str, int] = {}
    limits = {size["name"]: size["largest"] for size in entry["sizes"]}
    for feed, array in zip(entry["feeds"], arrays):
        for size, number in zip(feed["shape"], array.shape):
            if not isinstance(size, int) and known.setdefault(_name_of(size), number) != number:
                raise ValueError(f"feed '{feed['name']}' has {_name_of(size)} {number}, others {known[_name_of(size)]}")
    for name, number in known.items():
        if not 1 <= number <= limits[name]:
            raise ValueError(f"{name} is {number}, wanted 1 to {limits[name]}")
    return known


# A size is a number or a sum [[factor, atom, ...], ...]; an atom is a name or a division {"floor": [size, size]}.


def _number(size: Any, known: Mapping[str, int]) -> int:
    if isinstance(size, int):
        return size
    total = 0
    for factor, *atoms in size:
        for atom in atoms:
            if isinstance(atom, str):
                factor *= known[atom]
            else:
                over, under = atom["floor"]
                factor *= _number(over, known) // max(_number(under, known), 1)  # what is counted may be 0
        total += factor
    return total


def _name_of(size: Any) -> str:
    return str(size[0][1])


def _shape_text(shape: Sequence[Any]) -> str:
    return "[" + ",".join(str(size) if isinstance(size, int) else _name_of(size) for size in shape) + "]"


def _signature(entry: Mapping[str, Any]) -> str:
    feeds = ", ".join(f"{feed['identifier']}: {feed['dtype']}{_shape_text(feed['shape'])}" for feed in entry["feeds"])
    return f"{entry['name']}({feeds})"


def _results(name: str, fetches: Sequence[Mapping[str, Any]]) -> Callable[[list[Any]], Any]:
    """None for no fetch, the value for one, else a tuple with names."""
    if len(fetches) < 2:
        return lambda values: values[0] if values else None
    fields = [fetch["identifier"] for fetch in fetches]
    made: Any = namedtuple(name, fields, rename=True)  # type: ignore[misc]
    return lambda values: made(*values)
