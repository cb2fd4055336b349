"""Reports: sound pages with nothing from elsewhere, the right letters, the same in three formats, and edge cases."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from wordhive.eval.contrasts import Contrast
from wordhive.eval.report import latex, markdown, page, write
from wordhive.eval.results import CollectionResults, ExperimentResults, HitResult, SideBySide, SystemResults

VOID = {"meta", "br", "hr", "img", "link", "input"}
EVIL = "<script>alert(1)</script>\"'&|`$\\"


class Balance(HTMLParser):
    """Follows open elements; keeps ids, elements and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def parsed(html: str) -> Balance:
    """The elements of a sound page: closed in order, ids once, links within it."""
    found = Balance()
    found.feed(html)
    found.close()
    assert not found.open
    assert not found.wrong
    assert len(found.ids) == len(set(found.ids))
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    return found


def system(name: str, value: float, **given: object) -> SystemResults:
    """One with a value and nothing else."""
    plain = SystemResults(name, "run", "", {"ndcg@10": value}, {}, {}, {}, {}, None, None, None, "")
    return replace(plain, **given)  # type: ignore[arg-type]


def results_of(
    systems: list[SystemResults], contrasts: list[Contrast] | None = None, /, **given: object
) -> ExperimentResults:
    """One collection of two queries, of which the first system is the baseline."""
    collection = CollectionResults(
        "tiny", "test", 3, ["1", "2"], ["one", "two"], "ndcg@10", systems[0].name, systems, contrasts or [], [], None,
        {}, {},
    )  # fmt: skip
    return ExperimentResults("Tiny", [replace(collection, **given)], "fisher", 0.05, {})  # type: ignore[arg-type]


# By hand: one beats three (p .01), three does not beat two (p .2), two beats three though it is named second (p .049);
# one and two differ at p .05, which is not below .05.
WORKED = results_of(
    [system("one", 0.7, bytes_per_document={"words": 1964.0}), system("two", 0.65), system("three", 0.05)],
    [
        Contrast("one", "two", 0.05, 0.05, 1, 1, 0),
        Contrast("one", "three", 0.65, 0.01, 2, 0, 0),
        Contrast("three", "two", -0.6, 0.049, 0, 0, 2),
    ],
    published={"BM25": (0.665, "a paper")},
    warnings={"empty run": 2},
)


def test_page_is_sound_and_loads_nothing(results: ExperimentResults) -> None:
    html = page(results)
    elements = parsed(html).elements
    assert not {"script", "link", "img", "iframe", "object"} & set(elements)
    assert not re.search(r"https?:|url\(|@import|src=", html)
    assert elements.count("svg") == html.count("<svg") > 4 * 4
    for chart in re.findall(r'<svg class="chart".*?</svg>', html, re.DOTALL):
        assert re.match(r'<svg class="chart" role="img" viewBox="[^"]*"><title>[^<]+</title><desc>[^<]+</desc>', chart)


def test_same_findings_give_the_same_bytes(results: ExperimentResults, tmp_path: Path) -> None:
    files = write(results, tmp_path / "new" / "one")
    assert [file.name for file in files] == ["report.md", "report.html", "report.tex"]
    again = write(ExperimentResults.from_json(results.to_json()), tmp_path / "two")
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in again]


def test_everything_is_escaped(tmp_path: Path) -> None:
    hit = HitResult(EVIL, 1.0, 1, EVIL, [(EVIL, EVIL, 0.12)])
    names = [EVIL + "a", EVIL + "b"]
    full = {"bytes_per_document": {EVIL: 5.0}, "latency": {EVIL: {EVIL: 1.0}, "total": {"p50": 1.0}},
            "candidate_recall": {10: 0.5, 20: 0.9}, "per_query": {"ndcg@10": [0.1, 0.9]}, "kind": EVIL,
            "description": EVIL}  # fmt: skip
    systems = [system(name, 0.5, **full) for name in names]
    evil = results_of(
        systems, [Contrast(*names, 0.0, 1.0, 0, 2, 0)], name=EVIL, split=EVIL, query_ids=[EVIL, "2"],
        queries=[EVIL, EVIL], published={EVIL: (0.5, EVIL)}, warnings={EVIL: 1},
        side_by_side=[SideBySide(EVIL, EVIL, dict.fromkeys(names, 0.5), {name: [hit] for name in names})],
    )  # fmt: skip
    evil = replace(evil, title=EVIL, setting={EVIL: EVIL, "config": {EVIL: [EVIL]}, "command": EVIL})
    html = page(evil)
    assert "<script" not in html
    assert "script" not in parsed(html).elements
    assert html.count("&lt;script&gt;") > 40
    assert html.count(EVIL[8:13]) == html.count("&lt;script&gt;")
    outside = re.sub(r"```(sh|yaml)\n.*?\n```", "", markdown(evil), flags=re.DOTALL)
    assert "<script" not in outside
    assert all(row.count(" | ") == outside_columns(row) for row in outside.splitlines() if row.startswith("| "))
    assert not re.search(r"(?<!\\)[&$_](?!<\$|>\$)", latex_words(latex(evil)))


def outside_columns(row: str) -> int:
    """Separators of a row of Markdown: bars that are not escaped, less the outer two."""
    return len(re.findall(r"(?<!\\)\|", row)) - 2


def latex_words(table: str) -> str:
    """A table without its separators and its signs of comparison."""
    return re.sub(r"\$[<>]\$| & |^ & ", " ", table)


def test_what_can_not_be_encoded_is_replaced(tmp_path: Path) -> None:
    for file in write(results_of([system("half \ud800 nul \x00", 0.5)]), tmp_path):
        assert b"half" in file.read_bytes()
        assert "\x00" not in file.read_text(encoding="utf-8") or file.suffix == ".tex"


def test_markdown_of_a_worked_example() -> None:
    assert markdown(WORKED) == (
        """# Tiny

3 systems on 1 collection with 2 judged queries.

- **tiny**: one, the baseline, is not beaten: nDCG@10 .7000, .0500 above two (not significant, p = .0500).

## Summary

| system | tiny, nDCG@10 |
| --- | ---: |
| <sub>a</sub> one | **.7000**<sup>c</sup> |
| <sub>b</sub> two | .6500<sup>c</sup> |
| <sub>c</sub> three | .0500 |

Raised letters: the systems that this one is significantly better than (p &lt; .05). Bold: the best of its column. \
Fisher's randomisation test, two-sided, on each pair of systems; p-values corrected by Holm over the pairs of a \
collection; significant below .05.

## tiny

3 documents, 2 judged queries, split test.

one, the baseline, is not beaten: nDCG@10 .7000, .0500 above two (not significant, p = .0500).

| system | nDCG@10 | bytes a document | median latency | queries a second | indexing | peak memory |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| <sub>a</sub> one | **.7000**<sup>c</sup> | 1,964 B | – | – | – | – |
| <sub>b</sub> two | .6500<sup>c</sup> | – | – | – | – | – |
| <sub>c</sub> three | .0500 | – | – | – | – | – |

### Wins and losses against one

| system | difference | p | wins / ties / losses |
| --- | ---: | ---: | ---: |
| <sub>b</sub> two | −.0500 | .0500 | 0 / 1 / 1 |
| <sub>c</sub> three | −.6500 | .0100 | 0 / 0 / 2 |

### All other pairs

| system | against | difference | p | wins / ties / losses |
| --- | --- | ---: | ---: | ---: |
| <sub>b</sub> two | <sub>c</sub> three | +.6000 | .0490 | 2 / 0 / 0 |

### Beside published results

| system | nDCG@10 | source |
| --- | ---: | --- |
| <sub>a</sub> one | .7000 | this report |
| BM25 | .6650 | a paper |

### Warnings

| warning | how often |
| --- | ---: |
| empty run | 2 |
"""
    )


def test_latex_of_a_worked_example() -> None:
    assert latex(WORKED).splitlines()[3:] == [
        r"\begin{tabular}{llr}",
        r"\toprule",
        r" & system & tiny, nDCG@10 \\",
        r"\midrule",
        r"a & one & \textbf{.7000}\textsuperscript{c} \\",
        r"b & two & .6500\textsuperscript{c} \\",
        r"c & three & .0500 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    assert "(p $<$ .05). Fisher's randomisation test, two-sided" in latex(WORKED)
    assert "corrected by Holm" in latex(WORKED)


def test_hits_have_grades_and_word_matches() -> None:
    hits = [
        HitResult("x", 1.0, 2, "a text", [("bees", "bees", 0.312), ("talk", "dance", 0.12)]),
        HitResult("y", 0.5, 0, "", []),
        HitResult("z", 0.4, None, "", []),
    ]
    html = page(results_of([system("one", 0.5)], side_by_side=[SideBySide("1", "q", {"one": 0.5}, {"one": hits})]))
    assert "<li><bdi>bees</bdi> <b>31 %</b></li><li><bdi>talk</bdi> → <bdi>dance</bdi> <b>12 %</b></li>" in html
    assert re.findall(r'<span class="grade (\w+)">([^<]+)<', html) == [
        ("yes", "✓ relevant 2"), ("no", "✗ irrelevant"), ("unjudged", "not judged"),
    ]  # fmt: skip


def test_page_has_the_same_letters() -> None:
    rows = re.findall(
        r'<td class="r">(?:<b>)?<bdi>([.\d]+)</bdi>(?:</b>)?(?:<sup>(\w+)</sup>)?</td></tr>', page(WORKED)
    )
    assert rows[:3] == [(".7000", "c"), (".6500", "c"), (".0500", "")]


@pytest.mark.parametrize(
    ("edge", "said"),
    [
        (results_of([system("one", 0.5)]), "one has nDCG@10 .5000; there is nothing to compare it with."),
        (results_of([system("one", 0.5), system("two", 0.6)]), "two is best with nDCG@10 .6000, .1000 above one"),
        (results_of([system("one", float("nan"))]), "No system has nDCG@10."),
        (results_of([system("one", 0.5), system("two", float("nan"))]), "no other system has a value"),
        (results_of([system("one", 0.5), system("two", 0.6)], baseline="gone"), "the baseline gone has no value"),
        (results_of([system("one", 0.5), system("two", 0.5)]), "the same as two"),
        (
            results_of([system("one", 0.5), system("two", 0.6), system("three", 0.60001)]),
            "three and two are best with nDCG@10 .6000, .1000 above one",
        ),
        (
            results_of([system("one", 0.5), system("exact", 0.6), system("exact, words alone", 0.6)]),
            "“exact” and “exact, words alone” are best with nDCG@10 .6000, .1000 above one",
        ),
        (
            results_of([system("exact, words", 0.5), system("a and b", 0.6)]),
            "“a and b” is best with nDCG@10 .6000, .1000 above “exact, words”",
        ),
        (results_of([system("a, b", 0.5)]), "“a, b” has nDCG@10 .5000; there is nothing to compare it with."),
        (results_of([system("one", 0.5)], n_documents=1), "1 document, "),
        (
            results_of(
                [system("a", 0.5, latency={"total": {"p50": 1.0}}), system("c, d", 0.5), system("e", 0.5)]
            ),
            "as it is unknown: “c, d” and “e”.",
        ),
        (results_of([system("one", 0.5)], query_ids=["1"], queries=["one"]), "1 judged query"),
        (results_of([system("one", 0.5)], query_ids=[], queries=[]), "0 judged queries"),
        (results_of([system("one", 0.5)], systems=[]), "No system has"),
        (ExperimentResults("Nothing", [], "student", 0.05, {}), "0 systems on 0 collections"),
        (
            results_of([system("one", 0.5), system("two", 0.6)], [Contrast("one", "two", -0.1, 0.3, 0, 1, 1)]),
            "(not significant, p = .3000)",
        ),
        (
            results_of([system(n, 0.5, bytes_per_document={"a": 0.0}, latency={"total": {"p50": 1.0}}) for n in "ab"]),
            "Quality and time",
        ),
        (
            results_of([system("one", 0.5, candidate_recall={100: 1.0}), system("two", 0.5)]),
            "Recall of candidates",
        ),
        (
            results_of([system(n, 1.0, per_query={"ndcg@10": [1.0, 1.0]}) for n in "ab"]),
            "Query by query",
        ),
    ],
)  # fmt: skip
def test_edge_cases(edge: ExperimentResults, said: str) -> None:
    html = page(edge)
    parsed(html)
    assert said in html.replace("\u00a0", " ")
    assert not re.search(r"\bnan\b|\binf\b|>None<", html)
    assert not re.search(r"\bnan\b|\bNone\b", markdown(replace(edge, title="")) + latex(replace(edge, title="")))


def test_average_is_of_one_measure_over_all_collections() -> None:
    [one] = results_of([system("a", 0.5), system("b", 0.6)]).collections
    both = ExperimentResults("", [one, replace(one, name="two", systems=[system("a", 0.7)])], "fisher", 0.05, {})
    assert "| <sub>a</sub> a | .5000 | .7000 | .6000 |" in markdown(both)
    assert "| <sub>b</sub> b | **.6000** | – | – |" in markdown(both)
    mixed = replace(both, collections=[one, replace(one, main_measure="mrr@10")])
    assert "average" not in markdown(mixed)


def test_queries_at_one_place_share_a_flag() -> None:
    values = {"a": [0.0] * 4, "b": [1.0, 1.0, 0.5, 1.0]}
    systems = [system(n, 0.5, per_query={"ndcg@10": v}) for n, v in values.items()]
    shown = [SideBySide(id, "q", {}, {}) for id in "1234"]
    html = page(results_of(systems, query_ids=list("1234"), queries=["q"] * 4, side_by_side=shown))
    assert sorted(re.findall(r'class="label">([\d–, ]+)</text>', html)) == ["1–2, 4", "3"]


def test_many_systems_have_letters_of_their_own() -> None:
    many = results_of(
        [system(f"s{n}", n / 40) for n in range(30)], [Contrast("s29", f"s{n}", 0.1, 0.0, 1, 0, 0) for n in (0, 27)]
    )
    assert "<sub>ad</sub> s29 | **.7250**<sup>a,ab</sup>" in markdown(many)
