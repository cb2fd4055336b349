"""Index four sentences and search them."""

import tempfile

from wordhive import Retriever

SENTENCES = [
    "Honey bees dance to tell where flowers are.",
    "Ants follow a trail of scent to their food.",
    "Spiders spin webs of silk to catch flies.",
    "Male birds sing in spring to hold a territory.",
]

with tempfile.TemporaryDirectory() as folder, Retriever.create(f"{folder}/my.hive") as retriever:
    retriever.add(SENTENCES)
    for hit in retriever.search("how do bees communicate?", k=2):
        print(f"{hit.score:.3f}  {hit.text}")
