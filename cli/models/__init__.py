"""Commands that make models, or make them ready."""
