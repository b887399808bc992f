"""Sides of a benchmark, each run in a process of its own."""
