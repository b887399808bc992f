"""Say which steps of the paper walk are done and which is next, from planning alone and within a second."""
