"""Training a model: its data, losses and trainer."""
