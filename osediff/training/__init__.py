"""Training of OSEDiff (Algorithm 1) and of the demo's backbone."""
