"""Changes of an index: each is one commit, under one lock."""
