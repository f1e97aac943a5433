"""The messages of event files by their public names: loading this loads protobuf."""

from __future__ import annotations

from graphc.exchange.schema import message

Event = message("Event")
HistogramProto = message("HistogramProto")
LogMessage = message("LogMessage")
SessionLog = message("SessionLog")
Summary = message("Summary")
SummaryDescription = message("SummaryDescription")
SummaryMetadata = message("SummaryMetadata")
TaggedRunMetadata = message("TaggedRunMetadata")
