"""What TensorFlow's nodes on strings, files and images mean: rows of the table in ``meanings``, run by Python."""

from __future__ import annotations

from typing import Any

from graphc.exchange.foreign import Unreadable
from graphc.exchange.meanings import Meaning, function, means


def _string_split(node: Any) -> Any:
    source, delimiter = node.inputs
    kind = delimiter.op.kind
    if delimiter.op.type != "Const":
        raise Unreadable("its delimiter is not a constant")
    found = function("string_split")(source, kind.value.item().decode(), node.attr("skip_empty", True), name=node.name)
    return [found.indices, found.values, found.dense_shape]


def _plain(*places: int) -> Meaning:
    """``regex_replace`` where patterns are constants among the inputs."""

    def row(node: Any) -> Any:
        texts = []
        for place in places:
            given = node.inputs[place].op
            if given.type != "Const":
                raise Unreadable("its pattern is not a constant")
            texts.append(given.kind.value.item())
        path = "regex_replace" if len(texts) == 2 else "strings.regex_full_match"
        return function(path)(node.inputs[0], *texts, name=node.name)

    return row


def _static_replace(node: Any) -> Any:
    given = [node.attr(key) for key in ("pattern", "rewrite")]
    return function("regex_replace")(node.inputs[0], *given, node.attr("replace_global", True), name=node.name)


def _print(node: Any) -> Any:
    first, *data = node.inputs
    options = {key: node.attr(key) for key in ("message", "first_n", "summarize")}
    options["message"] = _text(options["message"])
    return function("Print")(first, data, **options, name=node.name)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""


def _joined(path: str) -> Meaning:
    def row(node: Any) -> Any:
        return function(path)(node.inputs, separator=_text(node.attr("separator")), name=node.name)

    return row


def _reduce_join(node: Any) -> Any:
    x, axes = node.inputs
    if axes.op.type != "Const":
        raise Unreadable("its axes are not constants")
    separator = _text(node.attr("separator"))
    return function("reduce_join")(x, axes.op.kind.value.tolist(), node.attr("keep_dims", False), separator, node.name)


def _write_file(node: Any) -> Any:
    function("write_file")(*node.inputs, name=node.name)
    return []


HOST_MEANINGS: dict[str, Meaning] = {
    "DecodeJpeg": means("image.decode_jpeg", channels="channels", ratio="ratio"),
    "DecodePng": means("image.decode_png", channels="channels", dtype="dtype"),
    "DecodeGif": means("image.decode_gif"),
    "DecodeBmp": means("image.decode_bmp", channels="channels"),
    "EncodePng": means("image.encode_png", compression="compression"),
    "EncodeJpeg": means("image.encode_jpeg", quality="quality"),
    "ReadFile": means("read_file"),
    "WriteFile": _write_file,
    "MatchingFiles": means("matching_files"),
    "DecodeRaw": means("decode_raw", out_type="out_type", little_endian="little_endian"),
    "DecodeBase64": means("decode_base64"),
    "EncodeBase64": means("encode_base64", pad="pad"),
    "StringToNumber": means("string_to_number", out_type="out_type"),
    "StringToHashBucketFast": means("string_to_hash_bucket_fast", num_buckets="num_buckets"),
    "AsString": means("as_string", precision="precision", scientific="scientific", shortest="shortest", width="width"),
    "StringJoin": _joined("string_join"),
    "ReduceJoin": _reduce_join,
    "StringSplit": _string_split,
    "StringStrip": means("string_strip"),
    "StringLower": means("strings.lower"),
    "StringUpper": means("strings.upper"),
    "StringLength": means("strings.length"),
    "Substr": means("substr"),
    "RegexReplace": _plain(1, 2),
    "RegexFullMatch": _plain(1),
    "StaticRegexReplace": _static_replace,
    "Print": _print,
}
