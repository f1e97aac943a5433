"""``tensorflow.contrib.framework.python``: where programs import from that reach past the namespace."""
