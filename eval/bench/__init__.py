"""Benches: what the parts of an index cost, and what they find."""
