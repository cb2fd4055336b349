"""`wordhive train`: a file for each of its commands."""
