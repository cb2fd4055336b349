"""Measure a search on your own queries and judgements, with the measures of ranx."""

import tempfile

from wordhive import Retriever
from wordhive.eval.runs import measure

DOCUMENTS = [
    ("dance", "Honey bees dance to tell where flowers are."),
    ("trail", "Ants follow a trail of scent to their food."),
    ("web", "Spiders spin webs of silk to catch flies."),
    ("song", "Male birds sing in spring to hold a territory."),
]
QUERIES = {"q1": "how do bees communicate?", "q2": "what do spiders eat?"}
QRELS = {"q1": {"dance": 1}, "q2": {"web": 1}}  # the relevant documents of each query

with tempfile.TemporaryDirectory() as folder, Retriever.create(f"{folder}/my.hive") as retriever:
    retriever.add(DOCUMENTS)
    hits = retriever.search(list(QUERIES.values()), k=3)
    run = {query: {hit.id: hit.score for hit in results} for query, results in zip(QUERIES, hits, strict=True)}
    for name, value in measure(QRELS, run, ["ndcg@10", "mrr@10"]).items():
        print(f"{name} {value:.3f}")
