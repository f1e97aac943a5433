"""The messages by their public names: loading this loads protobuf."""

from __future__ import annotations

from graphc.exchange.schema import message

AttrValue = message("AttrValue")
GraphDef = message("GraphDef")
MetaGraphDef = message("MetaGraphDef")
NameAttrList = message("NameAttrList")
NodeDef = message("NodeDef")
SaverDef = message("SaverDef")
SavedModel = message("SavedModel")
SignatureDef = message("SignatureDef")
TensorInfo = message("TensorInfo")
