"""``tf.test``: test cases with sessions, checks of gradients, and what the machine has."""

from __future__ import annotations

from typing import Any
from unittest import mock

from graphc.test.case import TestCase, get_temp_dir, main
from graphc.testing import check_gradients, compute_gradient, compute_gradient_error

__all__ = [
    "TestCase",
    "check_gradients",
    "compute_gradient",
    "compute_gradient_error",
    "get_temp_dir",
    "gpu_device_name",
    "is_built_with_cuda",
    "is_built_with_gpu_support",
    "is_built_with_rocm",
    "is_gpu_available",
    "main",
    "mock",
    "test_src_dir_path",
]


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """False: steps run on the CPU."""
    return False


def is_built_with_cuda() -> bool:
    """False."""
    return False


def is_built_with_rocm() -> bool:
    """False."""
    return False


def is_built_with_gpu_support() -> bool:
    """False."""
    return False


def gpu_device_name() -> str:
    """Empty: there is no GPU."""
    return ""


def test_src_dir_path(relative_path: str) -> str:
    """``NotImplementedError``: there is no source tree of TensorFlow."""
    raise NotImplementedError("tf.test.test_src_dir_path: name files from tf.resource_loader.get_data_files_path()")
