"""Measure methods and render the results: test sets, metrics, evaluation, published numbers, tables and figures."""

import os

# Before numpy is imported: its matrices are small here, on which several threads take longer than one. Processes beside
# each other use the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
