"""The operations, one family a file: what type comes out, what it means in NumPy, what its adjoints are."""
