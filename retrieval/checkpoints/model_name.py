"""`ModelName`: a model's name, with what is to be done to the model once it is loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

# The name of a model that was given as an object.
UNNAMED = "custom"
_WORDS = "+words"


@dataclass(frozen=True)
class ModelName:
    """The parts of a name such as "colbert-ir/colbertv2.0+words@16".

    Args:
        base: A shipped model, a folder, or a model on the hub.
        words: Whether its token vectors are pooled to whole words: "+words".
        dim: The number of dims that are kept of its words: "@16". None: all.
    """

    base: str
    words: bool = False
    dim: int | None = None

    @classmethod
    def parse(cls, name: str) -> ModelName:
        """The parts of a name. A folder's name may end with "@16" too: if it exists, that is no number of dims."""
        bare, mark, dim = name.rpartition("@")
        if not mark or not re.fullmatch("[0-9]{1,9}", dim) or Path(name).exists():
            bare, dim = name, ""
        base = bare.removesuffix(_WORDS)
        return cls(base, base != bare, int(dim) if dim else None)
