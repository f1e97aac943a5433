"""Digests of texts and files, without the rest of ``hashlib``: that loads OpenSSL, in 4 ms of each start."""

from __future__ import annotations

try:
    from _blake2 import blake2b  # what hashlib has it from
except ImportError:  # another Python keeps it elsewhere
    from hashlib import blake2b

__all__ = ["digest", "short_digest"]


def digest(data: bytes) -> bytes:
    """32 bytes that no other data has (BLAKE2b, RFC 7693)."""
    return blake2b(data, digest_size=32).digest()


def short_digest(text: str) -> str:
    """16 characters that tell texts of one program apart."""
    return blake2b(text.encode(), digest_size=8).hexdigest()
