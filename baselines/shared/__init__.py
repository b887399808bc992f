"""Code that several adapters use."""
