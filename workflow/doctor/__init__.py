"""What of the paper walk is done, and what comes next; from planning alone, so that it answers within a second."""
