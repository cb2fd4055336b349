"""Index word vectors that were made elsewhere, and search them with vectors."""

import tempfile

import numpy as np

from wordhive import Index, Searcher

random = np.random.default_rng(0)
documents = [random.normal(size=(n, 64)).astype(np.float32) for n in (12, 30, 7)]  # one [n_words, dim] array a document

with tempfile.TemporaryDirectory() as folder:
    index = Index.create(f"{folder}/vectors.hive")
    index.add(["a", "b", "c"], documents, attributes=[{"year": 1990}, {"year": 2000}, {"year": 2010}])
    query = documents[1][:5]  # five words of document b
    for hit in Searcher(index).search_vectors([query], k=2, candidates="all")[0]:
        print(hit.id, round(hit.score, 3), hit.attributes)
    index.close()
