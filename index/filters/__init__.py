"""Filters: conditions on attributes and ids, as dicts and as expressions."""
