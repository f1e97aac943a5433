"""What files hold, as tensors: bytes, text, images and examples. All of it runs on the host."""
