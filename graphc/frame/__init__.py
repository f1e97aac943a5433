"""What surrounds a program: its flags, its log, its files, and the modes and paths of TensorFlow that it asks for."""
