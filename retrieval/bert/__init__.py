"""A BERT without torch: in NumPy, and by kernels."""
