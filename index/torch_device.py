"""Torch's devices: one by name, copies of arrays on it, its memory, and arithmetic in full float32."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .arguments import instance, shown
from .errors import InputError, WordhiveError

# Of a GPU's memory, for what is computed there and for FAISS.
_LEFT_FREE = 3 << 30
# The precision is the whole process's: two threads that set it and set it back would undo each other's.
_ONE_AT_A_TIME = threading.Lock()

if hasattr(os, "register_at_fork"):
    # A child of a fork has none of its parent's threads, and OpenMP would wait for them for ever.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def torch_device(name: str) -> torch.device:
    """A device by name.

    Raises:
        InputError: An unknown name.
        WordhiveError: A device that torch can't use here.
    """
    try:
        instance(name, "device", str, "a name")
        device = torch.device(name)
    except (InputError, RuntimeError) as error:
        raise InputError(f"device is {shown(name)}; choose cpu, cuda (cuda:1 for the second GPU) or mps") from error
    try:
        torch.zeros(1, device=device).cpu()
    except (AssertionError, ImportError, RuntimeError) as error:
        reason = str(error).split("\n")[0].split(". ")[0]
        raise WordhiveError(
            f"device {name!r} was asked for, but torch cannot use it ({reason}); "
            "install a torch built for it on a machine that has one, or encode on the cpu"
        ) from error
    return device


def put(array: NDArray[Any], device: torch.device) -> Tensor:
    """A copy of an array on a device."""
    # A copy even on torch's CPU device: torch warns of arrays that cannot be written to.
    return torch.tensor(np.ascontiguousarray(array), device=device)


def has_room(n_bytes: int, device: torch.device) -> bool:
    """Whether so many bytes may stay on a device, beside what is computed there."""
    return device.type != "cuda" or n_bytes + _LEFT_FREE <= torch.cuda.mem_get_info(device)[0]


def wait_for(device: torch.device) -> None:
    """Wait for a GPU to finish its work, so that a clock can be read; other devices always have finished."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Matrix products in float32 whatever the program allows: no TF32, no autocast, no gradients. In one thread."""
    # Since torch 2.9 the older name may not be read where a program has set the newer one.
    matmul: Any = torch.backends.cuda.matmul
    name, full = ("fp32_precision", "ieee") if hasattr(matmul, "fp32_precision") else ("allow_tf32", False)
    with _ONE_AT_A_TIME, torch.inference_mode(), torch.autocast(device.type, enabled=False):
        before = getattr(matmul, name)
        setattr(matmul, name, full)
        try:
            yield
        finally:
            setattr(matmul, name, before)
