"""The only Python code that the Snakefile imports: settings, paths, jobs. It does not import torch."""
