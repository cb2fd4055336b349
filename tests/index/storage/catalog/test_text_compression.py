from __future__ import annotations

import random
import threading

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from wordhive.index.storage.catalog.text_compression import TextCodec, train_dictionary

_WORDS = ["honey", "bees", "dance", "where", "flowers", "are", "größe", "ants", "follow", "a", "trail", "of", "scent"]


def sentences(n: int, seed: int = 0) -> list[bytes]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(_WORDS, k=draw.randint(10, 60))).encode() for _ in range(n)]


@pytest.fixture(scope="module")
def trained() -> TextCodec:
    return TextCodec(1, train_dictionary(sentences(1000)))


@settings(max_examples=50)
@given(st.binary(max_size=3000))
@pytest.mark.parametrize("with_dictionary", [True, False])
def test_any_text_comes_back(trained: TextCodec, with_dictionary: bool, text: bytes) -> None:
    codec = trained if with_dictionary else TextCodec()
    assert codec.decode(codec.encode(text), len(text)) == text


def test_a_dictionary_makes_texts_like_its_own_smaller(trained: TextCodec) -> None:
    texts = sentences(100, seed=1)
    plain, alone = sum(map(len, texts)), sum(len(TextCodec().encode(text)) for text in texts)
    assert sum(len(trained.encode(text)) for text in texts) < 0.8 * alone < 0.8 * plain


def test_a_dictionary_is_small_beside_what_it_is_trained_on() -> None:
    texts = sentences(1000)
    assert 0 < len(train_dictionary(texts)) <= sum(map(len, texts)) / 20
    assert (
        len(train_dictionary([bytes(random.Random(i).choices(range(97, 123), k=9000)) for i in range(1000)])) < 113_000
    )


def test_the_same_texts_give_the_same_dictionary() -> None:
    assert train_dictionary(sentences(1000)) == train_dictionary(sentences(1000))


@pytest.mark.parametrize("texts", [[], [b""] * 1000, [b"a"] * 1000, [b"one text" * 100]])
def test_too_little_to_learn_from_gives_no_dictionary(texts: list[bytes]) -> None:
    codec = TextCodec(1, train_dictionary(texts))
    assert codec.decode(codec.encode(b"bees"), 4) == b"bees"


@pytest.mark.parametrize("frame", [b"", b"garbage", b"\x28\xb5\x2f\xfd"])
def test_what_is_no_frame_is_refused(trained: TextCodec, frame: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the reason is zstd's own
        trained.decode(frame, 4)


def test_a_frame_that_says_another_size_is_refused_before_it_is_read(trained: TextCodec) -> None:
    bomb = zstandard.ZstdCompressor().compress(b"0" * 10_000_000)
    with pytest.raises(ValueError, match="another size"):
        trained.decode(bomb, 10)


def test_threads_share_a_codec(trained: TextCodec) -> None:
    texts, faults = sentences(200, seed=2), []

    def turn() -> None:
        faults.extend(text for text in texts if trained.decode(trained.encode(text), len(text)) != text)

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
