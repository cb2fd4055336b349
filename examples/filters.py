"""Search only among the documents that a filter lets through."""

import tempfile

from wordhive import Retriever

DOCUMENTS = [
    {"id": "dance", "text": "Honey bees dance to tell where flowers are.", "year": 1973, "tags": ["bees", "language"]},
    {"id": "swarm", "text": "Half of a colony of bees leaves with the old queen.", "year": 1990, "tags": ["bees"]},
    {"id": "trail", "text": "Ants follow a trail of scent.", "year": 2004, "tags": ["ants", "language"]},
]

with tempfile.TemporaryDirectory() as folder, Retriever.create(f"{folder}/my.hive") as retriever:
    retriever.add(DOCUMENTS)
    for where in (
        {"year": {"$gte": 1980}},
        {"tags": {"$contains": "language"}},
        {"$not": {"tags": {"$contains": "bees"}}},
    ):
        hits = retriever.search("insects that tell each other something", where=where)
        print(where, [hit.id for hit in hits])
