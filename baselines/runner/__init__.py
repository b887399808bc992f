"""Run a baseline in a process of its own: descriptors, sources, supervision, records."""
