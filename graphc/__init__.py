"""graphc: a declarative static-graph compiler in the style of TensorFlow v1."""
