"""Runs a baseline in a process of its own: sources, supervision, records."""
