"""Keep an index in order: check its files, measure drift, tell what it holds."""
