"""Checks against the official code, and of one tree of results against another."""
