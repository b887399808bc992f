"""Run by hand: one tree of results against another, and measurements, with and without the official code."""
