#!/bin/bash
# ranx 0.3.21 (numba 0.68.1, numpy 2.4.6): fuse(norm="max") where a run's scores are below 0, as logarithms and many
# cross-encoders' are. It divides by the larger of the best score and 1e-9, so that -1 becomes -1e9: one such run
# decides the fused ranking alone, whatever its weight.
#
# Seen, of {"a": -1, "b": -2} with weight .01 and {"b": 10, "a": 1} with weight .99:
#   max: a -9999999.9, b -19999999.01
#   min-max: a 0.01, b 0.99
#
# Exits with 0 while it is so, with 1 when it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ranx==0.3.21 numba==0.68.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

from ranx import Run, fuse

negative, positive = {"q": {"a": -1.0, "b": -2.0}}, {"q": {"b": 10.0, "a": 1.0}}
found = {}
for norm in ("max", "min-max"):
    runs = [Run(negative), Run(positive)]
    fused = fuse(runs, norm=norm, method="wsum", params={"weights": [0.01, 0.99]}).to_dict()["q"]
    found[norm] = {id: round(float(fused[id]), 2) for id in ("a", "b")}
    print(f"{norm}: " + ", ".join(f"{id} {score}" for id, score in found[norm].items()))
sys.exit(not (found["max"]["b"] < found["max"]["a"] < -1e6 and found["min-max"]["b"] > found["min-max"]["a"]))
PYTHON
