"""Run a baseline in a separate process: descriptors, sources, supervision, records."""
