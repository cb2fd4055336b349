"""`Encoder`: texts → `WordVectors`, by any multi-vector model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError, WordVectors
from wordhive.index.arguments import flag, given_name, given_path, instance, one_of, shown, whole_number
from wordhive.index.errors import warn
from wordhive.index.storage.settings import EncoderStamp

from .checkpoints.model_name import UNNAMED, ModelName
from .checkpoints.model_places import lasting_name
from .encoding_model import EncodingModel, Pooling, Span, Task, Tokens
from .progress import progress_bar
from .runtimes.backends import Backend as Backend
from .runtimes.backends import Precision, check_backend, named, running
from .runtimes.text_batches import check_strings, check_texts, text_batches
from .windows.whole_texts import MOST_TOKENS, WholeTexts, capped_line
from .windows.windows import Windows
from .words import WordTable

if TYPE_CHECKING:  # torch takes seconds to import: only what needs it imports it
    from sentence_transformers import MultiVectorEncoder

    from .architecture import Architecture

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
        model: A `MultiVectorEncoder`, with wordhive's modules or without; or what is made of one: an `EncodingModel`.
        name: The name that loads the model again.
        precision: "auto" runs a compiled model's documents in bytes and torch's transformer in bfloat16, where the
            processor has them. Vectors are float32 either way.
        backend: "openvino" lets OpenVINO run the transformer of a `MultiVectorEncoder`, which takes some seconds to
            begin with.
        max_tokens: Tokens at most that are read of a text. What is beyond is told.
    """

    def __init__(
        self,
        model: MultiVectorEncoder | EncodingModel,
        *,
        name: str = UNNAMED,
        precision: Precision = "auto",
        backend: Backend = "auto",
        max_tokens: int = MOST_TOKENS,
    ) -> None:
        instance(name, "name", str, "what the model can be loaded by again")
        self._model = running(model, precision, backend)
        self.name = name
        self.max_tokens = whole_number(max_tokens, "max_tokens")
        self._texts = WholeTexts(self._model, self.max_tokens)

    @classmethod
    def load(
        cls,
        name: str | Path = DEFAULT_MODEL,
        *,
        words: bool = False,
        dim: int | None = None,
        device: str | None = None,
        precision: Precision = "auto",
        backend: Backend = "auto",
        max_tokens: int = MOST_TOKENS,
    ) -> Encoder:
        """A model by name: shipped with wordhive, a local folder, or on the hub (ColBERT, PyLate, LateOn, …).

        Args:
            name: The model's name. "NAME+words" is the same as words=True, "NAME@16" the same as dim=16.
            words: Pool the vectors of a token-by-token model to whole words. Special tokens stay as they are.
            dim: Keep the first dims of each word, of a model that was trained for that.
            device: A device of torch's. Default: the processor for a compiled model; for another a GPU, if torch finds
                one.
            precision: "bfloat16" asks for torch, "float32" computes exactly, and slower. See `Encoder`.
            backend: "compiled" runs the model without torch; what that takes is made once and kept in a cache. "torch"
                and "openvino" run it by those. "auto" is "compiled" for a BERT in a local folder, on the processor, and
                "torch" for everything else.
            max_tokens: See `Encoder`.

        Raises:
            InputError: No model has that name, or backend "compiled" can't run it.
            WordhiveError: The hub or the device can't be reached.
        """
        parsed = ModelName.parse(given_name(name, "the model"))
        words = flag(words, "words") or parsed.words
        check_backend(precision, backend)
        if parsed.base == UNNAMED:
            raise InputError("the vectors were made by a model object without a name; give that object, or its folder")
        encoder = cls(
            named(parsed.base, device, precision, backend), name=lasting_name(parsed.base), max_tokens=max_tokens
        )
        encoder = encoder.with_words() if words else encoder
        dim = parsed.dim if dim is None else dim
        return encoder if dim is None else encoder.with_dim(dim)

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
        from .architecture import Architecture

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
        from .architecture import started_model

        return cls(
            started_model(
                architecture, device, lambda raw: cls(raw).encode_documents(texts, show_progress=show_progress)
            )
        )

    def with_words(self) -> Encoder:
        """This encoder with its token vectors pooled to whole words."""
        if self.pooling:
            raise InputError(f"{self.name} already gives one vector a whole word; leave out words=True")
        return self._as(self._model.with_words(), f"{self.name}+words")

    def with_dim(self, dim: int) -> Encoder:
        """This encoder with only the first dims of each word, at unit length again.

        Raises:
            InputError: The words have fewer dims, or the model does not normalise them.
        """
        full, dim = self._model.dim, whole_number(dim, "dim")
        if dim > (full or dim):
            raise InputError(f"{self.name} has words of {full} dims; dim is {dim}, choose 1 to {full}")
        model = self._model.with_dim(dim)
        if model is None:
            raise InputError(f"{self.name} does not normalise its words; their first dims do not stand for all of them")
        return self._as(model, f"{self.name}@{dim}")

    def with_backend(self, backend: Backend) -> Encoder:
        """This encoder with its transformer run by another backend; see `load`.

        Raises:
            InputError: The library is not installed, or can't run the model.
        """
        check_backend("auto", backend)
        if backend in ("auto", self.backend):
            return self
        if backend == "compiled":
            return Encoder.load(self.name, backend=backend, max_tokens=self.max_tokens)
        precision: Precision = getattr(self._model, "precision", "auto")
        return Encoder(self.model, name=self.name, precision=precision, backend=backend, max_tokens=self.max_tokens)

    def with_max_tokens(self, max_tokens: int) -> Encoder:
        """This encoder, which reads so many tokens of a text at most."""
        return Encoder(self._model, name=self.name, max_tokens=max_tokens)

    def _as(self, model: EncodingModel, name: str) -> Encoder:
        return Encoder(model, name=name, max_tokens=self.max_tokens)

    @property
    def backend(self) -> Backend:
        """What runs the model."""
        return self._model.backend

    @property
    def encoding_model(self) -> EncodingModel:
        """The model in the form that is run: a `CompiledModel` or a `TorchModel`."""
        return self._model

    @cached_property
    def model(self) -> MultiVectorEncoder:
        """The model as sentence-transformers has it. A compiled model is loaded once more for it, by its name."""
        if self.backend != "compiled":
            model: MultiVectorEncoder = getattr(self._model, "model")  # noqa: B009  no protocol has it
            return model
        return Encoder.load(self.name, device="cpu", backend="torch").model

    def save(self, path: str | Path, *, base: str | None = None) -> None:
        """Write the model in the hub layout. The folder becomes the name of a model that has none.

        Args:
            path: A new folder.
            base: Write the name of this base model instead of the transformer's weights.
        """
        from .checkpoints.loading import save_model

        save_model(self.model, given_path(path), base)
        if self.name == UNNAMED:
            self.name = lasting_name(str(path))

    @property
    def summary_weight(self) -> float:
        """w: the summary's share of a score."""
        return self._model.summary_weight

    @property
    def exact_match(self) -> bool:
        """Whether only identical words match (Uni-ColBERTer)."""
        return self._model.exact_match

    @property
    def has_stop_word_gate(self) -> bool:
        """Whether the model removes words from documents."""
        return self._model.has_stop_word_gate

    @property
    def query_length(self) -> float | None:
        """Sum of a query's word norms, if the model fixes it."""
        return 1.0 if self._model.has_query_weights else None

    @property
    def fingerprint(self) -> str:
        """What the model computes, as 64 hexadecimal digits: weights, modules, lengths, prompts."""
        return self._model.fingerprint

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
        parts = [
            self._texts.encode(batch, "query", batch_size)
            for batch in text_batches(texts, batch_size * _BATCHES_A_CHUNK, _CHARACTERS_A_CHUNK)
        ]
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
        return self.tokens(texts, task).features

    def tokens(self, texts: list[str], task: Task) -> Tokens:
        """The tokens of texts, truncated and with the model's prompt."""
        check_texts(texts)
        check_strings(texts := list(texts))
        one_of(task, "task", get_args(Task))
        found: Tokens = self._model.tokens(texts, task)
        return found

    def token_counts(self, texts: list[str], *, special: bool = False) -> list[int]:
        """The tokens of each text, without truncation and prompt; special ones only where asked for."""
        return self._model.token_counts(texts, special=special)

    def token_names(self, ids: list[int]) -> list[str]:
        """What the model's vocabulary calls tokens."""
        return self._model.token_names(ids)

    def longest_input(self, task: Task) -> int | None:
        """The tokens that the model reads of a text at once, its special ones and its prompt among them; None: all."""
        return self._model.longest_input(task)

    def windows_of(self, task: Task, overlap: int | None = None) -> Windows | None:
        """What cuts texts into windows for the model; see `Windows.of`."""
        return Windows.of(self._model, task, overlap)

    def windows(self, text: str, task: Task) -> tuple[list[Span], bool]:
        """The characters `[start, end)` of each window that is read of a text, and whether its end is left out."""
        check_strings([text])
        return self._texts.spans(text, task)

    def prompt(self, task: Task) -> str:
        """The text that the model puts before every query, or every document."""
        one_of(task, "task", get_args(Task))
        return self._model.prompt(task)

    @property
    def word_table(self) -> WordTable | None:
        """The words of the model's vocabulary; None where it gives one vector a token."""
        return self._model.word_table

    @property
    def pooling(self) -> Pooling | None:
        """How tokens are pooled to words; None where they are not."""
        return self._model.pooling

    def _nothing(self, task: Task) -> WordVectors:
        """The vectors of no text, with the model's dims."""
        return self._texts.encode([""], task, 1)[0:0]
