"""Test sets, photographs, checksums, published numbers."""
