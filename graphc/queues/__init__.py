"""Queues and readers: how TensorFlow 1 programs fed their steps before ``tf.data``."""
