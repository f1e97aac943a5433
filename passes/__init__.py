"""Optimising passes and gradients: Graph in, Graph out."""
