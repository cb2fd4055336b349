"""Formats of documents: what their text is, and where its pages and headings begin."""
