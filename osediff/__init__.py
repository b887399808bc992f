"""OSEDiff: one-step diffusion for real-world image super-resolution (Wu et al., NeurIPS 2024, arXiv 2406.08177)."""
