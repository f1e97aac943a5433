"""TensorFlow's descriptions of graphs (GraphDef, MetaGraphDef, SavedModel): written, read, and edited."""
