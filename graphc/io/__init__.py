"""``tf.io``: files, records and their formats; each part loads when it is first named."""

from graphc.lazily import when_named

PLACES = {
    "FixedLenFeature": "graphc.decoding.features:FixedLenFeature",
    "FixedLenSequenceFeature": "graphc.decoding.features:FixedLenSequenceFeature",
    "SparseFeature": "graphc.decoding.features:SparseFeature",
    "TFRecordCompressionType": "graphc.python_io:TFRecordCompressionType",
    "TFRecordOptions": "graphc.python_io:TFRecordOptions",
    "TFRecordWriter": "graphc.python_io:TFRecordWriter",
    "VarLenFeature": "graphc.decoding.features:VarLenFeature",
    "decode_and_crop_jpeg": "graphc.decoding.images:decode_and_crop_jpeg",
    "decode_base64": "graphc.ops.strings:decode_base64",
    "decode_bmp": "graphc.decoding.images:decode_bmp",
    "decode_csv": "graphc.decoding.plain:decode_csv",
    "decode_gif": "graphc.decoding.images:decode_gif",
    "decode_image": "graphc.decoding.images:decode_image",
    "decode_jpeg": "graphc.decoding.images:decode_jpeg",
    "decode_png": "graphc.decoding.images:decode_png",
    "decode_raw": "graphc.decoding.plain:decode_raw",
    "encode_base64": "graphc.ops.strings:encode_base64",
    "encode_jpeg": "graphc.decoding.images:encode_jpeg",
    "encode_png": "graphc.decoding.images:encode_png",
    "extract_jpeg_shape": "graphc.decoding.images:extract_jpeg_shape",
    "gfile": "graphc.io.gfile",
    "is_jpeg": "graphc.decoding.images:is_jpeg",
    "matching_files": "graphc.decoding.files:matching_files",
    "parse_example": "graphc.decoding.examples:parse_example",
    "parse_single_example": "graphc.decoding.examples:parse_single_example",
    "parse_single_sequence_example": "graphc.decoding.sequence_examples:parse_single_sequence_example",
    "read_file": "graphc.decoding.files:read_file",
    "tf_record_iterator": "graphc.python_io:tf_record_iterator",
    "write_file": "graphc.decoding.files:write_file",
}

__getattr__ = when_named(__name__, "graphc.io", PLACES)


def __dir__() -> list[str]:
    return sorted(PLACES)
