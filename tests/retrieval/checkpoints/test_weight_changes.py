from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers.base.modules import Transformer

from wordhive.index import InputError
from wordhive.retrieval.architecture import Architecture, build
from wordhive.retrieval.checkpoints.weight_changes import apply_changes, save_changes
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.training.adapters import add_adapters, merge_adapters

TEXTS = ["Bees dance to tell where flowers are.", "ants"]


def with_adapters(base: Any, rank: int) -> Transformer:
    transformer = Transformer(str(base))
    add_adapters(transformer, rank, alpha=8, dropout=0)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in transformer.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05, generator=random)
    merge_adapters(transformer)
    return transformer


def test_adapters_change_outputs_and_leave_a_plain_transformer(tiny_base: Path) -> None:
    base, changed = Transformer(str(tiny_base)), with_adapters(tiny_base, 3)
    assert base.state_dict().keys() == changed.state_dict().keys()
    batch = base.tokenizer(TEXTS, padding=True, return_tensors="pt")
    one, other = (dict(t.eval()(dict(batch)))["token_embeddings"] for t in (base, changed))
    assert (one - other).abs().max() > 0.01


def test_changes_are_small_and_bring_the_model_back(tiny_base: Path, tmp_path: Path) -> None:
    base, changed = Transformer(str(tiny_base)), with_adapters(tiny_base, 3)
    save_changes(changed.model, base.model, tmp_path / "changes.safetensors")
    whole = sum(p.numel() for n, p in changed.model.named_parameters() if "encoder" in n) * 2
    assert (tmp_path / "changes.safetensors").stat().st_size < whole / 2
    apply_changes(base.model, tmp_path / "changes.safetensors")
    for name, tensor in changed.model.state_dict().items():
        torch.testing.assert_close(base.model.state_dict()[name], tensor, atol=2e-3, rtol=1e-3)


def test_full_changes_are_kept_too(tiny_base: Path, tmp_path: Path) -> None:
    base, changed = Transformer(str(tiny_base)), Transformer(str(tiny_base))
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in changed.parameters():
            parameter += 0.01 * torch.randn(parameter.shape, generator=random)
    save_changes(changed.model, base.model, tmp_path / "changes.safetensors")
    apply_changes(base.model, tmp_path / "changes.safetensors")
    for name, tensor in changed.model.state_dict().items():
        torch.testing.assert_close(base.model.state_dict()[name], tensor, atol=1e-4, rtol=1e-3)


def test_a_light_model_loads_as_it_was(tiny_base: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build(Architecture(base=str(tiny_base), word_dim=8, summary_dim=6))
    model[0].model.load_state_dict(with_adapters(tiny_base, 3).model.state_dict())
    encoder = Encoder(model, precision="float32")
    encoder.save(tmp_path / "whole")
    encoder.save(tmp_path / "light", base=str(tiny_base))
    assert not (tmp_path / "light" / "model.safetensors").exists()
    expected = encoder.encode_documents(TEXTS)
    for name, tolerance in (("whole", 1e-6), ("light", 5e-3)):
        found = Encoder.load(tmp_path / name, precision="float32").encode_documents(TEXTS)
        assert abs(found.vectors - expected.vectors).max() < tolerance
    unchanged = build(Architecture(base=str(tiny_base), word_dim=8, summary_dim=6))
    Encoder(unchanged).save(tmp_path / "unchanged", base=str(tiny_base))
    assert not (tmp_path / "unchanged" / "changes.safetensors").exists()


def test_changes_of_another_model_are_refused(tiny_base: Path, tmp_path: Path) -> None:
    base, changed = Transformer(str(tiny_base)), with_adapters(tiny_base, 3)
    save_changes(changed.model, base.model, tmp_path / "changes.safetensors")
    with pytest.raises(InputError, match="get the model again"):
        apply_changes(torch.nn.Linear(2, 2), tmp_path / "changes.safetensors")
    with pytest.raises(InputError, match="other weights than its base"):
        save_changes(torch.nn.Linear(2, 2), base.model, tmp_path / "other.safetensors")
