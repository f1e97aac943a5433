"""The messages of TensorFlow's graph and event files, as classes that the protobuf library makes of the schema below.

A line is a message and its fields, each ``name=number`` and a type; ``*`` stands for repeated, ``{T}`` for a map from
strings to T, ``?group`` for one of a group; ``Outer.Inner`` is a message inside another. Names and numbers are those of
TensorFlow's .proto files (graph, node_def, attr_value, tensor, tensor_shape, types, versions, function, op_def,
meta_graph, saver, variable, saved_model, summary, event, feature, example).
"""

from __future__ import annotations

from functools import cache
from typing import Any

_PACKAGE = "tensorflow"
_ENUMS = {
    "DataType": (
        "DT_INVALID DT_FLOAT DT_DOUBLE DT_INT32 DT_UINT8 DT_INT16 DT_INT8 DT_STRING DT_COMPLEX64 DT_INT64 DT_BOOL "
        "DT_QINT8 DT_QUINT8 DT_QINT32 DT_BFLOAT16 DT_QINT16 DT_QUINT16 DT_UINT16 DT_COMPLEX128 DT_HALF DT_RESOURCE "
        "DT_VARIANT DT_UINT32 DT_UINT64"
    ),
    "CheckpointFormatVersion": "LEGACY V1 V2",
    "SessionLog.SessionStatus": "STATUS_UNSPECIFIED START STOP CHECKPOINT",
}
_FIRST_REF = 101  # the type of a reference is that of the value and 100
_SCHEMA = """
VersionDef producer=1:int32 min_consumer=2:int32 bad_consumers=3:*int32
Dim size=1:int64 name=2:string
TensorShapeProto dim=2:*Dim unknown_rank=3:bool
TensorProto dtype=1:DataType tensor_shape=2:TensorShapeProto version_number=3:int32 tensor_content=4:bytes \
half_val=13:*int32 float_val=5:*float double_val=6:*double int_val=7:*int32 string_val=8:*bytes scomplex_val=9:*float \
int64_val=10:*int64 bool_val=11:*bool dcomplex_val=12:*double uint32_val=16:*uint32 uint64_val=17:*uint64
ListValue s=2:*bytes i=3:*int64 f=4:*float b=5:*bool type=6:*DataType shape=7:*TensorShapeProto tensor=8:*TensorProto \
func=9:*NameAttrList
AttrValue s=2:bytes?value i=3:int64?value f=4:float?value b=5:bool?value type=6:DataType?value \
shape=7:TensorShapeProto?value tensor=8:TensorProto?value list=1:ListValue?value func=10:NameAttrList?value \
placeholder=9:string?value
NameAttrList name=1:string attr=2:{AttrValue}
NodeDef name=1:string op=2:string input=3:*string device=4:string attr=5:{AttrValue}
ArgDef name=1:string description=2:string type=3:DataType type_attr=4:string number_attr=5:string \
type_list_attr=6:string is_ref=16:bool
AttrDef name=1:string type=2:string default_value=3:AttrValue description=4:string has_minimum=5:bool minimum=6:int64 \
allowed_values=7:AttrValue
OpDef name=1:string input_arg=2:*ArgDef output_arg=3:*ArgDef control_output=20:*string attr=4:*AttrDef \
summary=5:string description=6:string is_commutative=18:bool is_aggregate=16:bool is_stateful=17:bool \
allows_uninitialized_input=19:bool
OpList op=1:*OpDef
FunctionDef signature=1:OpDef attr=5:{AttrValue} node_def=3:*NodeDef ret=4:{string} control_ret=6:{string}
GradientDef function_name=1:string gradient_func=2:string
FunctionDefLibrary function=1:*FunctionDef gradient=2:*GradientDef
GraphDef node=1:*NodeDef versions=4:VersionDef version=3:int32 library=2:FunctionDefLibrary
MetaInfoDef meta_graph_version=1:string stripped_op_list=2:OpList tags=4:*string tensorflow_version=5:string \
tensorflow_git_version=6:string stripped_default_attrs=7:bool
SaverDef filename_tensor_name=1:string save_tensor_name=2:string restore_op_name=3:string max_to_keep=4:int32 \
sharded=5:bool keep_checkpoint_every_n_hours=6:float version=7:CheckpointFormatVersion
NodeList value=1:*string
BytesList value=1:*bytes
Int64List value=1:*int64
FloatList value=1:*float
Feature bytes_list=1:BytesList?kind float_list=2:FloatList?kind int64_list=3:Int64List?kind
Features feature=1:{Feature}
FeatureList feature=1:*Feature
FeatureLists feature_list=1:{FeatureList}
Example features=1:Features
SequenceExample context=1:Features feature_lists=2:FeatureLists
CollectionDef node_list=1:NodeList?kind bytes_list=2:BytesList?kind int64_list=3:Int64List?kind \
float_list=4:FloatList?kind
TensorInfo name=1:string dtype=2:DataType tensor_shape=3:TensorShapeProto
SignatureDef inputs=1:{TensorInfo} outputs=2:{TensorInfo} method_name=3:string
AssetFileDef tensor_info=1:TensorInfo filename=2:string
MetaGraphDef meta_info_def=1:MetaInfoDef graph_def=2:GraphDef saver_def=3:SaverDef collection_def=4:{CollectionDef} \
signature_def=5:{SignatureDef} asset_file_def=6:*AssetFileDef
SavedModel saved_model_schema_version=1:int64 meta_graphs=2:*MetaGraphDef
SaveSliceInfoDef full_name=1:string full_shape=2:*int64 var_offset=3:*int64 var_shape=4:*int64
VariableDef variable_name=1:string initial_value_name=6:string initializer_name=2:string snapshot_name=3:string \
save_slice_info_def=4:SaveSliceInfoDef is_resource=5:bool trainable=7:bool
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
LogMessage level=1:int32 message=2:string
TaggedRunMetadata tag=1:string run_metadata=2:bytes
Event wall_time=1:double step=2:int64 file_version=3:string?what graph_def=4:bytes?what summary=5:Summary?what \
log_message=6:LogMessage?what session_log=7:SessionLog?what tagged_run_metadata=8:TaggedRunMetadata?what \
meta_graph_def=9:bytes?what
"""


def message(name: str) -> Any:
    """The class of the messages called ``name``; ``ImportError`` where the protobuf library is missing."""
    return _classes()[name]


@cache
def _classes() -> dict[str, Any]:
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # an extra
    except ImportError:
        raise ImportError(
            "TensorFlow's descriptions of graphs and its event files need the library protobuf: "
            "pip install 'graphc[checkpoints]'"
        ) from None
    file = descriptor_pb2.FileDescriptorProto(name="graphc/exchange.proto", package=_PACKAGE, syntax="proto3")
    described: dict[str, Any] = {}
    lines = _SCHEMA.strip().splitlines()
    for line in lines:
        full, *fields = line.split()
        outer, _, name = full.rpartition(".")
        described[full] = (described[outer].nested_type if outer else file.message_type).add(name=name)
        _add_message(described[full], fields)
    for full, values in _ENUMS.items():
        outer, _, name = full.rpartition(".")
        _add_enum((described[outer] if outer else file).enum_type.add(name=name), values.split())
    # A pool of its own: where TensorFlow is loaded too, its messages of these names stand in the common one.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {line.split()[0]: f"{_PACKAGE}.{line.split()[0]}" for line in lines}
    classes = {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(full)) for name, full in found.items()}
    for version, number in (("LEGACY", 0), ("V1", 1), ("V2", 2)):
        setattr(classes["SaverDef"], version, number)
    return classes


def _add_enum(enum: Any, values: list[str]) -> None:
    for number, name in enumerate(values):
        enum.value.add(name=name, number=number)
    if enum.name == "DataType":
        for number, name in enumerate(values[1:]):
            enum.value.add(name=f"{name}_REF", number=_FIRST_REF + number)


def _add_message(described: Any, fields: list[str]) -> None:
    for field in fields:
        name, _, rest = field.partition("=")
        number, _, kind = rest.partition(":")
        kind, _, group = kind.partition("?")
        added = described.field.add(name=name, number=int(number), label=1)
        if group:
            if not described.oneof_decl:
                described.oneof_decl.add(name=group)
            added.oneof_index = 0
        if kind.startswith("*"):
            added.label = 3
        if kind.startswith("{"):
            added.label = 3
            entry = described.nested_type.add(name=f"{_camel(name)}Entry")
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, label=1, type=9)
            _set_type(entry.field.add(name="value", number=2, label=1), kind[1:-1])
            added.type, added.type_name = 11, f".{_PACKAGE}.{described.name}.{entry.name}"
        else:
            _set_type(added, kind.lstrip("*"))


# The numbers of FieldDescriptorProto.Type.
_TYPES = {
    "double": 1, "float": 2, "int64": 3, "uint64": 4, "int32": 5, "bool": 8, "string": 9, "bytes": 12, "uint32": 13,
}  # fmt: skip


def _set_type(field: Any, kind: str) -> None:
    if kind in _TYPES:
        field.type = _TYPES[kind]
    else:
        field.type, field.type_name = (14 if kind in _ENUMS else 11), f".{_PACKAGE}.{kind}"


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
