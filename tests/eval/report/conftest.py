"""Findings such as an evaluation makes, with everything in them that makes a page hard to draw.

To look at the reports: `python tests/eval/report/conftest.py FOLDER`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wordhive.eval.contrasts import Contrast, holm, p_value
from wordhive.eval.results import CollectionResults, ExperimentResults, HitResult, SideBySide, SystemResults

# Name, kind, description, how good, bytes of words, of the rest, milliseconds.
SYSTEMS = [
    ("BM25", "bm25", "bm25s, k1 1.2, b .75, no stemming", 0.00, None, 0, 1.4),
    ("single vector", "wordhive", "The summary vector alone, compared with all documents", -0.03, 0, 768, 2.3),
    ("exact words", "wordhive", "Every document by exact MaxSim over its words", 0.05, 3900, 768, 148.2),
    ("MUVERA preset", "wordhive", "MUVERA with 20 repetitions, then 1,000 candidates exactly", 0.04, 1964, 10240, 31.5),
    ("default preset", "wordhive", "The fitted encoding, then 1,000 candidates exactly", 0.05, 1964, 768, 12.9),
    ("hybrid of default preset and BM25, weighted, tuned on the dev split", "fusion",
     "ranx wsum of default preset and BM25", 0.07, 1964, 800, 14.6),
    ("نموذج متعدد اللغات", "dense", "A dense model with a name from right to left", -0.06, 0, 3072, 8.1),
]  # fmt: skip
TEXTS = [
    "Bees tell each other of flowers by a dance, whose angle stands for the direction and whose length for the way.",
    "密码学中的后期交互检索模型为每个词保留一个小向量,并用单向量索引寻找候选文档。",
    "تتواصل النحل فيما بينها عن طريق الرقص الذي يدل على اتجاه الأزهار ومسافتها عن الخلية.",
    "Pneumonoultramicroscopicsilicovolcanoconiosis" * 4 + " is long, and a page must break it somewhere.",
    "",
]


def example(n_queries: tuple[int, ...] = (300, 200, 60, 30), seed: int = 0) -> ExperimentResults:
    """Four collections, seven systems."""
    names = ("SciFact", "SQuAD", "Cranfield", "Vaswani")
    levels = (0.662, 0.81, 0.345, 0.41)
    generator = np.random.default_rng(seed)
    collections = [
        collection(name, level, n, generator) for name, level, n in zip(names, levels, n_queries, strict=False)
    ]
    first, second, *rest = collections
    broken = {"judgements of documents that are not there": 12, "queries without judgements, left out": 1_204}
    collections = [
        replace(first, truncated=0.0321, warnings=broken),
        replace(second, side_by_side=[], published={}, truncated=0.0),
        *rest,
    ]
    setting = {
        "command": "wordhive eval configs/eval/local.yaml --to out/local",
        "config": {"title": "Local", "collections": [{"path": "scifact"}], "systems": {"BM25": {"kind": "bm25"}}},
        "versions": {"wordhive": "0.1.0", "torch": "2.9.1", "ranx": "0.3.21"},
        "hardware": {"cpu": "AMD EPYC", "cores": 2, "memory": "16 GB"},
        "seeds": {"permutations": 0},
        "git revision": "b270c48",
        "date": "2026-11-25",
    }
    return ExperimentResults("Local collections, side by side", collections, "student", 0.05, setting)


def collection(name: str, level: float, n: int, generator: np.random.Generator) -> CollectionResults:
    """One, with correlated values of queries, their means, and real tests of all pairs."""
    ids = [f"q{number}" for number in range(n)]
    queries = [TEXTS[number % 4][:90] + "?" for number in range(n)]
    hardness = generator.normal(0, 0.35, n)
    values, systems = {}, []
    for system, kind, described, gain, words, rest, latency in SYSTEMS:
        noise = generator.normal(0, 0.16, n)
        values[system] = np.clip(np.round((level + gain + hardness + noise) * 8) / 8, 0, 1)
        mean = float(values[system].mean())
        sizes = {} if words is None else {"words": float(words), "summary": float(rest)}
        ns = (20, 50, 100, 200, 500, 1000) if "preset" in system and kind == "wordhive" else ()
        systems.append(
            SystemResults(
                system, kind, described,
                {"ndcg@10": mean, "mrr@10": mean * 0.95, "recall@100": min(1, mean * 1.3), "map": mean * 0.88},
                {"ndcg@10": values[system].tolist()},
                {k: 1 - (0.3 + 0.1 * (system[0] == "M")) * (20 / k) ** 0.8 for k in ns},
                {part: size for part, size in sizes.items() if size},
                {"encode": {"p50": 1.1, "p95": 2.2, "p99": 3.1}, "total": {"p50": latency, "p95": 2.1 * latency}},
                1000 / latency, None if kind == "fusion" else 40 * latency, 1_240_000_000 if words else None,
                f"runs/{system}.run",
            )
        )  # fmt: skip
    pairs = [(a, b) for number, a in enumerate(values) for b in list(values)[number + 1 :]]
    p = holm([p_value(values[a] - values[b], "student") for a, b in pairs])
    contrasts = [
        Contrast(a, b, float((values[a] - values[b]).mean()), corrected,
                 *(int(sum(np.sign(values[a] - values[b]) == sign)) for sign in (1, 0, -1)))
        for (a, b), corrected in zip(pairs, p, strict=True)
    ]  # fmt: skip
    best = SYSTEMS[5][0]
    changed = np.argsort(-np.abs(values[best] - values["BM25"]), kind="stable")[:4]
    shown = [
        SideBySide(
            ids[row], queries[row], {s: float(values[s][row]) for s in ("BM25", best)}, {"BM25": hits(0), best: hits(1)}
        )
        for row in changed
    ]
    published = {
        "BM25 (BEIR)": (level + 0.003, "Thakur et al. 2021, table 2"),
        "ColBERTv2": (level + 0.031, "Santhanam et al. 2022"),
    }
    return CollectionResults(
        name, "test", 5183, ids, queries, "ndcg@10", "BM25", systems, contrasts, shown, None, published, {}
    )


def hits(kind: int) -> list[HitResult]:
    """Five, of all grades; with word matches where kind is 1."""
    matches = [
        ("bees", "bees", 0.312),
        ("communicate", "dance", 0.124),
        ("密码", "密码学", 0.088),
        ("x" * 60, "y" * 60, 0.02),
    ]
    return [
        HitResult(f"doc-{n + kind}", 31.2 - n, grade, text, matches[: n + 1] if kind else [])
        for n, (grade, text) in enumerate(zip((1, 0, None, 2, None), TEXTS, strict=True))
    ]


@pytest.fixture(scope="session")
def results() -> ExperimentResults:
    """The example."""
    return example()


if __name__ == "__main__":
    from wordhive.eval.report import write

    write(example(), Path(sys.argv[1]))
