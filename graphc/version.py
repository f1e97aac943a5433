"""The version of graphc, where every module may read it, and the build."""

__version__ = "0.1.0"
