"""Figures, rendered from tables and images alone."""
