"""FAISS: loaded in one place, its files looked through before it opens them."""
