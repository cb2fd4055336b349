"""Ragged arrays, the words of windows, and the order of floats."""
