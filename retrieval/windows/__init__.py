"""Texts longer than what a model reads at once: cut into windows, whose words are joined."""
