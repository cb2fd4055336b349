"""`Encoder`: texts → `WordVectors`, by any sentence-transformers multi-vector model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import MultiVectorEncoder
from torch import nn

from wordhive.index import InputError, WordVectors
from wordhive.index.arguments import flag, given_name, given_path, instance, one_of, shown, whole_number
from wordhive.index.errors import warn
from wordhive.index.storage.settings import EncoderStamp
from wordhive.index.torch_device import torch_device

from .architecture import Architecture, started_model, with_first_dims, with_pooling
from .checkpoints.fingerprint import fingerprint
from .checkpoints.loading import lasting_name, load_model, save_model
from .checkpoints.model_name import UNNAMED, ModelName
from .modules import QueryWeights, ScoreMix, StopWordGate, WholeWordPooling
from .progress import progress_bar
from .runtimes.bfloat16 import Bfloat16, has_bfloat16
from .runtimes.forward_pass import MODEL_LOCK, one_thread
from .runtimes.openvino import OpenVino
from .runtimes.text_batches import check_strings, check_texts, text_batches
from .windows.whole_texts import MOST_TOKENS, Task, WholeTexts, capped_line
from .windows.windows import Span
from .words import WordTable

Precision = Literal["auto", "float32", "bfloat16"]
Backend = Literal["torch", "openvino"]
DEFAULT_MODEL = "wordhive-minilm-32"

# Batches of texts that are sorted by length together.
_BATCHES_A_CHUNK = 32
# Documents of a thousand words each have so many letters; books are read a few at a time.
_CHARACTERS_A_CHUNK = 2**23
_TEXTS_COUNTED_AT_ONCE = 256


class Encoder:
    """Turns texts into word vectors and, where the model has one, a summary vector.

    encoder = Encoder.load()
    encoder.encode_documents(["Bees dance to tell where flowers are."]).vectors.shape  # (9, 32)

    Args:
        model: A `MultiVectorEncoder`, with wordhive's modules or without.
        name: The name that loads the model again.
        precision: "auto" runs the transformer in bfloat16 where the processor has it. Vectors are float32 either way.
        backend: "openvino" compiles the transformer, which takes some seconds, and encodes faster.
        max_tokens: Tokens at most that are read of a text. What is beyond is told.
    """

    def __init__(
        self,
        model: MultiVectorEncoder,
        *,
        name: str = UNNAMED,
        precision: Precision = "auto",
        backend: Backend = "torch",
        max_tokens: int = MOST_TOKENS,
    ) -> None:
        if not isinstance(model, MultiVectorEncoder):
            raise InputError(
                f"model is a {type(model).__name__}; expected a sentence_transformers.MultiVectorEncoder, "
                "a model's name, or an Encoder"
            )
        instance(name, "name", str, "what the model can be loaded by again")
        one_of(precision, "precision", get_args(Precision))
        one_of(backend, "backend", get_args(Backend))
        self.model = model.eval()
        self.name = name
        self.backend = backend
        self._bfloat16 = precision == "bfloat16" or (precision == "auto" and has_bfloat16(model.device))
        self._runtime: Bfloat16 | OpenVino | None = Bfloat16(model) if self._bfloat16 else None
        if backend == "openvino":
            self._runtime = OpenVino(self.model, bfloat16=self._bfloat16)
        self.max_tokens = whole_number(max_tokens, "max_tokens")
        self._texts = WholeTexts(self.model, self._runtime, self.max_tokens)

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
        max_tokens: int = MOST_TOKENS,
    ) -> Encoder:
        """A model by name: shipped with wordhive, a local folder, or on the hub (ColBERT, PyLate, LateOn, …).

        Args:
            name: The model's name. "NAME+words" is the same as words=True, "NAME@16" the same as dim=16.
            words: Pool the vectors of a token-by-token model to whole words. Special tokens stay as they are.
            dim: Keep the first dims of each word, of a model that was trained for that.
            device: A device of torch's. Default: a GPU, if torch finds one.
            precision, backend, max_tokens: See `Encoder`.

        Raises:
            InputError: No model has that name.
            WordhiveError: The hub or the device can't be reached.
        """
        parsed = ModelName.parse(given_name(name, "the model"))
        words = flag(words, "words") or parsed.words
        one_of(precision, "precision", get_args(Precision))
        one_of(backend, "backend", get_args(Backend))
        if parsed.base == UNNAMED:
            raise InputError("the vectors were made by a model object without a name; give that object, or its folder")
        if backend == "openvino":
            device = device or "cpu"  # where it runs, whatever else there is
        if device is not None:
            torch_device(device)
        encoder = cls(
            load_model(parsed.base, device), name=lasting_name(parsed.base), precision=precision, max_tokens=max_tokens
        )
        encoder = encoder.with_words() if words else encoder
        dim = parsed.dim if dim is None else dim
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

        Args:
            base: The transformer's name.
            texts: Texts such as the documents.
            dim: Project words to so many dims, by an uncentred PCA of the texts' words. None: keep all dims.
            stem: A Snowball algorithm such as "porter": words of one stem are one word. Default: none.
            summary_weight: The summary's share of a score, 0 … 1. The summary is the mean of all tokens.
            device, show_progress: As for `load` and `encode_documents`.
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
        """An encoder of that architecture. Its projections and query weights are fitted to texts without labels."""
        return cls(
            started_model(
                architecture, device, lambda raw: cls(raw).encode_documents(texts, show_progress=show_progress)
            )
        )

    def with_words(self) -> Encoder:
        """This encoder with its token vectors pooled to whole words."""
        if self.pooling:
            raise InputError(f"{self.name} already gives one vector a whole word; leave out words=True")
        return self._with_modules(with_pooling(self.model), f"{self.name}+words")

    def with_dim(self, dim: int) -> Encoder:
        """This encoder with only the first dims of each word, at unit length again.

        Raises:
            InputError: The words have fewer dims, or the model does not normalise them.
        """
        full, dim = self.model.get_embedding_dimension(), whole_number(dim, "dim")
        modules = with_first_dims(self.model, dim)
        if modules is None:
            raise InputError(f"{self.name} does not normalise its words; their first dims do not stand for all of them")
        if dim > (full or dim):
            raise InputError(f"{self.name} has words of {full} dims; dim is {dim}, choose 1 to {full}")
        return self._with_modules(modules, f"{self.name}@{dim}")

    def with_backend(self, backend: Backend) -> Encoder:
        """This encoder with its transformer run by "torch", or by "openvino" (pip install wordhive[openvino]).

        Raises:
            InputError: The library is not installed, or can't run the model.
        """
        return self._as(self.model, self.name, backend)

    def with_max_tokens(self, max_tokens: int) -> Encoder:
        """This encoder, which reads so many tokens of a text at most."""
        encoder = self._as(self.model, self.name, self.backend)
        encoder.max_tokens = whole_number(max_tokens, "max_tokens")
        encoder._texts = WholeTexts(encoder.model, encoder._runtime, encoder.max_tokens)
        return encoder

    def _with_modules(self, modules: list[nn.Module], name: str) -> Encoder:
        prompts = {task: prompt for task, prompt in self.model.prompts.items() if prompt is not None}
        model = MultiVectorEncoder(modules=modules, prompts=prompts, device=str(self.model.device))
        return self._as(model, name, self.backend)

    def _as(self, model: MultiVectorEncoder, name: str, backend: Backend) -> Encoder:
        precision: Precision = "bfloat16" if self._bfloat16 else "float32"
        return Encoder(model, name=name, precision=precision, backend=backend, max_tokens=self.max_tokens)

    def save(self, path: str | Path, *, base: str | None = None) -> None:
        """Write the model in the hub layout. The folder becomes the name of a model that has none.

        Args:
            path: A new folder.
            base: Write the name of this base model instead of the transformer's weights.
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
        """Sum of a query's word norms, if the model fixes it."""
        return 1.0 if any(isinstance(module, QueryWeights) for module in self.model) else None

    @cached_property
    def fingerprint(self) -> str:
        """What the model computes, as 64 hexadecimal digits: weights, modules, lengths, prompts."""
        return fingerprint(self.model)

    @property
    def stamp(self) -> EncoderStamp:
        """Name and fingerprint, as an index stores them."""
        return EncoderStamp(self.name, self.fingerprint)

    def encode_documents(
        self,
        texts: Iterable[str],
        *,
        batch_size: int = 32,
        show_progress: bool | None = None,
        on_batch: Callable[[int], None] | None = None,
        on_capped: Callable[[int], None] | None = None,
    ) -> WordVectors:
        """Word vectors of documents, in their order, one for each unique word of a whole document.

        A document that is longer than the model's window is read in overlapping windows, cut at sentences.

        Args:
            texts: The documents. Those of 32 batches are sorted by length, to save padding.
            batch_size: Texts of 256 tokens in a forward pass; more if they are shorter, fewer if they are longer.
            show_progress: Default: on a terminal only.
            on_batch: Called with the number of texts after each batch. There is no progress bar then.
            on_capped: Called with the number of each document that has more than `max_tokens`. Default: a warning.
        """
        check_texts(texts)
        if on_batch is not None and not callable(on_batch):
            raise InputError(f"on_batch is {shown(on_batch)}; expected a function of the number of texts, or None")
        total = len(texts) if isinstance(texts, Sequence) else None
        batch_size = whole_number(batch_size, "batch_size")
        parts: list[WordVectors] = []
        capped: list[int] = []
        first = 0
        with progress_bar("Encoding", total, show=False if on_batch else show_progress) as advance:
            for batch in text_batches(texts, batch_size * _BATCHES_A_CHUNK, _CHARACTERS_A_CHUNK):
                long: list[int] = []
                parts.append(self._texts.encode(batch, "document", batch_size, on_batch or advance, long.append))
                capped += [first + number for number in long]
                first += len(batch)
        if on_capped is not None:
            for number in capped:
                on_capped(number)
        elif capped:
            warn(f"{capped_line([f'number {n}' for n in capped], self.max_tokens)} (counted from 0)")
        return WordVectors.concat(parts) if parts else self._nothing("document")

    def encode_queries(self, texts: Iterable[str], *, batch_size: int = 32) -> WordVectors:
        """Word vectors of queries, in their order, however long. A single query is encoded by one thread.

        Args:
            texts: The queries. Those of 32 batches are sorted by length, to save padding.
            batch_size: Texts in a forward pass.
        """
        check_texts(texts)
        texts, batch_size = list(texts), whole_number(batch_size, "batch_size")
        alone = len(texts) == 1 and self.model.device.type == "cpu"
        parts = []
        for batch in text_batches(texts, batch_size * _BATCHES_A_CHUNK, _CHARACTERS_A_CHUNK):
            with ExitStack() as running:
                if alone:
                    running.enter_context(MODEL_LOCK)  # the number of threads belongs to the process
                    running.enter_context(one_thread())
                parts.append(self._texts.encode(batch, "query", batch_size))
        if len(parts) == 1:
            return parts[0]
        return WordVectors.concat(parts) if parts else self._nothing("query")

    def count_words(self, texts: Iterable[str], *, show_progress: bool | None = None) -> NDArray[np.int64]:
        """Unique whole words of each document, int64 `[n_texts]`, before a gate removes some.

        Counting needs only tokens, so it is much faster than encoding. Special tokens count where the model keeps them.

        Raises:
            InputError: The model gives one vector a token.
        """
        table, pooling = self.word_table, self.pooling
        if table is None or pooling is None:
            raise InputError(f"{self.name} gives one vector a token, and knows no whole words; load it with words=True")
        check_texts(texts)
        counts = [np.zeros(0, np.int64)]
        with progress_bar("Counting words", None, show=show_progress) as advance:
            for batch in text_batches(texts, _TEXTS_COUNTED_AT_ONCE, _CHARACTERS_A_CHUNK):
                counts.append(self._texts.count_words(batch, table, keep_special=pooling.keep_special))
                advance(len(batch))
        return np.concatenate(counts)

    def preprocess(self, texts: list[str], task: Task) -> Any:
        """The tokens of texts, truncated and with the model's prompt: `input_ids`, `attention_mask`, …."""
        check_texts(texts)
        check_strings(texts := list(texts))
        one_of(task, "task", get_args(Task))
        return self._texts.preprocess(texts, task)

    def windows(self, text: str, task: Task) -> tuple[list[Span], bool]:
        """The characters `[start, end)` of each window that is read of a text, and whether its end is left out."""
        check_strings([text])
        return self._texts.spans(text, task)

    def prompt(self, task: Task) -> str:
        """The text that the model puts before every query, or every document."""
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

    def _nothing(self, task: Task) -> WordVectors:
        """The vectors of no text, with the model's dims."""
        return self._texts.encode([""], task, 1)[0:0]
