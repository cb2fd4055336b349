"""What training changed of a published transformer's weights, kept small: low-rank factors in half precision."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from wordhive.index import InputError

from .low_rank import product

# Singular values below this part of the largest are what rounding left of an adapter's lower rank.
_NOISE = 1e-4
_LEFT, _RIGHT, _WHOLE = ".left", ".right", ".change"


def save_changes(model: nn.Module, base: nn.Module, path: Path) -> None:
    """Write what a model's weights differ in from its base: nothing where they are the same.

    A matrix that low-rank adapters changed becomes its two factors, exactly but for half precision; anything else the
    whole difference.

    Raises:
        InputError: The two have other weights.
    """
    mine, theirs = model.state_dict(), base.state_dict()
    if {name: tensor.shape for name, tensor in mine.items()} != {n: tensor.shape for n, tensor in theirs.items()}:
        raise InputError("the model has other weights than its base; save it whole, or name the base that it came from")
    changes: dict[str, Tensor] = {}
    for name, tensor in mine.items():
        if tensor.is_floating_point() and not torch.equal(tensor, theirs[name]):
            changes.update(_compressed(name, (tensor.float() - theirs[name].float()).cpu()))
    if changes:
        save_file({name: tensor.half().contiguous() for name, tensor in changes.items()}, path)


def _compressed(name: str, change: Tensor) -> dict[str, Tensor]:
    if change.dim() == 2:
        left, values, right = torch.linalg.svd(change, full_matrices=False)
        rank = int((values > _NOISE * values[0]).sum())
        if rank * sum(change.shape) < change.numel():
            share = values[:rank].sqrt()
            return {name + _LEFT: left[:, :rank] * share, name + _RIGHT: share[:, None] * right[:rank]}
    return {name + _WHOLE: change}


def apply_changes(model: nn.Module, path: Path) -> None:
    """Change a base model's weights as `save_changes` wrote it.

    Raises:
        InputError: They do not fit.
    """
    changes = load_file(path)
    weights = model.state_dict()
    with torch.no_grad():
        for key, tensor in changes.items():
            name, _, kind = key.rpartition(".")
            if f".{kind}" == _RIGHT:
                continue
            change = tensor.float()
            if f".{kind}" == _LEFT:
                change = torch.from_numpy(product(change.numpy(), changes[name + _RIGHT].float().numpy()))
            if name not in weights or weights[name].shape != change.shape:
                raise InputError(f"{path} changes {name!r}, which its base model does not have so; get the model again")
            weights[name].add_(change.to(weights[name].device))
