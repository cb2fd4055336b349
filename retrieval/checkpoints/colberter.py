"""ColBERTer checkpoints as their authors published them, taken apart into the modules of a whole-word model.

`sebastian-hofstaetter/colberter-128-32-msmarco` and `sebastian-hofstaetter/uni-colberter-128-1-msmarco` hold weights
and a `config.json` that says what they are for; the code that ran them (github.com/sebastian-hofstaetter/colberter)
is not needed:

    published name        here
    bert_model.*          Transformer, Pooling(cls)
    compressor_retrieval  Dense on the summary
    compressor            Dense on the words, after WholeWordPooling: a mean passes through a linear layer unchanged
    stop_word_reducer     StopWordGate, ScaleWords
    mini_compressor       Dense on the words that are left, for 1, 8 or 16 dims
    score_merger          ScoreMix, by its sigmoid

As published: no vector is normalised and no query expanded, all layers have a bias, [CLS] and [SEP] are no words, a
word's vector is the mean over all pieces of all its occurrences, the gate's value is folded into it, a word whose gate
is exactly 0 is not there, and of different words an exact match is 0.

Otherwise than published:

- A word that the gate removed is out of the maximum, in training and search alike; in the authors' training it stays
  in with the score 0 (or with the bias of `mini_compressor`), so that no query word scores below 0 beside it. Their
  indexing leaves it out as well. A document of which nothing is left scores 0 for its words, not −1000 a query word.
- An exact match below 0 counts 0 always; theirs does where the document has any other word.
- Words are found from tokens rather than from the text: accents and unknown characters are gone by then ("café" is
  "cafe", unknown words are one), and every CJK ideograph is a word.
- The checkpoints do not say how words were normalised. The paper and the log of the training stem them; the published
  tokenizer only lower-cases, unless told otherwise. Here they are stemmed, by Snowball's Porter rather than NLTK's
  variant of it; `"aggregate_unique_ids_type": "lower"` in `config.json` lower-cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor, nn

from wordhive.index import InputError

from ..modules import ScaleWords, ScoreMix, StopWordGate, WholeWordPooling

_STEMS = {"stemmed": "porter", "lower": None}
# A table of 0, 1, 2, … that older versions of the transformer saved with its weights.
_NOT_WEIGHTS = {"bert_model.embeddings.position_ids"}


def is_colberter(config: Any) -> bool:
    """Whether this is the `config.json` of a published ColBERTer."""
    return isinstance(config, dict) and {"bert_model", "retrieval_compression_dim", "aggregate_unique_ids"} <= set(
        config
    )


@dataclass(frozen=True)
class ColBERTerConfig:
    """What a published `config.json` says.

    Attributes:
        base: Name of the transformer, for its architecture and vocabulary.
        summary_dim: None keeps the transformer's dims.
        last_dim: Of the words after the second projection, None where there is none.
        gate: Whether stop words are removed.
        stem: As `WholeWordPooling` has it.
    """

    base: str
    word_dim: int
    summary_dim: int | None
    last_dim: int | None
    gate: bool
    exact_match: bool
    stem: str | None

    @classmethod
    def parse(cls, config: Mapping[str, Any], source: str) -> ColBERTerConfig:
        """Read the keys, with the defaults of the published code.

        Raises:
            InputError: Values that none has.
        """
        base, kind = config["bert_model"], config.get("aggregate_unique_ids_type") or "stemmed"
        if not isinstance(base, str) or not base:
            raise InputError(f"config.json of {source} has bert_model {base!r}; expected the name of a transformer")
        if not config["aggregate_unique_ids"]:
            raise InputError(
                f"{source} gives vectors of tokens, not of words (aggregate_unique_ids); no way to load it"
            )
        if kind not in _STEMS:
            raise InputError(
                f"config.json of {source} has aggregate_unique_ids_type {kind!r}; expected {' or '.join(_STEMS)}"
            )
        word_dim = _dim(config, "compression_dim", source)
        if word_dim is None:
            raise InputError(f"config.json of {source} has no compression_dim; expected the dims of a word")
        return cls(
            base=base,
            word_dim=word_dim,
            summary_dim=_dim(config, "retrieval_compression_dim", source),
            last_dim=_dim(config, "second_compress_dim", source),
            gate=bool(config.get("use_contextualized_stopwords", False)),
            exact_match=bool(config.get("compress_to_exact_mini_mode", False)),
            stem=_STEMS[kind],
        )


def colberter_modules(
    config: ColBERTerConfig, weights: Mapping[str, Tensor], transformer: Transformer, source: str
) -> list[nn.Module]:
    """The modules of a published model, its weights in them.

    Args:
        weights: By published name.
        transformer: Of the base, which takes the model's weights.
        source: Named in errors.

    Raises:
        InputError: A weight is missing, or there is one that no published model has.
    """
    hidden = transformer.get_embedding_dimension()
    assert hidden is not None
    words = _dense(hidden, config.word_dim, "token_embeddings")
    parts: dict[str, nn.Module] = {"bert_model": transformer.model, "compressor": words.linear}
    modules: list[nn.Module] = [transformer, Pooling(hidden, "cls")]
    if config.summary_dim:
        summary = _dense(hidden, config.summary_dim, "sentence_embedding")
        parts["compressor_retrieval"] = summary.linear
        modules.append(summary)
    modules += [WholeWordPooling(config.stem), words]
    if config.gate:
        gate = StopWordGate(config.word_dim)
        parts["stop_word_reducer"] = gate.linear
        modules += [gate, ScaleWords()]
    if config.last_dim:
        last = _dense(config.word_dim, config.last_dim, "token_embeddings")
        parts["mini_compressor"] = last.linear
        modules.append(last)
    _fill(parts, weights, source)
    return [*modules, ScoreMix(float(weights["score_merger"].sigmoid()), config.exact_match)]


def _fill(parts: Mapping[str, nn.Module], weights: Mapping[str, Tensor], source: str) -> None:
    wanted = {f"{part}.{name}" for part, module in parts.items() for name in module.state_dict()} | {"score_merger"}
    missing, strange = wanted - weights.keys(), weights.keys() - wanted - _NOT_WEIGHTS
    if missing or strange:
        what = f"has no weights {min(missing)!r}" if missing else f"has weights {min(strange)!r}"
        raise InputError(f"{source} {what}, unlike a ColBERTer with this config.json; get the model again")
    for part, module in parts.items():
        module.load_state_dict({name: weights[f"{part}.{name}"] for name in module.state_dict()})


def _dense(in_features: int, out_features: int, name: str) -> Dense:
    return Dense(in_features, out_features, activation_function=nn.Identity(), module_input_name=name)


def _dim(config: Mapping[str, Any], key: str, source: str) -> int | None:
    dim = config.get(key, -1)
    if not isinstance(dim, int) or (dim < 1 and dim != -1):
        raise InputError(f"config.json of {source} has {key} {dim!r}; expected a number from 1, or -1 for none")
    return None if dim == -1 else dim
