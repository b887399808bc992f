"""Training of OSEDiff (Algorithm 1)."""
