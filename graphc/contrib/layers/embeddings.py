"""Rows of a table for numbers."""

from __future__ import annotations

from typing import Any

from graphc.contrib.framework.arg_scope import add_arg_scope
from graphc.contrib.framework.variables import model_variable
from graphc.nn.lookup import embedding_lookup
from graphc.nodes import Tensor
from graphc.variable_scope import variable_scope


@add_arg_scope
def embed_sequence(
    ids: Any,
    vocab_size: int | None = None,
    embed_dim: int | None = None,
    unique: bool = False,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    scope: Any = None,
    reuse: Any = None,
) -> Tensor:
    """``[batch, words] -> [batch, words, embed_dim]``: rows of the variable ``EmbedSequence/embeddings``."""
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError(
            "Must specify vocab size and embedding dimension when not reusing. Got "
            f"vocab_size={vocab_size} and embed_dim={embed_dim}"
        )
    with variable_scope(scope, "EmbedSequence", reuse=reuse):
        sizes = [vocab_size, embed_dim] if vocab_size and embed_dim else None
        table = model_variable(
            "embeddings", shape=sizes, initializer=initializer, regularizer=regularizer, trainable=trainable
        )
        return embedding_lookup(table, ids)
