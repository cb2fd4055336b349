"""The second stage: exact scores of documents from their codes."""
