"""``slim.dataset_data_provider``: the items of a dataset's examples, one example in each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.contrib.slim.parallel_reader import parallel_read

__all__ = ["DataProvider", "DatasetDataProvider"]


class DataProvider:
    """Tensors by the names of the items that they are."""

    def __init__(self, items_to_tensors: Mapping[str, Any], num_samples: int | None):
        self._items, self._number = dict(items_to_tensors), num_samples

    def get(self, items: Sequence[str]) -> list[Any]:
        """The tensors of items; ``ValueError`` for a name that there is not."""
        unknown = [item for item in items if item not in self._items]
        if unknown:
            raise ValueError(f"Items {unknown} are not provided; there are {self.list_items()}")
        return [self._items[item] for item in items]

    def list_items(self) -> list[str]:
        """The names."""
        return list(self._items)

    def num_samples(self) -> int | None:
        """How many examples there are, None where it is not known."""
        return self._number


class DatasetDataProvider(DataProvider):
    """The items of the next example of a ``slim.dataset.Dataset``, and its key as the item ``record_key``."""

    def __init__(
        self, dataset: Any, num_readers: int = 1, reader_kwargs: Mapping[str, Any] | None = None, shuffle: bool = True,
        num_epochs: int | None = None, common_queue_capacity: int = 256, common_queue_min: int = 128,
        record_key: str = "record_key", seed: int | None = None, scope: str | None = None,
    ):  # fmt: skip
        key, data = parallel_read(
            dataset.data_sources, dataset.reader, num_epochs, num_readers, reader_kwargs, shuffle,
            capacity=common_queue_capacity, min_after_dequeue=common_queue_min, seed=seed, scope=scope,
        )  # fmt: skip
        names = dataset.decoder.list_items()
        if record_key in names:
            raise ValueError(f"The name {record_key!r} of `record_key` is that of a dataset item too")
        items = dict(zip(names, dataset.decoder.decode(data, names)))
        super().__init__({**items, record_key: key}, dataset.num_samples)
