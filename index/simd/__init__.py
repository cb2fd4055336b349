"""Vector instructions for code that numba compiles."""
