"""`TorchModel`: a `MultiVectorEncoder` of sentence-transformers, run by torch or by OpenVINO."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from typing import Literal

from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Transformer
from torch import nn

from wordhive.index import InputError, WordVectors

from ..architecture import with_first_dims, with_pooling
from ..checkpoints.fingerprint import fingerprint
from ..encoding_model import Task
from ..modules import QueryWeights, ScoreMix, StopWordGate, WholeWordPooling
from ..words import WordTable
from .bfloat16 import Bfloat16, has_bfloat16
from .forward_pass import MODEL_LOCK, forward, one_thread
from .openvino import OpenVino
from .torch_tokens import TorchTokens


class TorchModel:
    """A model of sentence-transformers. One thread at a time runs it.

    Args:
        model: With wordhive's modules or without.
        precision: "auto" runs the transformer in bfloat16 where the processor has it.
        openvino: Compile the transformer by OpenVINO.

    Raises:
        InputError: It is none.
    """

    def __init__(
        self,
        model: MultiVectorEncoder,
        *,
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
        openvino: bool = False,
    ) -> None:
        if not isinstance(model, MultiVectorEncoder):
            raise InputError(
                f"model is a {type(model).__name__}; expected a sentence_transformers.MultiVectorEncoder, "
                "a model's name, or an Encoder"
            )
        self.model = model.eval()
        self._openvino = openvino
        self._bfloat16 = precision == "bfloat16" or (precision == "auto" and has_bfloat16(model.device))
        self._runtime: Bfloat16 | OpenVino | None = Bfloat16(model) if self._bfloat16 else None
        if openvino:
            self._runtime = OpenVino(self.model, bfloat16=self._bfloat16)

    @property
    def backend(self) -> Literal["torch", "openvino"]:
        """What runs it."""
        return "openvino" if self._openvino else "torch"

    @property
    def precision(self) -> Literal["float32", "bfloat16"]:
        """What the transformer runs in."""
        return "bfloat16" if self._bfloat16 else "float32"

    @property
    def dim(self) -> int | None:
        """Dims of a word; None where the model does not tell."""
        return self.model.get_embedding_dimension()

    @property
    def summary_weight(self) -> float:
        """The summary's share of a score."""
        return next((module.summary_weight for module in self.model if isinstance(module, ScoreMix)), 0.0)

    @property
    def exact_match(self) -> bool:
        """Whether only identical words match."""
        return any(module.exact_match for module in self.model if isinstance(module, ScoreMix))

    @property
    def has_stop_word_gate(self) -> bool:
        """Whether the model removes words from documents."""
        return any(isinstance(module, StopWordGate) for module in self.model)

    @property
    def has_query_weights(self) -> bool:
        """Whether the lengths of a query's words are shares that sum to 1."""
        return any(isinstance(module, QueryWeights) for module in self.model)

    @property
    def pooling(self) -> WholeWordPooling | None:
        """The module that pools tokens to words; None where there is none."""
        return next((module for module in self.model if isinstance(module, WholeWordPooling)), None)

    @cached_property
    def word_table(self) -> WordTable | None:
        """The words of the vocabulary; None where there are only tokens."""
        pooling = self.pooling
        return WordTable.from_tokenizer(self.model.tokenizer, stem=pooling.stem) if pooling else None

    @cached_property
    def fingerprint(self) -> str:
        """What the model computes, as 64 hexadecimal digits."""
        return fingerprint(self.model)

    def prompt(self, task: Task) -> str:
        """What stands before a text."""
        return self.model.prompts.get(task) or ""

    def longest_input(self, task: Task) -> int | None:
        """The tokens that are read of a text at once, its special ones and its prompt among them; None: all."""
        for module in self.model:
            if isinstance(module, Transformer):
                own = module.query_length if task == "query" else module.document_length
                longest: int | None = own or module.max_seq_length
                expansion = module.query_expansion if task == "query" else None
                if expansion is not None:  # ColBERT pads queries to a length, and may cut them there
                    fixed = expansion["strategy"] == "fixed"
                    longest = expansion["length"] if fixed or longest is None else max(longest, expansion["length"])
                return longest
        return None

    def tokens(self, texts: list[str], task: Task) -> TorchTokens:
        """The tokens of texts, truncated and with the model's prompt."""
        with MODEL_LOCK:
            features = self.model.preprocess(texts, prompt=self.prompt(task) or None, task=task)
        return TorchTokens(self.model, task, features, self.longest_input(task))

    def token_counts(self, texts: list[str], *, special: bool = False) -> list[int]:
        """The tokens of each text, which is not truncated; special ones only where asked for."""
        with MODEL_LOCK:  # a tokenizer keeps how it truncates, which other threads set
            found = self.model.tokenizer(
                texts, add_special_tokens=special, truncation=False, verbose=False,
                return_attention_mask=False, return_token_type_ids=False,
            )  # fmt: skip
        return [len(tokens) for tokens in found["input_ids"]]

    def token_names(self, ids: list[int]) -> list[str]:
        """What the vocabulary calls tokens."""
        return list(self.model.tokenizer.convert_ids_to_tokens(ids))

    def word_vectors(self, tokens: TorchTokens, task: Task) -> WordVectors:
        """The word vectors of texts by their tokens. A single query is computed by one thread."""
        alone = task == "query" and len(tokens.lengths) == 1 and self.model.device.type == "cpu"
        with ExitStack() as running:
            if alone:
                running.enter_context(MODEL_LOCK)  # the number of threads belongs to the process
                running.enter_context(one_thread())
            return forward(self.model, self._runtime, tokens.features, task)

    def with_words(self) -> TorchModel:
        """This model with its token vectors pooled to words."""
        return self._with_modules(with_pooling(self.model))

    def with_dim(self, dim: int) -> TorchModel | None:
        """This model with the first dims of each word; None where it does not normalise words."""
        modules = with_first_dims(self.model, dim)
        return None if modules is None else self._with_modules(modules)

    def _with_modules(self, modules: list[nn.Module]) -> TorchModel:
        prompts = {task: prompt for task, prompt in self.model.prompts.items() if prompt is not None}
        model = MultiVectorEncoder(modules=modules, prompts=prompts, device=str(self.model.device))
        return TorchModel(model, precision=self.precision, openvino=self._openvino)
