"""``tensorflow.contrib.slim.python``: where programs import from that reach past the namespace."""
