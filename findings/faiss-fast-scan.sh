#!/usr/bin/env bash
# FAISS 1.15.1, IndexPQFastScan (4-bit product codes): two kinds of answers that are wrong without a word.
#
# 1. A document that is worst in every sub-quantiser is not found, although as many are asked for as there are: the
#    smallest sum of table entries, 0, also stands for a free place. For a query of zeros that is every document: all
#    labels are -1, where IndexPQ, of the same codes, finds all of them.
# 2. Sums of table entries have 16 bits, entries 8. With more than 257 sub-quantisers a sum can exceed 65,535, and begins
#    at 0 again: the document that is best in every sub-quantiser gets a low score, and IndexPQ's first is not found
#    among the first ten.
#
# Seen with faiss-cpu 1.15.1 and numpy 2.2.6, on x86-64:
#    zeros: IndexPQ finds 700 of 700, IndexPQFastScan 0
#    worst everywhere: IndexPQ finds 700 of 700, IndexPQFastScan 699
#    256 sub-quantisers: the best document is at place 0 of IndexPQ, 0 of IndexPQFastScan
#    512 sub-quantisers: the best document is at place 0 of IndexPQ, 153 of IndexPQFastScan
#
# Exits with another status than 0 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet faiss-cpu==1.15.1 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import faiss
import numpy as np

faiss.omp_set_num_threads(1)


def built(vectors, parts):
    index = faiss.IndexPQ(vectors.shape[1], parts, 4, faiss.METRIC_INNER_PRODUCT)
    index.do_polysemous_training = False
    index.train(vectors)
    index.add(vectors)
    return index


def found(index, queries, n):
    return (index.search(queries, n)[1] >= 0).sum()


random = np.random.default_rng(0)
index = built(random.standard_normal((700, 16)).astype("float32"), 4)
fast = faiss.IndexPQFastScan(index)
zeros = np.zeros((1, 16), "float32")
print(f"zeros: IndexPQ finds {found(index, zeros, 700)} of 700, IndexPQFastScan {found(fast, zeros, 700)}")
assert (found(index, zeros, 700), found(fast, zeros, 700)) == (700, 0)

against = -index.reconstruct_n(0, 700)
short = [query[None] for query in against if found(fast, query[None], 700) < 700]
assert short and all(found(index, query, 700) == 700 for query in short)
print(f"worst everywhere: IndexPQ finds 700 of 700, IndexPQFastScan {found(fast, short[0], 700)}")

for parts in (256, 512):
    index = built(random.choice([-1, 1], (800, parts)).astype("float32") * random.uniform(0.9, 1.1, (800, parts)).astype("float32"), parts)
    query = np.sign(random.standard_normal((1, parts))).astype("float32")
    centroids = faiss.vector_to_array(index.pq.centroids).reshape(parts, 16)
    index.add(np.where(query > 0, centroids.max(axis=1), centroids.min(axis=1)).astype("float32"))
    exact = index.search(query, 801)[1][0].tolist().index(800)
    place = faiss.IndexPQFastScan(index).search(query, 801)[1][0].tolist().index(800)
    print(f"{parts} sub-quantisers: the best document is at place {exact} of IndexPQ, {place} of IndexPQFastScan")
    assert exact == 0 and (place == 0 if parts == 256 else place > 10)
PYTHON
