"""``tensorflow.contrib.slim.python.slim.data``: examples of many files, read and decoded."""

from graphc.contrib.slim import dataset, dataset_data_provider, parallel_reader, prefetch_queue, tfexample_decoder

data_provider = dataset_data_provider

__all__ = [
    "data_provider", "dataset", "dataset_data_provider", "parallel_reader", "prefetch_queue", "tfexample_decoder",
]  # fmt: skip
