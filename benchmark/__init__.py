"""Measuring and rendering: test sets, metrics, evaluation, published numbers, tables and figures."""
