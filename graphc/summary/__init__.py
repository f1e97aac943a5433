"""``tf.summary``: numbers, distributions, pictures, sounds and texts of a run, in files that TensorBoard reads.

Declaring summaries needs nothing; running them and writing files needs the protobuf library: ``graphc[summary]``.
"""

from graphc.lazily import when_named
from graphc.summary.messages import NAMES
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

__getattr__ = when_named(__name__, "graphc.summary", {name: f"graphc.summary.messages:{name}" for name in NAMES})
