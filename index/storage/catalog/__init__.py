"""The catalog: one SQLite file that says what exists, with all SQL of the index."""
