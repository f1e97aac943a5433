"""The messages of event files: names and numbers are those of TensorFlow's summary.proto, event.proto, tensor.proto."""

from __future__ import annotations

from functools import cache
from typing import Any

from graphc.messages import classes

_SCHEMA = """
TensorShapeProto dim=2:*TensorShapeProto.Dim unknown_rank=3:bool
TensorShapeProto.Dim size=1:int64 name=2:string
TensorProto dtype=1:int32 tensor_shape=2:TensorShapeProto tensor_content=4:bytes float_val=5:*float \
double_val=6:*double int_val=7:*int32 string_val=8:*bytes int64_val=10:*int64 bool_val=11:*bool
HistogramProto min=1:double max=2:double num=3:double sum=4:double sum_squares=5:double bucket_limit=6:*double \
bucket=7:*double
SummaryDescription type_hint=1:string
SummaryMetadata plugin_data=1:SummaryMetadata.PluginData display_name=2:string summary_description=3:string
SummaryMetadata.PluginData plugin_name=1:string content=2:bytes
Summary value=1:*Summary.Value
Summary.Image height=1:int32 width=2:int32 colorspace=3:int32 encoded_image_string=4:bytes
Summary.Audio sample_rate=1:float num_channels=2:int64 length_frames=3:int64 encoded_audio_string=4:bytes \
content_type=5:string
Summary.Value node_name=7:string tag=1:string metadata=9:SummaryMetadata simple_value=2:float?value \
obsolete_old_style_histogram=3:bytes?value image=4:Summary.Image?value histo=5:HistogramProto?value \
audio=6:Summary.Audio?value tensor=8:TensorProto?value
SessionLog status=1:SessionLog.SessionStatus checkpoint_path=2:string msg=3:string
enum SessionLog.SessionStatus STATUS_UNSPECIFIED START STOP CHECKPOINT
LogMessage level=1:int32 message=2:string
TaggedRunMetadata tag=1:string run_metadata=2:bytes
Event wall_time=1:double step=2:int64 file_version=3:string?what graph_def=4:bytes?what summary=5:Summary?what \
log_message=6:LogMessage?what session_log=7:SessionLog?what tagged_run_metadata=8:TaggedRunMetadata?what \
meta_graph_def=9:bytes?what
NodeDef name=1:string op=2:string input=3:*string device=4:string
GraphDef node=1:*NodeDef
"""

NAMES = (
    *("Event", "HistogramProto", "LogMessage", "SessionLog", "Summary", "SummaryDescription", "SummaryMetadata"),
    "TaggedRunMetadata",
)


@cache
def made() -> dict[str, Any]:
    """The class of each message; ``ImportError`` names the extra where the protobuf library is missing."""
    return classes(_SCHEMA, "tensorflow", "summary", "summaries and event files")


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"graphc.summary.messages has no {name!r}")
    return made()[name]
