"""The parts of a model's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from wordhive.retrieval.checkpoints.model_name import ModelName


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("org/model", ModelName("org/model")),
        ("org/model+words", ModelName("org/model", words=True)),
        ("model@16", ModelName("model", dim=16)),
        ("model+words@16", ModelName("model", words=True, dim=16)),
        ("1234", ModelName("1234")),
        ("model@main", ModelName("model@main")),
        ("model@1234567890", ModelName("model@1234567890")),
    ],
)
def test_a_name_says_what_is_done_to_its_model(name: str, parts: ModelName) -> None:
    assert ModelName.parse(name) == parts


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    (tmp_path / "model@16").mkdir()
    assert ModelName.parse(str(tmp_path / "model@16")) == ModelName(str(tmp_path / "model@16"))
