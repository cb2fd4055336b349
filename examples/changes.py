"""Replace and delete documents. Each change is one transaction."""

import tempfile

from wordhive import Retriever

with tempfile.TemporaryDirectory() as folder, Retriever.create(f"{folder}/my.hive") as retriever:
    retriever.add([("1", "Bees dance."), ("2", "Ants follow scent."), ("3", "Birds sing.")])
    retriever.upsert([("2", "Ants lay a trail of scent between their nest and food.")])
    retriever.delete(["3"])
    print(len(retriever), "documents")
    print(retriever.search("ants", k=1)[0].text)
    retriever.index.compact()  # gives back the room of what was deleted
