"""``tf.contrib.lookup``: tables from strings to numbers and back."""

from __future__ import annotations

from typing import Any

from graphc.lookup import (
    KeyValueTensorInitializer,
    MutableDenseHashTable,
    MutableHashTable,
    StaticHashTable,
    StaticVocabularyTable,
    TextFileIndex,
    TextFileInitializer,
    index_table_from_file,
    index_table_from_tensor,
    index_to_string_table_from_file,
    index_to_string_table_from_tensor,
    tables_initializer,
)

__all__ = [
    "HashTable",
    "IdTableWithHashBuckets",
    "KeyValueTensorInitializer",
    "MutableDenseHashTable",
    "MutableHashTable",
    "TextFileIndex",
    "TextFileInitializer",
    "index_table_from_file",
    "index_table_from_tensor",
    "index_to_string_table_from_file",
    "index_to_string_table_from_tensor",
    "tables_initializer",
]

IdTableWithHashBuckets = StaticVocabularyTable


class HashTable(StaticHashTable):
    """``tf.lookup.StaticHashTable`` with its older arguments."""

    def __init__(self, initializer: Any, default_value: Any, shared_name: str | None = None, name: str | None = None):
        super().__init__(initializer, default_value, name)
