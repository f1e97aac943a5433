"""Messages as files, binary or text, written whole or not at all."""

from __future__ import annotations

import os
from typing import Any

from graphc.checkpoints.atomic import replacing
from graphc.exchange.schema import message


def write_message(found: Any, path: str, as_text: bool) -> None:
    """Writes a message to a file."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    data = text_of(found).encode() if as_text else found.SerializeToString(deterministic=True)
    with replacing(path) as (fresh,), open(fresh, "wb") as file:
        file.write(data)


def text_of(found: Any) -> str:
    """The text form of a message."""
    from google.protobuf import text_format  # an extra

    return text_format.MessageToString(found)


def read_message(name: str, path: str) -> Any:
    """The message called ``name`` in a file, binary or text; ``OSError`` where there is none or another."""
    from google.protobuf import text_format  # an extra
    from google.protobuf.message import DecodeError

    with open(path, "rb") as file:
        data = file.read()
    try:
        return message(name).FromString(data)
    except DecodeError:
        try:
            return text_format.Parse(data.decode(), message(name)())
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise OSError(f"Cannot parse file {path}: {error}.") from None


def write_graph(graph_or_graph_def: Any, logdir: str, name: str, as_text: bool = True) -> str:
    """Writes a graph, or a GraphDef, to the file ``name`` of the folder ``logdir``; the path."""
    found = graph_or_graph_def if hasattr(graph_or_graph_def, "node") else graph_or_graph_def.as_graph_def()
    path = os.path.join(logdir, name)
    write_message(found, path, as_text)
    return path
