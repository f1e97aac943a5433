"""``tf.contrib.seq2seq``: decoders of sequences, what feeds them, attention and beam search."""

from graphc.contrib.seq2seq.attention import BahdanauAttention, LuongAttention, hardmax
from graphc.contrib.seq2seq.attention_wrapper import AttentionWrapper, AttentionWrapperState
from graphc.contrib.seq2seq.basic_decoder import BasicDecoder, BasicDecoderOutput
from graphc.contrib.seq2seq.beam_search import (
    BeamSearchDecoder,
    BeamSearchDecoderOutput,
    BeamSearchDecoderState,
    FinalBeamSearchDecoderOutput,
    gather_tree,
    tile_batch,
)
from graphc.contrib.seq2seq.decoder import Decoder, dynamic_decode
from graphc.contrib.seq2seq.helpers import (
    CustomHelper,
    GreedyEmbeddingHelper,
    Helper,
    InferenceHelper,
    SampleEmbeddingHelper,
    ScheduledEmbeddingTrainingHelper,
    TrainingHelper,
)
from graphc.contrib.seq2seq.loss import sequence_loss
from graphc.lazily import when_named

__getattr__ = when_named(__name__, "graphc.contrib.seq2seq", {})

__all__ = [
    "AttentionWrapper",
    "AttentionWrapperState",
    "BahdanauAttention",
    "BasicDecoder",
    "BasicDecoderOutput",
    "BeamSearchDecoder",
    "BeamSearchDecoderOutput",
    "BeamSearchDecoderState",
    "CustomHelper",
    "Decoder",
    "FinalBeamSearchDecoderOutput",
    "GreedyEmbeddingHelper",
    "Helper",
    "InferenceHelper",
    "LuongAttention",
    "SampleEmbeddingHelper",
    "ScheduledEmbeddingTrainingHelper",
    "TrainingHelper",
    "dynamic_decode",
    "gather_tree",
    "hardmax",
    "sequence_loss",
    "tile_batch",
]
