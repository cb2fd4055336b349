"""`CompiledModel`: a model that runs on NumPy, and the way from its name to its compiled file."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from wordhive.index import WordVectors

from ..bert.fast_transformer import fitting_sizes
from ..bert.packed_layers import PROCESSOR, BertWeights, packed_arrays, transformers
from ..bert.transformer import Transformer
from ..checkpoints.model_places import find_model
from ..encoding_model import Task
from ..words import WordTable
from .heads import Features, Head, head
from .model_cache import Arrays, Damaged, cache_folder, key_of, read_json, read_model, write_json, write_model
from .model_files import Uncompilable
from .model_fingerprint import fingerprint
from .model_folder import Lengths, ModelFolder, ModelParts
from .module_settings import KINDS, ModuleSettings
from .text_tokens import TextTokens, text_tokens
from .tokenizer import TextTokenizer, TokenizerFiles

_TOKENIZER = "tokenizer.json"
_SOURCES, _DERIVED = "sources", "derived"


@dataclass(frozen=True)
class WordPooling:
    """How tokens become words.

    Attributes:
        stem: A Snowball algorithm, or None.
        keep_special: Special tokens are vectors of their own.
    """

    stem: str | None
    keep_special: bool


@dataclass(frozen=True)
class Facts:
    """What is known of a compiled model beside its arrays."""

    fingerprint: str
    transformer: dict[str, Any]
    lengths: Lengths
    prompts: dict[str, str]
    modules: tuple[ModuleSettings, ...]
    tokenizer: dict[str, Any]
    first: str = "0"

    def as_json(self) -> dict[str, Any]:
        """For `of_json`."""
        return asdict(self)

    @classmethod
    def of_json(cls, facts: dict[str, Any]) -> Facts:
        """What `as_json` gave.

        Raises:
            Damaged: It is not.
        """
        try:
            given = {name: facts[name] for name in cls.__dataclass_fields__}
            lengths, modules = Lengths(**given.pop("lengths")), given.pop("modules")
            return cls(lengths=lengths, modules=tuple(ModuleSettings(**module) for module in modules), **given)
        except (KeyError, TypeError) as error:
            raise Damaged(f"it lacks {error}") from error


class CompiledModel:
    """A model that runs on NumPy. Any number of threads may use it at once; nothing of it changes.

    Args:
        facts: What is known of it.
        arrays: Its weights by name, and its tokenizer's definition.
        base: The fingerprint of the model that this one was derived from, None where it was not.
        exact: Compute in float32, by NumPy, instead of by the faster kernels.
    """

    backend: Literal["compiled"] = "compiled"

    def __init__(
        self, facts: Facts, arrays: Mapping[str, NDArray[Any]], base: str | None = None, *, exact: bool = False
    ) -> None:
        self.facts = facts
        self._exact = exact
        self._arrays = arrays
        self._base = base
        self.tokenizer = TextTokenizer(TokenizerFiles.of_json(bytes(arrays[_TOKENIZER]).decode(), facts.tokenizer))
        inside = f"{facts.first}.model."
        plain = Transformer(facts.transformer, BertWeights(arrays, inside))
        self.transformers = transformers(facts.transformer, plain, arrays, exact=exact)

    @classmethod
    def load(cls, name: str, *, exact: bool = False) -> CompiledModel:
        """A model by name, compiled once and kept in the cache.

        Args:
            name: Of a shipped model, or a folder.
            exact: See `CompiledModel`.

        Raises:
            Uncompilable: torch is needed for it.
            InputError: A damaged model folder, or a name that leads nowhere.
            WordhiveError: Its base model is not here.
        """
        place = Path(find_model(name))
        if not place.is_dir():
            raise Uncompilable("it is no folder on this machine")
        source = ModelFolder.at(place)
        key = key_of(source.stamp(), PROCESSOR)
        cache, trouble = cache_folder(), ""
        try:
            found = str(read_json(cache / _SOURCES / f"{key}.json")["fingerprint"])
            about, arrays = read_model(cache / f"{Path(found).name}-{PROCESSOR}")
            facts = Facts.of_json(about)
            if facts.fingerprint != found:
                raise Damaged("it is of another model")
            arrays.check(_needed(facts, arrays, exact))
            return cls(facts, arrays, exact=exact)
        except FileNotFoundError:
            pass
        except Damaged as error:
            trouble = f"; the compiled one could not be used ({error})"
        model = _compiled(name, source, cache, key, trouble)
        return cls(model.facts, model._arrays, exact=exact)

    @property
    def folder(self) -> Path | None:
        """The folder of the cache that holds it; None where it is in memory alone."""
        return self._arrays.path.parent if isinstance(self._arrays, Arrays) else None

    @property
    def dim(self) -> int:
        """Dims of a word."""
        dim: int = self.facts.transformer["hidden_size"]
        for module in self.facts.modules:
            if module.settings.get("module_output_name") == "token_embeddings" or module.kind == "GatedProjection":
                dim = module.settings.get("out_features", dim)
            elif module.kind == "Truncate":
                dim = min(dim, module.settings["dim"])
        return dim

    @property
    def summary_weight(self) -> float:
        """The summary's share of a score."""
        return float(self._settings("ScoreMix").get("summary_weight", 0.0))

    @property
    def exact_match(self) -> bool:
        """Whether only identical words match."""
        return bool(self._settings("ScoreMix").get("exact_match", False))

    @property
    def has_stop_word_gate(self) -> bool:
        """Whether the model removes words from documents."""
        return bool(self._settings("StopWordGate"))

    @property
    def has_query_weights(self) -> bool:
        """Whether the lengths of a query's words are shares that sum to 1."""
        return bool(self._settings("QueryWeights"))

    @property
    def pooling(self) -> WordPooling | None:
        """How tokens become words; None where there are only tokens."""
        settings = self._settings("WholeWordPooling")
        return WordPooling(**settings) if settings else None

    @cached_property
    def word_table(self) -> WordTable | None:
        """The words of the vocabulary; None where there are only tokens."""
        return WordTable.from_tokenizer(self.tokenizer, stem=self.pooling.stem) if self.pooling else None

    @cached_property
    def fingerprint(self) -> str:
        """What the model computes, as 64 hexadecimal digits."""
        if self._base is None:
            return self.facts.fingerprint
        facts = self.facts
        path = cache_folder() / _DERIVED / f"{key_of(self._base, [asdict(module) for module in facts.modules])}.json"
        try:
            return str(read_json(path)["fingerprint"])
        except (FileNotFoundError, Damaged, KeyError):
            weights = {name: array for name, array in self._arrays.items() if name.endswith((".weight", ".bias"))}
            found = fingerprint(weights, facts.lengths, facts.modules, facts.prompts)
        with suppress(OSError):  # then it is computed again; who compiled the model was told
            write_json(path, {"fingerprint": found})
        return found

    def prompt(self, task: Task) -> str:
        """What stands before a text."""
        return self.facts.prompts.get(task) or ""

    def longest_input(self, task: Task) -> int:
        """The tokens that are read of a text at once, its special ones and its prompt among them."""
        return longest_input(self.facts.lengths, task)

    def tokens(self, texts: list[str], task: Task) -> TextTokens:
        """The tokens of texts, truncated and with the model's prompt."""
        found = text_tokens(
            self.tokenizer, texts, self.prompt(task), task, self.facts.lengths, self.longest_input(task)
        )
        if "MultiVectorMask" not in self._heads:
            return found
        nothing = Features(found, task, np.zeros((len(found.ids), 0), np.float32), found.borders, found.is_scored)
        return replace(found, is_scored=self._heads["MultiVectorMask"](nothing).mask)

    def token_counts(self, texts: list[str], *, special: bool = False) -> list[int]:
        """The tokens of each text, which is not truncated; special ones only where asked for."""
        return self.tokenizer.token_counts(texts, special=special)

    def token_names(self, ids: list[int]) -> list[str]:
        """What the vocabulary calls tokens."""
        return self.tokenizer.names(ids)

    def word_vectors(self, tokens: TextTokens, task: Task) -> WordVectors:
        """The word vectors of texts by their tokens."""
        hidden = self.transformers[task].hidden_states(tokens.ids, tokens.borders, tokens.attended)
        attended = np.ones(len(tokens.ids), np.bool_) if tokens.attended is None else tokens.attended
        features = Features(tokens, task, hidden, tokens.borders, attended)
        for module in self._modules:
            features = module(features)
        return features.word_vectors()

    def with_words(self) -> CompiledModel:
        """This model with its token vectors pooled to words."""
        modules = list(self.facts.modules)
        pooling = ModuleSettings(str(len(modules) + 1), "WholeWordPooling", {"stem": None, "keep_special": True})
        unit = KINDS["Normalize"].read({"module_input_name": "token_embeddings"})
        return self._derived([*modules, pooling, ModuleSettings(str(len(modules) + 2), "Normalize", unit)])

    def with_dim(self, dim: int) -> CompiledModel | None:
        """This model with the first dims of each word; None where it does not normalise words."""
        modules = list(self.facts.modules)
        for place in reversed(range(len(modules))):
            module = modules[place]
            if module.kind == "Normalize" and module.settings["module_input_name"] == "token_embeddings":
                cut = ModuleSettings(f"{module.name}+", "Truncate", {"dim": dim})
                return self._derived([*modules[:place], cut, *modules[place:]])
        return None

    def _derived(self, modules: list[ModuleSettings]) -> CompiledModel:
        facts = replace(self.facts, modules=tuple(modules))
        return CompiledModel(facts, self._arrays, self.facts.fingerprint, exact=self._exact)

    def _settings(self, kind: str) -> dict[str, Any]:
        return next((module.settings for module in self.facts.modules if module.kind == kind), {})

    @cached_property
    def _modules(self) -> list[Head]:
        return [self._head(module) for module in self.facts.modules]

    @cached_property
    def _heads(self) -> dict[str, Head]:
        return {module.kind: run for module, run in zip(self.facts.modules, self._modules, strict=True)}

    def _head(self, module: ModuleSettings) -> Head:
        inside = f"{module.name}."
        weights = {name.removeprefix(inside): self._arrays[name] for name in self._arrays if name.startswith(inside)}
        return head(module.kind, module.settings, weights, self.word_table, self._skipped(module))

    def _skipped(self, module: ModuleSettings) -> list[int]:
        """The tokens of a skip list; a word that is none by itself is left out."""
        words = module.settings.get("skiplist_words", [])
        found = {word: self.tokenizer.token_id(word) for word in words}
        unknown = self.tokenizer.unk_token_id
        names = [] if unknown is None else self.tokenizer.names([unknown])
        return [token for word, token in found.items() if token is not None and (token != unknown or word in names)]


def _needed(facts: Facts, arrays: Arrays, exact: bool) -> list[str]:
    """The arrays that a model may read: not the layers in float32, where packed ones take their place."""
    if exact or facts.lengths.query_expansion is not None or fitting_sizes(facts.transformer) is None:
        return list(arrays)
    return [name for name in arrays if not name.startswith(f"{facts.first}.model.encoder.")]


def longest_input(lengths: Lengths, task: Task) -> int:
    """The tokens that are read of a text at once, its special ones and its prompt among them."""
    own = lengths.query_length if task == "query" else lengths.document_length
    longest = own or lengths.max_seq_length
    expansion = lengths.query_expansion if task == "query" else None
    if expansion is None:
        return longest
    return int(expansion["length"] if expansion["strategy"] == "fixed" else max(longest, expansion["length"]))


def _compiled(name: str, source: ModelFolder, cache: Path, key: str, trouble: str) -> CompiledModel:
    started = time.perf_counter()
    parts = source.read()
    facts, arrays = _built(parts, str(source.entries[0]["name"]) if source.entries else "0")
    place = cache / f"{facts.fingerprint}-{PROCESSOR}"
    kept = f"kept in {place}"
    model: CompiledModel | None = None
    try:
        write_model(place, facts.as_json(), arrays)
        write_json(cache / _SOURCES / f"{key}.json", {"fingerprint": facts.fingerprint})
        about, mapped = read_model(place)
        model = CompiledModel(Facts.of_json(about), mapped)
    except (OSError, Damaged) as error:
        kept = f"not kept: {cache} can't be used ({getattr(error, 'strerror', None) or error}); set WORDHIVE_CACHE"
    sys.stderr.write(f"compiled the model {name} in {time.perf_counter() - started:.1f} s, {kept}{trouble}\n")
    return model or CompiledModel(facts, arrays)


def _built(parts: ModelParts, first: str) -> tuple[Facts, dict[str, NDArray[Any]]]:
    files = TokenizerFiles.read(parts.tokenizer, parts.markers)
    for task in get_args(Task):
        longest = longest_input(parts.lengths, task)
        if longest > parts.transformer["max_position_embeddings"]:
            raise Uncompilable(f"it reads {longest} tokens of a {task}, more than its transformer has positions")
    facts = Facts(
        fingerprint(parts.weights, parts.lengths, parts.modules, parts.prompts),
        parts.transformer, parts.lengths, parts.prompts, tuple(parts.modules), files.as_json(), first,
    )  # fmt: skip
    definition = np.frombuffer(files.definition.encode(), np.uint8)
    packed = packed_arrays(facts.transformer, BertWeights(parts.weights, f"{first}.model."))
    return facts, {**parts.weights, **packed, _TOKENIZER: definition}
