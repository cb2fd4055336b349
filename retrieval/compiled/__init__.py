"""A model that runs without torch."""
