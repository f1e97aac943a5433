"""The short list of what runs in Python, between the native calls of a step; all other ops are compiled."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import graphc
from graphc.nodes import Op

# Each kind, and why it cannot be native code.
HOST_OPS = {
    "HostCall": "calls a function of the user's: py_func, queues, data sets, tables, assertions",
    "Done": "waits for such a call",
    "Foreign": "a node of a GraphDef whose op graphc has not; running it is an error",
    "Print": "writes to stderr",
    "PrintV2": "writes to stderr",
    "MatchingFiles": "files",
    "ReadFile": "files",
    "WriteFile": "files",
    "DecodeImage": "a library for images",
    "EncodeImage": "a library for images",
    "ImageShape": "a library for images",
    **dict.fromkeys(["DecodeCSV", "DecodeRaw", "ParseExample", "ParseSingleExample", "ParseSingleSequenceExample"],
                    "strings in, arrays out"),
    **dict.fromkeys(["AsString", "DecodeBase64", "EncodeBase64", "EditDistance", "Hashed", "ReduceJoin",
                     "RegexFullMatch", "RegexReplace", "Spelt", "StringFormat", "StringJoin", "StringLength",
                     "StringSplit", "StringSplitV2", "StringToNumber", "Substr"], "strings"),
}  # fmt: skip
FRAMES = {"HostOp", "Printing"}  # what several have in common
NOT_LOADED = ("graphc.passes", "graphc.codegen", "graphc.examples")


def kinds(base: type[Op] = Op) -> Iterator[type[Op]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_the_list_of_host_ops(capsys: pytest.CaptureFixture[str]) -> None:
    for module in pkgutil.walk_packages(graphc.__path__, "graphc."):
        if not module.name.startswith(NOT_LOADED) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = {kind for kind in kinds() if kind.__module__.startswith("graphc.") and not kind.__name__.startswith("_")}
    host = {kind.__name__ for kind in ours if kind.on_host} - FRAMES
    with capsys.disabled():
        print(f"\non the host: {', '.join(sorted(host))}; compiled: the other {len(ours) - len(host)} kinds")
    assert host == set(HOST_OPS)
