"""Text ⇄ vectors ⇄ hits: encoder, searcher, retriever."""
