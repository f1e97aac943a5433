"""``tensorflow.contrib.layers.python``: where programs import from that reach past the namespace."""
