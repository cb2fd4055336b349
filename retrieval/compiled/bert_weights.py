"""The weights of a BERT, under the names and in the shapes that torch's model has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from wordhive.index import InputError

from ..checkpoints.low_rank import product
from .model_files import Uncompilable, Weights, read_json, read_tensors

# Settings of a `config.json`, and what they may be.
_KNOWN: dict[str, tuple[Any, ...]] = {
    "model_type": ("bert",),
    "hidden_act": ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu"),
    "position_embedding_type": ("absolute", None),
    "is_decoder": (False, None),
    "add_cross_attention": (False, None),
    "quantization_config": (None,),
}
_SIZES = (
    "hidden_size", "intermediate_size", "max_position_embeddings", "num_attention_heads", "num_hidden_layers",
    "type_vocab_size", "vocab_size",
)  # fmt: skip
_OLD_NAMES = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}


def bert_config(folder: Path) -> dict[str, Any]:
    """What a BERT computes: its sizes, `layer_norm_eps` and `hidden_act`.

    Raises:
        Uncompilable: It is no BERT of the usual kind.
        InputError: A damaged file.
    """
    config = read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise Uncompilable("it has no config.json of a transformer")
    for key, values in _KNOWN.items():
        if config.get(key) not in values:
            raise Uncompilable(f"its transformer has {key} {config.get(key)!r}")
    if (folder / "adapter_config.json").is_file():
        raise Uncompilable("its transformer has adapters")
    found = {key: config.get(key) for key in _SIZES}
    for key, size in found.items():
        if not isinstance(size, int) or size < 1:
            raise InputError(f"{folder / 'config.json'} has {key} {size!r}; expected a number from 1")
    return found | {"layer_norm_eps": float(config.get("layer_norm_eps", 1e-12)), "hidden_act": config["hidden_act"]}


def bert_weights(folder: Path, config: dict[str, Any]) -> Weights:
    """All weights of a BERT by name.

    Raises:
        Uncompilable: Its weights are in another format, or some are missing.
        InputError: A damaged file.
    """
    shapes = _shapes(config)
    found: Weights = {}
    for name, array in read_tensors(folder / "model.safetensors").items():
        bare = name.removeprefix("bert.")
        for old, new in _OLD_NAMES.items():
            bare = bare.replace(old, new)
        if bare in shapes:
            found[bare] = array
    missing = shapes.keys() - found.keys()
    if missing:
        raise Uncompilable(f"its transformer has no weights {min(missing)!r}")
    for name, shape in shapes.items():
        if found[name].shape != shape:
            raise InputError(
                f"{folder / 'model.safetensors'} has {name!r} of shape {list(found[name].shape)}; its config.json "
                f"says {list(shape)}; get the model again"
            )
    return found


def apply_changes(weights: Weights, path: Path) -> None:
    """Change a base model's weights as `save_changes` wrote it.

    Raises:
        InputError: They do not fit.
    """
    changes = load_file(path)
    for key, array in changes.items():
        name, _, kind = key.rpartition(".")
        if kind == "right":
            continue
        change = array.astype(np.float32)
        if kind == "left":
            change = product(change, changes[f"{name}.right"].astype(np.float32))
        if name not in weights or weights[name].shape != change.shape:
            raise InputError(f"{path} changes {name!r}, which its base model does not have so; get the model again")
        weights[name] = weights[name] + change


def named(weights: Weights, module: str) -> Weights:
    """The weights under the names that they have in the whole model."""
    return {f"{module}.model.{name}": array for name, array in weights.items()}


def _shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    dim, inner = config["hidden_size"], config["intermediate_size"]
    norm: dict[str, tuple[int, ...]] = {"LayerNorm.weight": (dim,), "LayerNorm.bias": (dim,)}
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], dim),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], dim),
        "embeddings.token_type_embeddings.weight": (config["type_vocab_size"], dim),
        **{f"embeddings.{name}": shape for name, shape in norm.items()},
        "pooler.dense.weight": (dim, dim),
        "pooler.dense.bias": (dim,),
    }
    linear = {
        "attention.self.query": (dim, dim), "attention.self.key": (dim, dim), "attention.self.value": (dim, dim),
        "attention.output.dense": (dim, dim), "intermediate.dense": (inner, dim), "output.dense": (dim, inner),
    }  # fmt: skip
    for layer in range(config["num_hidden_layers"]):
        for name, (n_out, n_in) in linear.items():
            shapes[f"encoder.layer.{layer}.{name}.weight"] = (n_out, n_in)
            shapes[f"encoder.layer.{layer}.{name}.bias"] = (n_out,)
        for name, shape in norm.items():
            shapes[f"encoder.layer.{layer}.attention.output.{name}"] = shape
            shapes[f"encoder.layer.{layer}.output.{name}"] = shape
    return shapes
