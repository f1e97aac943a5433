"""``slim.dataset``: where examples are, how they are read and decoded."""

from __future__ import annotations

from typing import Any

__all__ = ["Dataset"]


class Dataset:
    """Names of files, their reader, the decoder of their records, and what else is known, each as an attribute."""

    def __init__(
        self, data_sources: Any, reader: Any, decoder: Any, num_samples: int | None, items_to_descriptions: Any,
        **kwargs: Any,
    ):  # fmt: skip
        self.data_sources, self.reader, self.decoder = data_sources, reader, decoder
        self.num_samples, self.items_to_descriptions = num_samples, items_to_descriptions
        for name, value in kwargs.items():
            setattr(self, name, value)
