"""Kernels with a shape of their own: contractions."""
