"""How each family of ops becomes loops."""
