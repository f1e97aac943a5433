"""``tf.io``: files, records and their formats; each part loads when it is first named."""

from graphc.lazily import when_named

PLACES = {
    "TFRecordCompressionType": "graphc.python_io:TFRecordCompressionType",
    "TFRecordOptions": "graphc.python_io:TFRecordOptions",
    "TFRecordWriter": "graphc.python_io:TFRecordWriter",
    "gfile": "graphc.io.gfile",
    "tf_record_iterator": "graphc.python_io:tf_record_iterator",
}

__getattr__ = when_named(__name__, "graphc.io", PLACES)


def __dir__() -> list[str]:
    return sorted(PLACES)
