"""Runs fused into one: methods, and norms that bring scores to a common scale."""
