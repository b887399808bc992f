"""Speed, precision and memory of our code alone."""
