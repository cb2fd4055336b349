"""`Encoder`: texts → `WordVectors`, by any sentence-transformers multi-vector model."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from torch import Tensor, nn

from wordhive.index import InputError, WordVectors
from wordhive.index.arguments import flag, given_name, given_path, instance, is_iterable, one_of, shown, whole_number
from wordhive.index.encodings.max_products import multiplies_bfloat16
from wordhive.index.storage.batch import check_unicode
from wordhive.index.storage.settings import EncoderStamp
from wordhive.index.threads import one_thread
from wordhive.index.torch_device import torch_device

from .architecture import Architecture, build, fit_heads, raw_model, take_heads
from .checkpoints.loading import is_own_model, lasting_name, load_model, save_model
from .modules import GatedProjection, QueryWeights, ScoreMix, StopWordGate, Truncate, WholeWordPooling
from .progress import progress_bar
from .runtimes.bfloat16 import Bfloat16
from .runtimes.openvino import OpenVino
from .runtimes.token_batches import part, token_batches
from .words import WordTable

Precision = Literal["auto", "float32", "bfloat16"]
Backend = Literal["torch", "openvino"]
Task = Literal["query", "document"]
DEFAULT_MODEL = "wordhive-minilm-32"
UNNAMED = "custom"

# One forward pass at a time: hooks and torch's number of threads belong to the process, not to a thread of it.
_FORWARD = threading.RLock()
# Texts that are sorted by length together, in batches.
_BATCHES_A_CHUNK = 32
_TEXTS_COUNTED_AT_ONCE = 256
# What a text of batch_size is.
_TOKENS_A_TEXT = 256


class Encoder:
    """Turns texts into word vectors and, where the model has one, a summary vector.

    model: a `MultiVectorEncoder`, with wordhive's modules or without. name: what it can be loaded by again.
    precision: "auto" runs the transformer in bfloat16 where the processor has it; vectors are float32 in any case.
    backend: "openvino" compiles the transformer as it is now, which takes some seconds, and encodes faster.
    """

    def __init__(
        self,
        model: MultiVectorEncoder,
        *,
        name: str = UNNAMED,
        precision: Precision = "auto",
        backend: Backend = "torch",
    ) -> None:
        if not isinstance(model, MultiVectorEncoder):
            raise InputError(
                f"model is a {type(model).__name__}; expected a sentence_transformers.MultiVectorEncoder, "
                "a model's name, or an Encoder"
            )
        instance(name, "name", str, "what the model can be loaded by again")
        one_of(precision, "precision", get_args(Precision))
        check_backend(backend)
        self.model = model.eval()
        self.name = name
        self.backend = backend
        self._bfloat16 = precision == "bfloat16" or (precision == "auto" and has_bfloat16(model.device))
        self._runtime: Bfloat16 | OpenVino | None = Bfloat16(model) if self._bfloat16 else None
        if backend == "openvino":
            self._runtime = OpenVino(self.model, bfloat16=self._bfloat16)

    @classmethod
    def load(
        cls,
        name: str | Path = DEFAULT_MODEL,
        *,
        words: bool = False,
        dim: int | None = None,
        device: str | None = None,
        precision: Precision = "auto",
        backend: Backend = "torch",
    ) -> Encoder:
        """A model by name: shipped with wordhive, a local folder, or on the hub (ColBERT, PyLate, LateOn, …).

        words: pool a token-by-token model's vectors to whole words; its special tokens are kept as they are. A name
        that ends with "+words" asks for the same. dim: keep only so many dims of its words, of a model that was trained
        to be good with the first ones; a name that ends with "@16" asks for 16. device: one of torch's; None: a GPU, if
        torch finds one.
        Raises InputError for a name that leads nowhere; WordhiveError when the hub is out of reach, or the device.
        """
        name, named_dim = _without_dim(given_name(name, "the model"))
        words = flag(words, "words")
        one_of(precision, "precision", get_args(Precision))
        check_backend(backend)
        bare = name.removesuffix("+words")
        if bare == UNNAMED:
            raise InputError("the vectors were made by a model object without a name; give that object, or its folder")
        if backend == "openvino":
            device = device or "cpu"  # where it runs, whatever else there is
        if device is not None:
            torch_device(device)
        encoder = cls(load_model(bare, device), name=lasting_name(bare), precision=precision)
        encoder = encoder.with_words() if words or bare != name else encoder
        dim = dim if dim is not None else named_dim
        encoder = encoder if dim is None else encoder.with_dim(dim)
        return encoder if backend == "torch" else encoder.with_backend(backend)

    @classmethod
    def of(cls, model: str | Path | MultiVectorEncoder | Encoder) -> Encoder:
        """The encoder that `model` names or is."""
        if isinstance(model, Encoder):
            return model
        return cls.load(model) if isinstance(model, (str, Path)) else cls(model)

    @classmethod
    def fit(
        cls,
        base: str,
        texts: Iterable[str],
        *,
        dim: int | None = 128,
        stem: str | None = None,
        summary_weight: float = 0.8,
        device: str | None = None,
        show_progress: bool | None = None,
    ) -> Encoder:
        """A whole-word encoder from any transformer, fitted to texts without labels.

        Words are projected to `dim` by uncentred PCA on the texts' own words (None: not at all), and normalised; the
        mean of all tokens is the summary, with `summary_weight` of the score.
        """
        architecture = Architecture(
            base=base, stem=stem, word_dim=dim, summary_dim=None, summary_weight=summary_weight,
            stop_word_gate=False, query_weights=False,
        )  # fmt: skip
        return cls.started(architecture, texts, device=device, show_progress=show_progress)

    @classmethod
    def started(
        cls,
        architecture: Architecture,
        texts: Iterable[str],
        *,
        device: str | None = None,
        show_progress: bool | None = None,
    ) -> Encoder:
        """An encoder of that architecture, its projections and query weights fitted to texts without labels."""
        model = build(architecture)
        if any(isinstance(module, (Dense, GatedProjection, QueryWeights)) for module in model):
            raw = cls(raw_model(architecture).to(device or model.device))
            fit_heads(model, raw.encode_documents(texts, show_progress=show_progress))
        if is_own_model(architecture.base):
            take_heads(model, load_model(architecture.base))
        return cls(model.to(device or model.device))

    def with_words(self) -> Encoder:
        """This encoder with its token vectors pooled to whole words."""
        if self.pooling:
            raise InputError(f"{self.name} already gives one vector a whole word; leave out words=True")
        pooling, normalize = WholeWordPooling(keep_special=True), Normalize(module_input_name="token_embeddings")
        return self._with_modules([*self.model, pooling, normalize], f"{self.name}+words")

    def with_dim(self, dim: int) -> Encoder:
        """This encoder with only the first dims of its words, at unit length again.

        Raises InputError for more dims than there are, and for a model that does not bring its words to unit length.
        """
        modules = list(self.model)
        places = [number for number, module in enumerate(modules) if _normalizes_words(module)]
        if not places:
            raise InputError(f"{self.name} does not normalise its words; their first dims do not stand for all of them")
        full, dim = self.model.get_embedding_dimension(), whole_number(dim, "dim")
        if dim > (full or dim):
            raise InputError(f"{self.name} has words of {full} dims; dim is {dim}, choose 1 to {full}")
        place = places[-1]
        return self._with_modules([*modules[:place], Truncate(dim), *modules[place:]], f"{self.name}@{dim}")

    def with_backend(self, backend: Backend) -> Encoder:
        """This encoder, its transformer run by "torch", or by "openvino" (pip install wordhive[openvino]).

        Raises InputError without that library, and for a model that it cannot run.
        """
        return Encoder(self.model, name=self.name, precision=self._precision, backend=backend)

    @property
    def _precision(self) -> Precision:
        return "bfloat16" if self._bfloat16 else "float32"

    def _with_modules(self, modules: list[nn.Module], name: str) -> Encoder:
        prompts = {task: prompt for task, prompt in self.model.prompts.items() if prompt is not None}
        model = MultiVectorEncoder(modules=modules, prompts=prompts, device=str(self.model.device))
        return Encoder(model, name=name, precision=self._precision, backend=self.backend)

    def save(self, path: str | Path, *, base: str | None = None) -> None:
        """Write the model in the hub layout; one without a name goes by its folder from then on.

        base: leave the transformer's weights out and name its source instead.
        """
        save_model(self.model, given_path(path), base)
        if self.name == UNNAMED:
            self.name = lasting_name(str(path))

    @property
    def summary_weight(self) -> float:
        """w: the summary's share of a score."""
        return next((module.summary_weight for module in self.model if isinstance(module, ScoreMix)), 0.0)

    @property
    def exact_match(self) -> bool:
        """Whether only identical words match (Uni-ColBERTer)."""
        return any(module.exact_match for module in self.model if isinstance(module, ScoreMix))

    @property
    def has_stop_word_gate(self) -> bool:
        """Whether the model removes words from documents."""
        return any(isinstance(module, StopWordGate) for module in self.model)

    @property
    def query_length(self) -> float | None:
        """What the lengths of a query's words add up to, where the model gives all queries the same."""
        return 1.0 if any(isinstance(module, QueryWeights) for module in self.model) else None

    @cached_property
    def fingerprint(self) -> str:
        """What the model computes, as 64 hexadecimal digits: weights (as bfloat16), modules, lengths, prompts."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.model.state_dict().items()):
            if not tensor.dim():
                continue  # a number, such as the summary's weight, is in its module's configuration
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().to(torch.bfloat16).contiguous().view(torch.uint8).numpy().data)
        described = [self._describe(module) for module in self.model]
        digest.update(json.dumps([described, self.model.prompts], sort_keys=True, default=str).encode())
        return digest.hexdigest()

    @property
    def stamp(self) -> EncoderStamp:
        """Name and fingerprint, as an index remembers them."""
        return EncoderStamp(self.name, self.fingerprint)

    @staticmethod
    def _describe(module: Any) -> list[Any]:
        if isinstance(module, Transformer):
            keys = ("max_seq_length", "query_length", "document_length", "query_expansion")
            return ["Transformer", {key: getattr(module, key, None) for key in keys}]
        config = module.get_config_dict() if hasattr(module, "get_config_dict") else {}
        return [type(module).__name__, config]

    def encode_documents(
        self,
        texts: Iterable[str],
        *,
        batch_size: int = 32,
        show_progress: bool | None = None,
        on_batch: Callable[[int], None] | None = None,
    ) -> WordVectors:
        """Word vectors of documents, in their order.

        batch_size: texts of 256 tokens a forward pass; as many more as they are shorter, as many fewer as they are
        longer. Those of 32 batches are sorted by their tokens. show_progress: None shows a bar on a terminal only.
        on_batch: called with the number of texts of each batch that is done, instead of a bar.
        """
        check_texts(texts)
        if on_batch is not None and not callable(on_batch):
            raise InputError(f"on_batch is {shown(on_batch)}; expected a function of the number of texts, or None")
        total = len(texts) if isinstance(texts, Sequence) else None
        with progress_bar("Encoding", total, show=False if on_batch else show_progress) as advance:
            parts = []
            batch_size = whole_number(batch_size, "batch_size")
            for chunk in _chunks(texts, batch_size * _BATCHES_A_CHUNK):
                tokens = self.preprocess(chunk, "document")
                encoded, rows = [], list(token_batches(tokens["attention_mask"], batch_size * _TOKENS_A_TEXT))
                for chosen in rows:
                    encoded.append(self._forward(part(tokens, chosen), "document"))
                    (on_batch or advance)(len(chosen))
                parts.append(WordVectors.concat(encoded).take(np.argsort(np.concatenate(rows), kind="stable")))
            return WordVectors.concat(parts) if parts else self._encode([""], "document")[0:0]

    def encode_queries(self, texts: Iterable[str], *, batch_size: int = 32) -> WordVectors:
        """Word vectors of queries, in their order; a single one is encoded with one thread.

        batch_size: texts a forward pass; those of 32 batches are sorted by length.
        """
        check_texts(texts)
        texts, batch_size = list(texts), whole_number(batch_size, "batch_size")
        alone = len(texts) == 1 and self.model.device.type == "cpu"
        parts = []
        for chunk in _chunks(texts, batch_size * _BATCHES_A_CHUNK):
            order = np.argsort([len(text) for text in chunk], kind="stable")
            encoded = []
            for start in range(0, len(order), batch_size):
                batch = [chunk[place] for place in order[start : start + batch_size]]
                with _FORWARD, one_thread(torch.get_num_threads, torch.set_num_threads) if alone else nullcontext():
                    encoded.append(self._encode(batch, "query"))
            parts.append(encoded[0] if alone else WordVectors.concat(encoded).take(np.argsort(order, kind="stable")))
        return WordVectors.concat(parts) if parts else self._encode([""], "query")[0:0]

    def count_words(self, texts: Iterable[str], *, show_progress: bool | None = None) -> NDArray[np.int64]:
        """Unique whole words of each document before any gate removes some, int64 `[n_texts]`.

        Found from tokens alone, at a small part of what encoding costs; with special tokens where the model keeps them.
        Raises InputError for a model that gives one vector a token.
        """
        table, pooling = self.word_table, self.pooling
        if table is None or pooling is None:
            raise InputError(f"{self.name} gives one vector a token, and knows no whole words; load it with words=True")
        check_texts(texts)
        counts = [np.zeros(0, np.int64)]
        with progress_bar("Counting words", None, show=show_progress) as advance:
            for batch in _chunks(texts, _TEXTS_COUNTED_AT_ONCE):
                features = self.preprocess(batch, "document")
                tokens, mask = features["input_ids"].numpy(), features["attention_mask"].bool().numpy()
                counts.append(table.words(tokens, mask, keep_special=pooling.keep_special).counts)
                advance(len(batch))
        return np.concatenate(counts)

    def preprocess(self, texts: list[str], task: Task) -> Any:
        """The tokens of texts as the model reads them: `input_ids`, `attention_mask`, …, cut, and with its prompt."""
        check_texts(texts)
        _check_each(texts := list(texts))
        with _FORWARD:
            return self.model.preprocess(texts, prompt=self.prompt(task) or None, task=task)

    def prompt(self, task: Task) -> str:
        """What the model puts before every query, or every document."""
        one_of(task, "task", get_args(Task))
        return self.model.prompts.get(task) or ""

    @cached_property
    def word_table(self) -> WordTable | None:
        """The words of the model's vocabulary; None where it gives one vector a token."""
        pooling = self.pooling
        return WordTable.from_tokenizer(self.model.tokenizer, stem=pooling.stem) if pooling else None

    @property
    def pooling(self) -> WholeWordPooling | None:
        """The module that pools tokens to words; None where there is none."""
        return next((module for module in self.model if isinstance(module, WholeWordPooling)), None)

    def _encode(self, texts: list[str], task: Task) -> WordVectors:
        return self._forward(self.preprocess(texts, task), task)

    def _forward(self, tokens: Any, task: Task) -> WordVectors:
        with _FORWARD, torch.inference_mode(), self._runtime.running() if self._runtime else nullcontext():
            features = {k: v.to(self.model.device) if isinstance(v, Tensor) else v for k, v in tokens.items()}
            features = self.model(features, task=task)
        mask = features["attention_mask"].bool().cpu().numpy()
        vectors = _numpy(features["token_embeddings"])[mask]
        ids = features.get("word_ids")
        word_ids = np.zeros(len(vectors), np.uint32) if ids is None else ids.cpu().numpy()[mask].astype(np.uint32)
        summary = features.get("sentence_embedding")
        offsets = np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64)
        return WordVectors(vectors, offsets, word_ids, None if summary is None else _numpy(summary))


def _without_dim(name: str) -> tuple[str, int | None]:
    bare, mark, dim = name.rpartition("@")
    # A folder may be called anything.
    is_dim = mark and re.fullmatch("[0-9]{1,9}", dim)
    return (bare, int(dim)) if is_dim and not Path(name).exists() else (name, None)


def _normalizes_words(module: Any) -> bool:
    return isinstance(module, Normalize) and module.module_input_name == "token_embeddings"


def _chunks(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    source = iter(texts)
    while chunk := list(islice(source, size)):
        _check_each(chunk)
        yield chunk


def _check_each(texts: list[str]) -> None:
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f"a text is {type(text).__name__} ({shown(text)}); expected strings")
        check_unicode(text, f"the text {text[:60]!r}")


def check_texts(texts: Any) -> None:
    """Raise InputError for what gives no texts: one string, what gives its keys, and what is no iterable."""
    if isinstance(texts, (str, bytes, Mapping)) or not is_iterable(texts):
        raise InputError(f"the texts are {type(texts).__name__}; expected a list of them: wrap a single one, [text]")


def check_backend(backend: Any) -> None:
    """Raise InputError for what is no backend."""
    one_of(backend, "backend", get_args(Backend))


def _numpy(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.float().cpu().numpy()
    return array


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 faster than in float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return device.type == "cpu" and multiplies_bfloat16()
