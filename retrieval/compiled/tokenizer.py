"""Tokens of texts by `tokenizers` alone: the same that transformers' tokenizer gives."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Encoding, Tokenizer

from wordhive.index import InputError

from .model_files import Uncompilable, read_json

_ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
# What transformers' BertTokenizer takes where its files do not say.
_OF_BERT = {
    "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]",
}  # fmt: skip


@dataclass(frozen=True)
class TokenizerFiles:
    """What a tokenizer is made of.

    Attributes:
        definition: `tokenizer.json`.
        roles: The special token of each role.
        others: More special tokens.
        markers: Special tokens that the definition does not have as such.
    """

    definition: str
    roles: dict[str, str]
    others: tuple[str, ...]
    markers: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path, markers: tuple[str, ...]) -> TokenizerFiles:
        """A tokenizer's files, and the tokens among `markers` that are to be single ones.

        Raises:
            Uncompilable: There is no `tokenizer.json`, or it cuts or fills up texts in an unusual way.
            InputError: A damaged file.
        """
        config = read_json(folder / "tokenizer_config.json") or {}
        named = (read_json(folder / "special_tokens_map.json") or {}) | config
        try:
            definition = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
            definition |= {"truncation": None, "padding": None}
            text = json.dumps(definition, ensure_ascii=False)
            tokenizer = Tokenizer.from_str(text)
        except FileNotFoundError as error:
            raise Uncompilable("it has no tokenizer.json") from error
        except Exception as error:  # tokenizers raises no common kind
            reason = f"{type(error).__name__}: {error}"
            raise InputError(f"{folder / 'tokenizer.json'} is damaged ({reason:.200}); get the model again") from error
        for side in ("truncation_side", "padding_side"):
            if config.get(side, "right") != "right":
                raise Uncompilable(f"its tokenizer has {side} {config[side]!r}")
        defaults = _OF_BERT if str(config.get("tokenizer_class", "")).startswith("BertTokenizer") else {}
        roles = {role: _content(named.get(role) or defaults.get(role)) for role in _ROLES}
        others = named.get("additional_special_tokens") or named.get("extra_special_tokens") or []
        if isinstance(others, dict):
            others = list(others.values())
        return cls(
            text,
            {role: token for role, token in roles.items() if token},
            tuple(_content(token) or "" for token in others),
            _single(tokenizer, markers),
        )

    @classmethod
    def of_json(cls, definition: str, others: dict[str, Any]) -> TokenizerFiles:
        """What `as_json` gave, and the definition."""
        return cls(definition, dict(others["roles"]), tuple(others["others"]), tuple(others["markers"]))

    def as_json(self) -> dict[str, Any]:
        """All but the definition, which is large."""
        return {key: value for key, value in asdict(self).items() if key != "definition"}


class TextTokenizer:
    """Turns texts into tokens. Nothing of it changes, so that many threads may use it at once.

    It has what `WordTable.from_tokenizer` asks of a tokenizer of transformers'.

    Raises:
        Uncompilable: The special tokens around a text are of another kind than BERT's.
    """

    def __init__(self, files: TokenizerFiles) -> None:
        self._tokenizer = Tokenizer.from_str(files.definition)
        self._tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in files.markers])
        for role, token in files.roles.items():
            setattr(self, f"{role}_id", self._tokenizer.token_to_id(token))
        self.pad_token_id: int = getattr(self, "pad_token_id", None) or 0
        self.unk_token_id: int | None = getattr(self, "unk_token_id", None)
        self.mask_token_id: int | None = getattr(self, "mask_token_id", None)
        self.eos_token_id: int | None = getattr(self, "eos_token_id", None)
        names = (*files.roles.values(), *files.others, *files.markers)
        found = (self._tokenizer.token_to_id(name) for name in dict.fromkeys(names))
        self.all_special_ids = [token for token in found if token is not None]
        self.before, self.after = self._around()

    def encodings(self, texts: list[str]) -> list[Encoding]:
        """The tokens of texts, without special ones around them, not truncated."""
        found: list[Encoding] = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return found

    def token_counts(self, texts: list[str], *, special: bool = False) -> list[int]:
        """The tokens of each text; special ones around it only where asked for."""
        more = len(self.before) + len(self.after) if special else 0
        return [len(encoding) + more for encoding in self.encodings(texts)]

    def get_vocab(self) -> dict[str, int]:
        """Every token's id."""
        vocabulary: dict[str, int] = self._tokenizer.get_vocab()
        return vocabulary

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """The text that tokens stand for."""
        decoder = self._tokenizer.decoder
        return " ".join(tokens) if decoder is None else str(decoder.decode(tokens))

    def token_id(self, token: str) -> int | None:
        """The id of a token; that of an unknown one where there is no such."""
        found: int | None = self._tokenizer.token_to_id(token)
        return self.unk_token_id if found is None else found

    def names(self, ids: list[int]) -> list[str]:
        """What the vocabulary calls tokens."""
        return [str(self._tokenizer.id_to_token(id)) for id in ids]

    def _around(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The special tokens before and after a text."""
        bare = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a")
        first = next((n for n, is_special in enumerate(whole.special_tokens_mask) if not is_special), 0)
        if any(whole.type_ids) or whole.ids[first : first + len(bare)] != bare:
            raise Uncompilable("its tokenizer puts unusual tokens around a text")
        ids = np.array(whole.ids, np.int64)
        return ids[:first], ids[first + len(bare) :]


def _single(tokenizer: Tokenizer, markers: tuple[str, ...]) -> tuple[str, ...]:
    """The markers, or first words of them, that are tokens, but that the tokenizer would cut."""
    found = []
    for marker in markers:
        if not marker.split():
            continue
        for token in (marker, marker.split(None, 1)[0]):
            if tokenizer.token_to_id(token) is None:
                continue
            if tokenizer.encode(token, add_special_tokens=False).tokens != [token]:
                found.append(token)
            break
    return tuple(found)


def _content(token: Any) -> str | None:
    return token.get("content") if isinstance(token, dict) else token
