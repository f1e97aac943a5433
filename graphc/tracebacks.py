"""The part of a traceback that a user's file caused."""

from __future__ import annotations

from types import TracebackType

__all__ = ["from_file"]


def from_file(frames: TracebackType | None, path: str) -> TracebackType | None:
    """The frames from the first of this file on; none where it never ran, as with a mistake in its grammar."""
    while frames is not None and frames.tb_frame.f_code.co_filename != path:
        frames = frames.tb_next
    return frames
