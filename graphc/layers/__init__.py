"""Layers with their own variables, as functions and as classes, under the names of TensorFlow 1."""

from graphc.layers.convolution import Conv2D, Conv2DTranspose, conv2d, conv2d_transpose
from graphc.layers.core import Dense, Dropout, Flatten, dense, dropout, flatten
from graphc.layers.layer import Layer
from graphc.layers.normalisation import BatchNormalization, batch_normalization
from graphc.layers.pooling import AveragePooling2D, MaxPooling2D, average_pooling2d, max_pooling2d

__all__ = [
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "Conv2DTranspose",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "MaxPooling2D",
    "average_pooling2d",
    "batch_normalization",
    "conv2d",
    "conv2d_transpose",
    "dense",
    "dropout",
    "flatten",
    "max_pooling2d",
]
