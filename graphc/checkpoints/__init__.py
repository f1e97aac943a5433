"""Files that keep the values of variables: graphc's own, and TensorFlow's, read and written without TensorFlow."""
