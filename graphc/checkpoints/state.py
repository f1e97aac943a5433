"""The text file ``checkpoint`` of a folder, which says which checkpoints are there and which is the latest.

    model_checkpoint_path: "model.ckpt-20"
    all_model_checkpoint_paths: "model.ckpt-10"
    all_model_checkpoint_paths: "model.ckpt-20"

The fields are those of tensorflow/python/training/checkpoint_state.proto, in the text form of protocol buffers.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from graphc import errors
from graphc.checkpoints.atomic import replace_text

_LINE = re.compile(r'^\s*(\w+)\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([-+.\deE]+))\s*$')
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)")
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}


class CheckpointState:
    """Which checkpoints a folder has."""

    def __init__(
        self,
        model_checkpoint_path: str = "",
        all_model_checkpoint_paths: Sequence[str] = (),
        all_model_checkpoint_timestamps: Sequence[float] = (),
        last_preserved_timestamp: float = 0.0,
    ):
        self.model_checkpoint_path = model_checkpoint_path
        self.all_model_checkpoint_paths = list(all_model_checkpoint_paths)
        self.all_model_checkpoint_timestamps = list(all_model_checkpoint_timestamps)
        self.last_preserved_timestamp = last_preserved_timestamp

    def __str__(self) -> str:
        lines = [f'model_checkpoint_path: "{_escaped(self.model_checkpoint_path)}"']
        lines += [f'all_model_checkpoint_paths: "{_escaped(path)}"' for path in self.all_model_checkpoint_paths]
        lines += [f"all_model_checkpoint_timestamps: {stamp!r}" for stamp in self.all_model_checkpoint_timestamps]
        if self.last_preserved_timestamp:
            lines.append(f"last_preserved_timestamp: {self.last_preserved_timestamp!r}")
        return "".join(f"{line}\n" for line in lines)

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CheckpointState) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


def _escaped(path: str) -> str:
    plain = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return "".join(char if char.isascii() else "".join(f"\\{byte:03o}" for byte in char.encode()) for char in plain)


def _unescaped(text: str) -> str:
    def plain(match: re.Match[bytes]) -> bytes:
        code = match[1]
        if code[:1].isdigit():
            return bytes([int(code, 8) & 0xFF])
        return bytes([int(code[1:], 16)]) if len(code) > 1 else _PLAIN.get(code, code)

    return _ESCAPE.sub(plain, text.encode()).decode()


def parsed(text: str) -> CheckpointState:
    """The state that a text says; ``ValueError`` for a line that is not of this form."""
    state = CheckpointState()
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None or not hasattr(state, match[1]):
            raise ValueError(f"not a line of a checkpoint state: {line!r}")
        value: Any = _unescaped(match[2]) if match[2] is not None else float(match[3])
        if match[1].startswith("all_"):
            getattr(state, match[1]).append(value)
        else:
            setattr(state, match[1], value)
    return state


def generate_checkpoint_state_proto(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> CheckpointState:
    """The state of a folder; where the folder's name is relative, so are the paths: to the folder."""
    paths = list(all_model_checkpoint_paths or [])
    if model_checkpoint_path not in paths:
        paths.append(model_checkpoint_path)
    stamps = list(all_model_checkpoint_timestamps or [])
    if stamps and len(stamps) != len(paths):
        raise ValueError(
            "Checkpoint timestamps, if provided, must match checkpoint paths "
            f"(got paths {paths} and timestamps {stamps})"
        )
    if not os.path.isabs(save_dir):
        paths = [path if os.path.isabs(path) else os.path.relpath(path, save_dir) for path in paths]
        if not os.path.isabs(model_checkpoint_path):
            model_checkpoint_path = os.path.relpath(model_checkpoint_path, save_dir)
    return CheckpointState(model_checkpoint_path, paths, stamps, last_preserved_timestamp or 0.0)


def update_checkpoint_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Writes the file ``checkpoint`` of a folder, as a whole.

    ``NotFoundError`` where there is no such folder, ``RuntimeError`` where a checkpoint has the name of the file.
    """
    write_state(
        save_dir, model_checkpoint_path, all_model_checkpoint_paths, latest_filename, False,
        all_model_checkpoint_timestamps, last_preserved_timestamp,
    )  # fmt: skip


def write_state(
    save_dir: str,
    model_path: str,
    all_paths: Sequence[str] | None,
    latest_filename: str | None,
    save_relative_paths: bool,
    stamps: Sequence[float] | None = None,
    last_preserved: float | None = None,
) -> None:
    """The same, also with all paths relative to the folder."""
    place = _state_path(save_dir, latest_filename)
    if save_relative_paths:
        all_paths = [_relative(path, save_dir) for path in all_paths or []]
        model_path = _relative(model_path, save_dir)
        if model_path not in all_paths:
            all_paths = [*all_paths, model_path]
        state = CheckpointState(model_path, all_paths, stamps or [], last_preserved or 0.0)
    else:
        state = generate_checkpoint_state_proto(save_dir, model_path, all_paths, stamps, last_preserved)
    if place == state.model_checkpoint_path:
        raise RuntimeError(f"Save path '{model_path}' conflicts with path used for checkpoint state. "
                           "Please use a different save path.")  # fmt: skip
    try:
        replace_text(place, str(state))
    except OSError as error:
        raise errors.of_system(error, place) from None


def _relative(path: str, folder: str) -> str:
    return os.path.relpath(path, folder) if os.path.isabs(path) == os.path.isabs(folder) else path


def _state_path(folder: str, latest_filename: str | None) -> str:
    return os.path.join(folder, latest_filename or "checkpoint")


def get_checkpoint_state(checkpoint_dir: str, latest_filename: str | None = None) -> CheckpointState | None:
    """What the file ``checkpoint`` of a folder says, its paths made whole; None where there is none to read."""
    folder = os.fspath(checkpoint_dir)
    try:
        with open(_state_path(folder, latest_filename), encoding="utf-8") as file:
            state = parsed(file.read())
    except (OSError, ValueError):
        return None
    if not state.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state loaded from {checkpoint_dir}")
    state.model_checkpoint_path = _whole(folder, state.model_checkpoint_path)
    state.all_model_checkpoint_paths = [_whole(folder, path) for path in state.all_model_checkpoint_paths]
    return state


def _whole(folder: str, path: str) -> str:
    return path if os.path.isabs(path) else os.path.join(folder, path)


def latest_checkpoint(checkpoint_dir: str, latest_filename: str | None = None) -> str | None:
    """The path of the latest checkpoint of a folder, for ``Saver.restore``; None where there is none."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not state.model_checkpoint_path:
        return None
    path = state.model_checkpoint_path
    return path if files_of_checkpoint(path) else None


def files_of_checkpoint(prefix: str) -> list[str]:
    """The files that hold the values of a checkpoint, of any format."""
    pattern = glob.escape(prefix)
    found = [path for path in (prefix, f"{prefix}.safetensors", f"{prefix}.index") if os.path.isfile(path)]
    return found + sorted(glob.glob(f"{pattern}.data-?????-of-?????") + glob.glob(f"{pattern}-?????-of-?????"))


def remove_checkpoint(
    checkpoint_prefix: str, checkpoint_format_version: Any = None, meta_graph_suffix: str = "meta"
) -> None:
    """Deletes the files of a checkpoint and its description of the graph."""
    described = meta_graph_filename(checkpoint_prefix, meta_graph_suffix)
    for path in [described, *files_of_checkpoint(checkpoint_prefix)]:
        with suppress(FileNotFoundError):
            os.unlink(path)


def meta_graph_filename(checkpoint_filename: str, meta_graph_suffix: str = "meta") -> str:
    """The file that describes the graph of a checkpoint; one file serves all shards."""
    return f"{re.sub(r'-[0-9?]+-of-[0-9?]+$', '', checkpoint_filename)}.{meta_graph_suffix}"


def get_checkpoint_mtimes(checkpoint_prefixes: Sequence[str]) -> list[float]:
    """When each of the checkpoints that are there was written, in seconds since 1970."""
    found = [files_of_checkpoint(prefix) for prefix in checkpoint_prefixes]
    return [os.path.getmtime(paths[0]) for paths in found if paths]
