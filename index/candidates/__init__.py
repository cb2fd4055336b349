"""The first stage: one vector per document in FAISS, searched for candidates."""
