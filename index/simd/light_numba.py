"""numba, imported without scipy.

numba looks at scipy's version, and at its BLAS when it loads its first kernel. That takes a quarter of a second, and
serves functions that no kernel of ours calls. A kernel of somebody else's that calls them imports it then.
"""

from __future__ import annotations

import sys

_LEFT_OUT = ("scipy", "scipy.linalg.cython_blas")


def _import_numba() -> None:
    hidden = [name for name in _LEFT_OUT if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # to import it fails
    try:
        import numba.np.arraymath  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]


_import_numba()
