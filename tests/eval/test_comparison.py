"""Paired tests against their definitions, worked out here."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from wordhive.eval.bm25 import bm25_run
from wordhive.eval.collections.collection import Collection
from wordhive.eval.comparison import compare
from wordhive.eval.contrasts import Test, holm, p_value
from wordhive.eval.runs import Run, measure, read_run, trec_lines
from wordhive.index import InputError
from wordhive.retrieval.texts.documents import Document

N = 12


def run_of(ranks: list[int]) -> Run:
    """A run that finds each query's one relevant document at the given rank."""
    return {f"q{n}": {f"d{n}" if r == rank else f"x{r}": 1 / r for r in range(1, 12)} for n, rank in enumerate(ranks)}


QRELS = {f"q{n}": {f"d{n}": 1} for n in range(N)}
FIRST = run_of([1, 1, 2, 1, 3, 1, 1, 2, 1, 4, 1, 1])
OTHER = run_of([2, 3, 2, 4, 3, 2, 6, 1, 5, 9, 2, 7])
THIRD = run_of([1, 2, 2, 1, 3, 1, 1, 2, 1, 4, 1, 1])


def reciprocal(run: Run) -> np.ndarray:
    return np.array([1 / (list(run[id]).index(f"d{n}") + 1) for n, id in enumerate(run)])


def test_means_wins_and_losses() -> None:
    found = compare(QRELS, {"first": FIRST, "other": OTHER}, "mrr@10", "student")
    one, two = reciprocal(FIRST), reciprocal(OTHER)
    [other] = found.others
    assert (found.first, other.second, found.n_queries) == ("first", "other", N)
    assert found.means["first"] == pytest.approx(one.mean())
    assert found.means["other"] == pytest.approx(two.mean())
    assert other.difference == pytest.approx(one.mean() - two.mean())
    assert (other.wins, other.ties, other.losses) == ((one > two).sum(), (one == two).sum(), (one < two).sum())


def test_students_p_is_that_of_the_t_distribution() -> None:
    from scipy import stats

    difference = reciprocal(FIRST) - reciprocal(OTHER)
    t = difference.mean() / (difference.std(ddof=1) / np.sqrt(N))
    expected = 2 * stats.t.sf(abs(t), N - 1)
    [other] = compare(QRELS, {"a": FIRST, "b": OTHER}, "mrr@10", "student").others
    assert other.p == pytest.approx(expected, rel=1e-6)


def test_fishers_p_is_the_share_of_sign_changes_at_least_as_extreme() -> None:
    difference = reciprocal(FIRST) - reciprocal(OTHER)
    signs = np.array(list(product((-1, 1), repeat=N)))
    extreme = np.abs(signs @ difference) >= abs(difference.sum()) - 1e-12
    [other] = compare(QRELS, {"a": FIRST, "b": OTHER}, "mrr@10", "fisher").others
    assert other.p == pytest.approx(extreme.mean(), abs=0.01)
    [again] = compare(QRELS, {"a": FIRST, "b": OTHER}, "mrr@10", "fisher").others
    assert again.p == other.p


def test_several_comparisons_are_corrected() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    alone = [compare(QRELS, {"a": FIRST, "b": run}, "mrr@10", "student").others[0].p for run in (OTHER, THIRD)]
    both = compare(QRELS, {"a": FIRST, "b": OTHER, "c": THIRD}, "mrr@10", "student").others
    assert [other.p for other in both] == pytest.approx(holm(alone))
    assert both[0].p > alone[0]


def test_a_query_without_an_answer_counts_zero() -> None:
    some = {id: documents for id, documents in OTHER.items() if id != "q0"}
    found = compare(QRELS, {"a": FIRST, "b": some}, "mrr@10")
    assert found.means["b"] == pytest.approx(reciprocal(OTHER)[1:].sum() / N)


def test_fishers_p_is_that_of_ranx_but_for_chance() -> None:
    from ranx.statistical_tests import fisher_randomization_test

    source = np.random.default_rng(0)
    one = source.random(60)
    two = one + source.normal(0.03, 0.12, 60)
    theirs, _ = fisher_randomization_test(one, two, 20_000)
    assert p_value(one - two, "fisher") == pytest.approx(theirs, abs=0.015)
    assert p_value(one - two, "fisher") == p_value(one - two, "fisher")


def test_queries_that_are_missing_and_unknown_are_counted() -> None:
    other = {"q0": OTHER["q0"], "q1": OTHER["q1"], "stranger": {"d": 1.0}}
    found = compare(QRELS, {"a": FIRST, "b": other}, "mrr@10")
    assert found.missing == {"a": 0, "b": N - 2}
    assert found.unknown == {"a": 0, "b": 1}
    assert found.means["b"] == pytest.approx(reciprocal(OTHER)[:2].sum() / N)


def test_a_run_of_other_queries_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"b answers none of the 12 judged queries \(it has 'p1', they are such as 'q0'"
    ):
        compare(QRELS, {"a": FIRST, "b": {"p1": {"d": 1.0}}})


def test_a_table_says_by_how_much_the_first_is_better() -> None:
    columns, rows = compare(QRELS, {"a": FIRST, "b": OTHER}, "mrr@10", "student").table()
    one, two = reciprocal(FIRST), reciprocal(OTHER)
    assert columns == ["run", "mrr@10", "first − this", "p", "first wins / ties / loses"]
    assert rows[0] == ["a", f"{one.mean():.4f}", "", "", ""]
    assert rows[1][:3] == ["b", f"{two.mean():.4f}", f"+{one.mean() - two.mean():.4f}"]
    assert rows[1][4] == "9 / 2 / 1"


def test_a_table_for_latex_escapes_names_and_typesets_numbers() -> None:
    found = compare(QRELS, {"out/my_run.trec": OTHER, "50%-of-it": FIRST}, "mrr@10", "student").latex()
    lines = found.splitlines()
    assert lines[0] == "% Student's paired t-test, two-sided, Holm-corrected; 12 queries"
    assert lines[1] == r"\begin{tabular}{lrrrr}"
    assert lines[3] == r"run & mrr@10 & first $-$ this & p & first wins / ties / loses \\"
    assert lines[5].startswith(r"out/my\_run.trec & ")
    assert lines[6].startswith(r"50\%-of-it & ")
    assert " & $-0." in lines[6]
    assert lines[6].endswith(r" & 1 / 2 / 9 \\")
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]


def test_what_can_not_be_compared() -> None:
    with pytest.raises(InputError, match="takes two of each"):
        compare(QRELS, {"a": FIRST})
    with pytest.raises(InputError, match="does not know one of"):
        compare(QRELS, {"a": FIRST, "b": OTHER}, "beauty")


def test_runs_are_read_as_they_were_written(tmp_path: Path) -> None:
    run = {"q 1": {"a b": 3.0, "c%d": 2.5, "a%2Fb": 2.0}, "q2": {"x": 1.0}}
    path = tmp_path / "my.trec"
    path.write_text("".join(trec_lines(run, "tag")), encoding="utf-8")
    assert read_run(path) == run
    assert [list(documents) for documents in read_run(path).values()] == [["a b", "c%d", "a%2Fb"], ["x"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("q Q0 d 1 2.0\n", ":1: .*expected query, Q0"),
        ("q Q0 d 1 2.0 t\nq Q0 e 2 high t\n", ":2: .*expected query, Q0"),
        ("q Q0 d 1 2.0 t\nq Q0 d 2 1.0 t\n", ":2: .*twice"),
    ],
)
def test_a_broken_run_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "my.trec"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_run(path)


def test_bm25_ranks_by_shared_words() -> None:
    texts = {"a": "Honey bees dance.", "b": "Bees and bees, honey.", "c": "Ants.", "d": "Honey bees dance."}
    documents = [Document(id, text) for id, text in texts.items()]
    queries = {"q1": "dancing honey bees dance", "q2": "the of", "q3": "zebra"}
    collection = Collection("tiny", "test", lambda: iter(documents), queries, {id: {"a": 1} for id in queries})
    run = bm25_run(collection)
    assert list(run["q1"]) == ["a", "d", "b"]
    assert run["q1"]["a"] == run["q1"]["d"]
    assert run["q2"] == run["q3"] == {}
    assert measure({"q1": {"a": 1}}, run, ["mrr@10"]) == {"mrr@10": 1.0}


def test_bm25_ranks_equal_those_of_the_formula() -> None:
    texts = {
        "a": "bees dance",
        "b": "bees dance far from bees",
        "c": "ants walk, bees fly, wasps sting",
        "d": "silk webs",
    }
    documents = [Document(id, text) for id, text in texts.items()]
    collection = Collection("tiny", "test", lambda: iter(documents), {"q": "Bees dance the dance"}, {"q": {"a": 1}})
    words = {id: text.replace(",", "").split() for id, text in texts.items()}
    mean = np.mean([len(own) for own in words.values()])

    def score(id: str) -> float:
        total = 0.0
        for word in ("bees", "dance", "dance"):
            holders = sum(word in own for own in words.values())
            idf = np.log(1 + (len(texts) - holders + 0.5) / (holders + 0.5))
            tf = words[id].count(word)
            total += idf * tf / (tf + 1.5 * (0.25 + 0.75 * len(words[id]) / mean))
        return total

    expected = {id: score(id) for id in texts if score(id)}
    run = bm25_run(collection)["q"]
    assert run == pytest.approx(expected, rel=1e-5)
    assert list(run) == sorted(expected, key=lambda id: -expected[id])


def test_texts_without_words_have_no_bm25() -> None:
    documents = [Document("a", "the of"), Document("b", "")]
    collection = Collection("tiny", "test", lambda: iter(documents), {"q": "bees"}, {"q": {"a": 1}})
    with pytest.raises(InputError, match="none of the 2 texts has a word"):
        bm25_run(collection)


@pytest.mark.parametrize("test", ["fisher", "student"])
def test_of_a_single_query_nothing_can_be_told(test: Test) -> None:
    assert p_value(np.array([0.5]), test) == 1.0


@pytest.mark.parametrize("value", [1.0, -0.5, 0.1])
@pytest.mark.parametrize("n", [2, 5, 20])
def test_students_p_of_equal_differences_is_the_exact_one_of_their_signs(value: float, n: int) -> None:
    with np.errstate(all="raise"):
        assert p_value(np.full(n, value), "student") == 2 / 2**n
    assert p_value(np.full(n, value), "fisher") == pytest.approx(2 / 2**n, abs=1e-3)
    rounded = np.full(n, value) + np.linspace(0, 1e-16, n)
    assert p_value(rounded, "student") == 2 / 2**n


@pytest.mark.parametrize("test", ["fisher", "student"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_differences_that_are_no_numbers_are_refused(test: Test, value: float) -> None:
    with pytest.raises(InputError, match="no number"):
        p_value(np.array([0.5, value, 0.1]), test)
