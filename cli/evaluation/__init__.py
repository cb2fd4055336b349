"""`wordhive eval`, `compare` and `fuse`."""
