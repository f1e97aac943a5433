"""Runs TensorFlow 1 programs as they are: ``python -m graphc.tf1 program.py arguments``.

What such a program imports as ``tensorflow`` is graphc. :func:`install` does the same inside a process.
"""

from graphc.tf1.finder import install

__all__ = ["install"]
