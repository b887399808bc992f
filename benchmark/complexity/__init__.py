"""Multiply-adds, parameters, time and memory."""
