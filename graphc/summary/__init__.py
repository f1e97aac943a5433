"""``tf.summary``: numbers, distributions, pictures, sounds and texts of a run, in files that TensorBoard reads.

Declaring summaries needs nothing; running them and writing files needs the protobuf library: ``graphc[checkpoints]``.
"""

from graphc.lazily import when_named
from graphc.summary.ops import audio, histogram, image, merge, merge_all, scalar, tensor_summary, text
from graphc.summary.writer import FileWriter, FileWriterCache, summary_iterator

__all__ = [
    "FileWriter",
    "FileWriterCache",
    "audio",
    "histogram",
    "image",
    "merge",
    "merge_all",
    "scalar",
    "summary_iterator",
    "tensor_summary",
    "text",
]

_LATER = {
    name: f"graphc.summary.messages:{name}"
    for name in (
        *("Event", "HistogramProto", "LogMessage", "SessionLog", "Summary", "SummaryDescription", "SummaryMetadata"),
        "TaggedRunMetadata",
    )
}

__getattr__ = when_named(__name__, "graphc.summary", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
