"""Models that run on NumPy alone: read, compiled, kept in a cache, and run."""
