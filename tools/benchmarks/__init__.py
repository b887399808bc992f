"""Benchmarks that compare two sides in one run, and the tables of docs/measurements.md."""
