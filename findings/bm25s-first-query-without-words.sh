#!/bin/bash
# bm25s 0.3.16 with backend="numba" (numba 0.68.1, numpy 2.4.6): a batch of tokenised queries is refused when the first
# one has no words, such as a query of stop words only. At another place of the batch it finds nothing, and the other
# queries are answered.
#
# Seen:
#   last: ok
#   first: ValueError
#
# Exits with 0 while it is so, with 1 when it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet bm25s==0.3.16 numba==0.68.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import bm25s

index = bm25s.BM25(backend="numba")
index.index(bm25s.tokenize(["bees dance", "ants follow trails"], show_progress=False), show_progress=False)
outcomes = []
for place, queries in {"last": ["bees", "the of and"], "first": ["the of and", "bees"]}.items():
    words = bm25s.tokenize(queries, return_ids=False, show_progress=False)
    try:
        rows, scores = index.retrieve(words, k=1, show_progress=False)
        outcomes.append("ok" if scores[queries.index("bees")][0] > 0 else "not found")
    except ValueError as error:
        outcomes.append(type(error).__name__)
    print(f"{place}: {outcomes[-1]}")
sys.exit(outcomes != ["ok", "ValueError"])
PYTHON
