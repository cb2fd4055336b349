"""Collections: documents, queries and judgements, and how each is measured."""
