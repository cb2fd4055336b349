"""Options `--backend` and `--device`: what runs the transformer, and where an index is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

if TYPE_CHECKING:
    from wordhive.retrieval.encoder import Backend

BACKEND_HELP = (
    "What runs the model: auto, compiled (without torch, on the processor), torch, or openvino \\[needs "
    "wordhive\\[openvino]]."
)

DEVICE_HELP = "Where documents get their encodings, and queries their candidates and scores: cpu or cuda."


def checked_backend(name: str) -> Backend:
    """A backend by name. Raises InputError for another."""
    from wordhive.index import InputError
    from wordhive.retrieval.encoder import Backend

    *some, last = get_args(Backend)
    if name not in (*some, last):
        raise InputError(f"--backend is {name!r}; choose {', '.join(some)} or {last}")
    return cast("Backend", name)
