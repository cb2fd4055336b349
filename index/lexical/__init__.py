"""What is told by the identities of words alone: a table of them, and the lexical part of a score."""
