"""What a `Retriever` does, by subject: it reads stored documents, adds and changes them, and searches."""
