"""Measures methods on test sets: rows per image and metric."""
