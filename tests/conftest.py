"""What all tests share: no network, and where the real collections are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(scope="session")
def collections() -> Path:
    """The folder of real collections that WORDHIVE_DATA names; skips where there is none."""
    root = Path(os.environ.get("WORDHIVE_DATA", "../shared/data")) / "collections"
    if not root.is_dir():
        pytest.skip("no collections: WORDHIVE_DATA names no folder with collections/")
    return root
