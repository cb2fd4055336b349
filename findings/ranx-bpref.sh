#!/bin/bash
# ranx 0.3.21 (numba 0.68.1, numpy 2.4.6): bpref of a query without a relevant document, or without one that is judged
# not relevant.
#
# - All judged documents of query "all" are relevant: its bpref is nan, and so is the mean. trec_eval
#   (pytrec_eval-terrier 0.5.11) gives 1.
# - No judged document of query "b none" is relevant: bpref of the queries after it, in the order of their ids, becomes
#   0 without a word. trec_eval gives 1 to "c some", which has its one relevant document on rank 1.
#
# Seen:
#   all: ranx nan, trec_eval 1.0
#   c some alone: ranx 1.0
#   c some behind a query without a relevant document: ranx 0.0, trec_eval 1.0
#
# Exits with 0 while it is so, with 1 when it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ranx==0.3.21 numba==0.68.1 numpy==2.4.6 pytrec-eval-terrier==0.5.11
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math
import sys

import pytrec_eval
from ranx import Qrels, Run, evaluate


def ranx_bpref(qrels, run):
    given = Run(run)
    evaluate(Qrels(qrels), given, ["bpref"], return_mean=False)
    return {id: float(given.scores["bpref"][id]) for id in qrels}


def trec_eval_bpref(qrels, run):
    found = pytrec_eval.RelevanceEvaluator(qrels, {"bpref"}).evaluate(run)
    return {id: found[id]["bpref"] for id in qrels}


ranking = {"d1": 2.0, "d2": 1.0}
every = {"all": {"d1": 1, "d2": 1}}, {"all": ranking}
alone = {"c some": {"d1": 1, "d2": 0}}, {"c some": ranking}
behind = {"b none": {"d1": 0, "d2": 0}, **alone[0]}, {"b none": ranking, **alone[1]}

of_every = ranx_bpref(*every)["all"], trec_eval_bpref(*every)["all"]
of_one = ranx_bpref(*alone)["c some"]
of_two = ranx_bpref(*behind)["c some"], trec_eval_bpref(*behind)["c some"]
print(f"all: ranx {of_every[0]}, trec_eval {of_every[1]}")
print(f"c some alone: ranx {of_one}")
print(f"c some behind a query without a relevant document: ranx {of_two[0]}, trec_eval {of_two[1]}")
sys.exit(not (math.isnan(of_every[0]) and of_every[1] == 1 and of_one == 1 and of_two == (0, 1)))
PYTHON
