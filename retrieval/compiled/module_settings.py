"""The modules behind a transformer, by their settings: what `config.json` says, and what a fingerprint sees of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordhive.index import InputError

from .model_files import Uncompilable

_PACKAGES = ("sentence_transformers.", "wordhive.retrieval.modules.", "pylate.models.")
_ACTIVATIONS = {
    "Identity": "linear", "Tanh": "activation", "ReLU": "activation", "GELU": "activation", "SiLU": "activation",
    "Sigmoid": "activation",
}  # fmt: skip
_POOLINGS = ("cls", "max", "mean", "mean_sqrt_len_tokens", "lasttoken")


@dataclass(frozen=True)
class ModuleSettings:
    """A module of a model.

    Attributes:
        name: As torch names it in the model.
        kind: Its class.
        settings: Its `config.json`, complete.
    """

    name: str
    kind: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A class of modules.

    Attributes:
        read: The complete settings, in the form that a fingerprint sees, of what `config.json` says.
        weights: The shapes of its weights by name; None where it has none.
    """

    read: Callable[[dict[str, Any]], dict[str, Any]]
    weights: Callable[[dict[str, Any]], dict[str, tuple[int, ...]]] | None = None


def kind_of(reference: str) -> str:
    """The class that `modules.json` names.

    Raises:
        Uncompilable: It is none of sentence-transformers' or wordhive's.
    """
    if not reference.startswith(_PACKAGES):
        raise Uncompilable(f"it has a module {reference!r}")
    return reference.rpartition(".")[2]


def _plain(**defaults: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Settings with defaults; `...` marks one that must be there."""

    def read(config: dict[str, Any]) -> dict[str, Any]:
        strange = config.keys() - defaults.keys()
        if strange:
            raise Uncompilable(f"a module of it has the setting {min(strange)!r}")
        found = defaults | config
        missing = [key for key, value in found.items() if value is ...]
        if missing:
            raise InputError(f"a module's config.json has no {missing[0]}; get the model again")
        return found

    return read


def _dense(config: dict[str, Any]) -> dict[str, Any]:
    found = _plain(
        in_features=..., out_features=..., bias=True, activation_function="torch.nn.modules.activation.Tanh",
        module_input_name="sentence_embedding", module_output_name=None, use_residual=False,
    )(config)  # fmt: skip
    if found.pop("use_residual"):
        raise Uncompilable("a Dense of it has a residual connection")
    name = str(found["activation_function"]).rpartition(".")[2]
    if name not in _ACTIVATIONS or not str(found["activation_function"]).startswith("torch."):
        raise Uncompilable(f"a Dense of it has the activation function {found['activation_function']!r}")
    found["activation_function"] = f"torch.nn.modules.{_ACTIVATIONS[name]}.{name}"
    return _same_output(found)


def _same_output(settings: dict[str, Any]) -> dict[str, Any]:
    names = ("sentence_embedding", "token_embeddings")
    output = settings["module_output_name"] or settings["module_input_name"]
    if settings["module_input_name"] not in names or output not in names:
        raise Uncompilable(f"a module of it reads {settings['module_input_name']!r} and writes {output!r}")
    return settings | {"module_output_name": output}


def _pooling(config: dict[str, Any]) -> dict[str, Any]:
    found = _plain(embedding_dimension=..., pooling_mode="mean", include_prompt=True)(config)
    if found["pooling_mode"] not in _POOLINGS or not found["include_prompt"]:
        raise Uncompilable(f"it pools by {found['pooling_mode']!r}, prompt included: {found['include_prompt']}")
    return found


def _mask(config: dict[str, Any]) -> dict[str, Any]:
    found = _plain(skiplist_words=None, skiplist_tasks=None, keep_only_token_ids=None)(config)
    tasks = found["skiplist_tasks"]
    return {
        "skiplist_words": list(found["skiplist_words"] or []),
        "skiplist_tasks": ["document"] if tasks is None else [tasks] if isinstance(tasks, str) else list(tasks),
        "keep_only_token_ids": found["keep_only_token_ids"],
    }


def _score_mix(config: dict[str, Any]) -> dict[str, Any]:
    found = _plain(summary_weight=..., exact_match=False)(config)
    weight = float(found["summary_weight"])
    if 0 < weight < 1:  # torch keeps its logit
        logit = np.float32(math.log(weight / (1 - weight)))
        weight = round(float(np.float32(1) / (np.float32(1) + np.exp(-logit))), 6)
    return {"summary_weight": weight} | ({"exact_match": True} if found["exact_match"] else {})


def _dense_weights(settings: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    bias = {"linear.bias": (settings["out_features"],)} if settings["bias"] else {}
    return {"linear.weight": (settings["out_features"], settings["in_features"]), **bias}


def _to_one_number(settings: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {"linear.weight": (1, settings["in_features"]), "linear.bias": (1,)}


def _gated(settings: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    n_in, n_out, hidden = (settings[f"{name}_features"] for name in ("in", "out", "hidden"))
    return {
        "linear.weight": (n_out, n_in), "gate.weight": (hidden, n_in), "up.weight": (hidden, n_in),
        "down.weight": (n_out, hidden),
    }  # fmt: skip


KINDS = {
    "Pooling": Kind(_pooling),
    "Dense": Kind(_dense, _dense_weights),
    "Normalize": Kind(
        lambda config: _same_output(_plain(module_input_name="sentence_embedding", module_output_name=None)(config))
    ),
    "MultiVectorMask": Kind(_mask),
    "WholeWordPooling": Kind(_plain(stem=None, keep_special=False)),
    "StopWordGate": Kind(_plain(in_features=..., floor=0.0), _to_one_number),
    "QueryWeights": Kind(_plain(in_features=...), _to_one_number),
    "GatedProjection": Kind(_plain(in_features=..., out_features=..., hidden_features=...), _gated),
    "Truncate": Kind(_plain(dim=...)),
    "ScaleWords": Kind(_plain()),
    "ScoreMix": Kind(_score_mix),
}
