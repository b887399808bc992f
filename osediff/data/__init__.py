"""Training pairs: photographs, their degradation, color."""
