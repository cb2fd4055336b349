#!/usr/bin/env bash
# numba 0.68.1 imports scipy.linalg at the first call of a compiled function, also of one that lies in the cache and calls
# nothing of linear algebra. numba itself imports scipy only to see its version. So a program that does nothing but run
# cached functions waits for scipy's linear algebra at its first call, wherever scipy is installed.
#
# Seen with numba 0.68.1, scipy 1.17.0, Python 3.11:
#   before the call, scipy and scipy.linalg imported: True False
#   after it, from the cache:                         True True
#
# Exits with another status than 0 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check numba==0.68.1 scipy==1.17.0
cat > added.py <<'PYTHON'
from numba import njit


@njit(cache=True)
def added(x, y):
    return x + y
PYTHON
cat > call.py <<'PYTHON'
import sys

from added import added

seen = [name in sys.modules for name in ("scipy", "scipy.linalg")]
print("before the call, scipy and scipy.linalg imported:", *seen)
assert seen == [True, False]
assert added(1.0, 2.0) == 3.0 and sum(added.stats.cache_hits.values()) == int(sys.argv[1])
seen = [name in sys.modules for name in ("scipy", "scipy.linalg")]
print("after it, from the cache:                        ", *seen)
assert seen == [True, True]
PYTHON
venv/bin/python call.py 0 > /dev/null # which fills the cache
venv/bin/python call.py 1
