"""FAISS: loaded in one place; its files are checked before it opens them."""
