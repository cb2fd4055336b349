"""What a whole-word model is made of, and its start from a base model without labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor, nn

from wordhive.index import InputError, WordVectors
from wordhive.index.config_file import ConfigPart

from .checkpoints.loading import is_own_model, load_base, load_model
from .modules import GatedProjection, QueryWeights, ScaleWords, ScoreMix, StopWordGate, Truncate, WholeWordPooling
from .projection import importance_weights, principal_projection

# Word vectors that a projection is fitted to, at most.
_FIT_WORDS = 1_000_000


class Architecture(ConfigPart):
    """A model's modules, in YAML as in Python.

    Args:
        base: The transformer: a folder, all-MiniLM-L6-v2, or a hub name. The heads of a wordhive model in a folder are
            taken too, where they fit.
        stem: A Snowball algorithm such as "porter": words of one stem are one word. None: words are only lower-cased.
        word_dim: Dims of a word. None: those of the transformer.
        hidden_dim: Dims of a gated block beside the projection. None: a linear projection only.
        second_dim: Dims after a second projection, behind the gate. None: no second projection.
        summary_dim: Dims of the summary. None: those of the transformer.
        pooling: What makes the summary: the mean of all tokens, or the CLS token.
        summary_weight: The summary's share of a score when training begins.
        normalize: Words and summaries have unit length, before words are scaled.
        stop_word_gate: Documents lose the words whose learned gate is 0. With `normalize`, the gate sees words as the
            transformer gives them; without, it sees projected words, as published.
        query_weights: Query words have learned shares of a score. Otherwise their shares are equal.
        exact_match: Only identical words match.
    """

    base: str = "all-MiniLM-L6-v2"
    stem: str | None = None
    word_dim: int | None = Field(default=32, ge=1)
    hidden_dim: int | None = Field(default=None, ge=1)
    second_dim: int | None = Field(default=None, ge=1)
    summary_dim: int | None = Field(default=128, ge=1)
    pooling: Literal["mean", "cls"] = "mean"
    summary_weight: float = Field(default=0.5, ge=0, le=1)
    normalize: bool = True
    stop_word_gate: bool = True
    query_weights: bool = True
    exact_match: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Architecture:
        if self.hidden_dim is not None and self.word_dim is None:
            raise ValueError("hidden_dim needs word_dim: without a projection there is nothing to be beside")
        if self.second_dim is not None and self.word_dim is None:
            raise ValueError("second_dim needs word_dim: it is the dims of a second projection")
        return self


def started_model(
    architecture: Architecture, device: str | None, encode: Callable[[MultiVectorEncoder], WordVectors]
) -> MultiVectorEncoder:
    """A model of that architecture, with everything fitted that can be fitted without labels.

    Args:
        architecture: The model's modules.
        device: A device of torch's. None: a GPU, if torch finds one.
        encode: Gives the vectors of some texts by a model.
    """
    model = build(architecture)
    if any(isinstance(module, (Dense, GatedProjection, QueryWeights)) for module in model):
        fit_heads(model, encode(raw_model(architecture).to(device or model.device)))
    if is_own_model(architecture.base):
        take_heads(model, load_model(architecture.base))
    model.to(device or model.device)
    return model


def build(architecture: Architecture) -> MultiVectorEncoder:
    """A model of that architecture: the transformer as published, everything else at random; see `fit_heads`.

    Raises:
        InputError: The base can't be loaded, or has fewer dims than the architecture.
    """
    transformer = load_base(architecture.base)
    full = transformer.get_embedding_dimension()
    for name in ("word_dim", "summary_dim"):
        if (getattr(architecture, name) or 0) > full:
            raise InputError(f"{name} is {getattr(architecture, name)}, but {architecture.base} has {full} dims")
    summary = [_summary_projection(full, architecture)] if architecture.summary_dim else []
    unit = [Normalize()] if architecture.normalize else []
    mix = ScoreMix(architecture.summary_weight, architecture.exact_match)
    modules = [transformer, Pooling(full, architecture.pooling), *summary, *unit, WholeWordPooling(architecture.stem)]
    return MultiVectorEncoder(modules=[*modules, *_word_modules(full, architecture), mix], similarity_fn_name="maxsim")


def raw_model(architecture: Architecture) -> MultiVectorEncoder:
    """A model of that architecture without projections: words and summaries as the transformer gives them."""
    transformer = load_base(architecture.base)
    pooling = Pooling(transformer.get_embedding_dimension(), architecture.pooling)
    return MultiVectorEncoder(modules=[transformer, pooling, WholeWordPooling(architecture.stem)])


def fit_heads(model: MultiVectorEncoder, raw: WordVectors) -> None:
    """Fit a model's projections and query weights to texts without labels.

    Projections keep most of the inner products (uncentred PCA). A query word's weight is its inverse document frequency
    in the texts, as a linear regression predicts it from the word's vector.

    Args:
        model: Its modules are changed in place.
        raw: Vectors of the texts by `raw_model`.
    """
    # A sample from all texts.
    words = raw.vectors[:: -(-len(raw.vectors) // _FIT_WORDS) or 1]
    for module in model:
        if isinstance(module, Dense) and module.module_input_name == "sentence_embedding":
            assert raw.summary is not None
            _set(module.linear.weight, principal_projection(raw.summary, module.out_features))
        elif isinstance(module, (Dense, GatedProjection)) and module.in_features == raw.dim:
            _set(module.linear.weight, principal_projection(words, module.out_features))
        elif isinstance(module, QueryWeights):
            weights, bias = importance_weights(raw)
            _set(module.linear.weight, weights[None])
            _set(module.linear.bias, np.array([bias], np.float32))


def take_heads(model: MultiVectorEncoder, trained: MultiVectorEncoder) -> None:
    """Take over a trained model's heads where they fit: same module, same purpose, same dims."""
    theirs = {_purpose(module): module for module in trained}
    for module in model:
        found = theirs.get(_purpose(module))
        if found is not None and not isinstance(module, Transformer):
            module.load_state_dict(found.state_dict())
            if isinstance(module, StopWordGate) and isinstance(found, StopWordGate):
                module.floor = found.floor


def with_pooling(modules: Iterable[nn.Module]) -> list[nn.Module]:
    """The modules of a token-by-token model, and what pools its tokens to whole words."""
    return [*modules, WholeWordPooling(keep_special=True), Normalize(module_input_name="token_embeddings")]


def with_first_dims(modules: Iterable[nn.Module], dim: int) -> list[nn.Module] | None:
    """The modules of a model, and what keeps the first dims of its words. None: it does not normalise them."""
    modules = list(modules)
    for position in reversed(range(len(modules))):
        module = modules[position]
        if isinstance(module, Normalize) and module.module_input_name == "token_embeddings":
            return [*modules[:position], Truncate(dim), *modules[position:]]
    return None


def _purpose(module: nn.Module) -> tuple[Any, ...]:
    shapes = tuple((name, tuple(tensor.shape)) for name, tensor in module.state_dict().items())
    return type(module), getattr(module, "module_input_name", None), shapes


def _summary_projection(full: int, architecture: Architecture) -> Dense:
    dim = architecture.summary_dim
    assert dim is not None
    return Dense(full, dim, bias=not architecture.normalize, activation_function=nn.Identity())


def _word_modules(full: int, architecture: Architecture) -> list[nn.Module]:
    normalize, dim = architecture.normalize, architecture.word_dim
    project: list[nn.Module] = []
    if dim is not None:
        project = [_word_projection(full, dim, architecture)]
    gate: list[nn.Module] = []
    if architecture.stop_word_gate:
        gate = [StopWordGate(full if normalize else dim or full)]
    weights: list[nn.Module] = [QueryWeights(full)] if architecture.query_weights else []
    # As published, the gate scales the words that the second projection gets.
    before, behind = ([*gate, *weights], []) if normalize else (weights, [*gate, *([ScaleWords()] if gate else [])])
    second: list[nn.Module] = []
    if architecture.second_dim is not None:
        second = [_dense(dim or full, architecture.second_dim, bias=True)]
    unit: list[nn.Module] = [Normalize(module_input_name="token_embeddings")] if normalize else []
    scale: list[nn.Module] = [ScaleWords()] if normalize and (gate or weights) else []
    return [*before, *project, *behind, *second, *unit, *scale]


def _word_projection(full: int, dim: int, architecture: Architecture) -> nn.Module:
    if architecture.hidden_dim is not None:
        return GatedProjection(full, dim, architecture.hidden_dim)
    return _dense(full, dim, bias=not architecture.normalize)


def _dense(in_features: int, out_features: int, *, bias: bool) -> Dense:
    return Dense(
        in_features, out_features, bias=bias, activation_function=nn.Identity(), module_input_name="token_embeddings"
    )


def _set(parameter: Tensor, values: NDArray[np.float32]) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(values))
