"""Entry points by which the benchmark counts, times and checks OSEDiff, with random weights."""
