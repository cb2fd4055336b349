"""What an index holds at one moment, and the primitives of search on it."""
