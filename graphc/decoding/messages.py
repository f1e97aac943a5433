"""The messages in which training data is kept, by their public names: loading this loads protobuf."""

from __future__ import annotations

from graphc.exchange.schema import message

BytesList = message("BytesList")
Example = message("Example")
Feature = message("Feature")
FeatureList = message("FeatureList")
FeatureLists = message("FeatureLists")
Features = message("Features")
FloatList = message("FloatList")
Int64List = message("Int64List")
SequenceExample = message("SequenceExample")
