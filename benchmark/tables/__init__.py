"""Tables of the paper, rendered from measured and published rows."""
