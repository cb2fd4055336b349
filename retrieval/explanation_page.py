"""An explanation as a web page: the text with its words shaded by what they add, and a bar for every query word.

One file without scripts or anything from elsewhere; light or dark as the reader's system is.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .page_style import TOKENS, head

if TYPE_CHECKING:
    from .explanation import Explanation, WordMatch


def page(explanation: Explanation) -> str:
    """The whole page, as HTML."""
    e = explanation
    title = f"{e.id} for “{e.query}”"
    return f"""{head(escape(title), f"{_STYLE}{_links(e)}")}
<body>
<main>
<header>
<p class="kind">Why this document has its score</p>
<h1 dir="auto">{escape(e.query)}</h1>
<p class="id"><span dir="auto">{escape(e.id)}</span><span class="score">score <b>{e.score:.3f}</b></span></p>
{_parts(e)}
</header>
<section class="queries">
<h2>Query words</h2>
<ol>
{_rows(e)}
</ol>
</section>
<section class="document">
<h2>Document</h2>
{_document(e)}
</section>
<footer>{_definition(e)}</footer>
</main>
</body>
</html>
"""


def _parts(e: Explanation) -> str:
    """The two parts of the score, as one bar."""
    if not e.summary_weight:
        return ""
    shown = [("words", e.words_share, e.words_score), ("summary", e.summary_share, e.summary_score)]
    bars = "".join(f'<i class="{kind}" style="width:{_width(share)}%"></i>' for kind, share, _ in shown)
    labels = "".join(
        f'<span class="{kind}"><b>{kind} {share:.0f} %</b> {score:.3f}</span>' for kind, share, score in shown
    )
    return f'<div class="parts" aria-hidden="true">{bars}</div>\n<p class="labels">{labels}</p>'


def _rows(e: Explanation) -> str:
    largest = max([match.share for match in e.matches] + [e.summary_share], default=0.0)
    rows = [_row(match, largest) for match in e.matches]
    if e.summary_weight:
        what = "<b>summary</b> <span>the text as a whole</span>"
        rows.append(_bar("summary", "", what, e.summary_share, largest))
    return "\n".join(rows)


def _row(match: WordMatch, largest: float) -> str:
    what = f'<b dir="auto">{escape(match.word)}</b> '
    if match.match is None:
        what += "<span>left out by the model</span>" if not match.weight else "<span>met no word</span>"
    else:
        what += f'<span class="to">→ <em dir="auto">{escape(match.match)}</em></span>'
    place = "" if match.place is None else f' data-p="{match.place}"'
    detail = f"product {match.product:.3f}, weight {match.weight:.2f}, adds {match.score:.4f}"
    return _bar("words", f'{place} title="{detail}"', what, match.share, largest)


def _bar(kind: str, attributes: str, what: str, share: float, largest: float) -> str:
    width = _width(100 * share / largest) if largest > 0 else 0
    return (
        f'<li class="{kind}"{attributes}><p>{what}</p><p class="share">{share:.1f} %</p>'
        f'<div class="track"><i style="width:{width}%"></i></div></li>'
    )


def _width(percent: float) -> float:
    return round(min(max(percent, 0), 100), 2)


def _document(e: Explanation) -> str:
    note = f'<p class="note">{escape(e.note)}</p>' if e.note else ""
    if e.text is None:
        return note
    text = "".join(escape(piece) if place is None else _word(e, piece, place) for piece, place in e.pieces())
    unread = f'<span class="unread">{escape(e.unread)}</span>' if e.unread.strip() else ""
    return f'<p class="text" dir="auto">{text}{unread}</p>\n{_legend(e, bool(unread))}{note}'


def _word(e: Explanation, piece: str, place: int) -> str:
    if not e.words[place].stored:
        return f"<del>{escape(piece)}</del>"
    met = [match for match in e.matches if match.place == place]
    if not met:
        return escape(piece)
    largest = max((word.score for word in e.words), default=0.0)
    heat = max(e.words[place].score / largest, 0) if largest > 0 else 0.0
    by = "\n".join(f"{match.word}  {match.share:.1f} %" for match in met)
    return (
        f'<mark tabindex="0" data-p="{place}" data-tip="{escape(by)}" style="--heat:{heat:.3f}">{escape(piece)}</mark>'
    )


def _legend(e: Explanation, unread: bool) -> str:
    shown = ['<span><i class="ramp"></i>adds little … most</span>']
    if e.removed:
        shown.append(f"<span><del>word</del> removed by the model: {len(e.removed)} of {len(e.words)}</span>")
    if unread:
        shown.append('<span><span class="unread">word</span> behind the model’s window</span>')
    return f'<p class="legend">{"".join(shown)}</p>'


def _definition(e: Explanation) -> str:
    w = e.summary_weight
    weighted = f", times {1 - w:.2f}; the summaries add theirs, times {w:.2f}" if w else ""
    return (
        "A query word adds its inner product with the document word that it meets best"
        f"{weighted}. Shares are percent of the score."
    )


def _links(e: Explanation) -> str:
    """A query word and what it met light up together."""
    places = sorted({match.place for match in e.matches if match.place is not None})
    return "".join(
        f'main:has(li[data-p="{p}"]:hover) mark[data-p="{p}"]{{outline:2px solid var(--ink)}}'
        f'main:has(mark[data-p="{p}"]:is(:hover,:focus)) li[data-p="{p}"]{{background:var(--lit)}}'
        for p in places
    )


_STYLE = (
    TOKENS
    + """\
main{max-width:1120px;margin:0 auto;padding:40px 24px 56px;display:grid;gap:24px;
grid-template-columns:minmax(0,1fr) 360px;grid-template-areas:"head head" "text bars" "foot foot";align-items:start}
header{grid-area:head}.document{grid-area:text}.queries{grid-area:bars}footer{grid-area:foot}
.kind,h2{font-size:12px;font-weight:600;letter-spacing:.07em;text-transform:uppercase;color:var(--mute)}
h1{font-size:clamp(22px,3.4vw,32px);line-height:1.25;font-weight:650;margin:6px 0 10px;overflow-wrap:anywhere}
.id{color:var(--mute);overflow-wrap:anywhere}.id b{color:var(--ink)}
.score{margin-left:16px;white-space:nowrap;font-variant-numeric:tabular-nums}
.parts{display:flex;gap:2px;height:12px;margin-top:18px;border-radius:6px;overflow:hidden;background:var(--line)}
i{display:block;height:100%;font-style:normal}
.words i,i.words{background:rgb(var(--amber))}.summary i,i.summary{background:var(--teal)}
.labels{display:flex;flex-wrap:wrap;gap:4px 22px;margin-top:8px;font-size:14px;color:var(--mute);
font-variant-numeric:tabular-nums}
.labels b{color:var(--ink);font-weight:600}
.labels span::before{content:"";display:inline-block;width:9px;height:9px;border-radius:3px;margin-right:7px}
.labels .words::before{background:rgb(var(--amber))}.labels .summary::before{background:var(--teal)}
@media (min-width:821px){.queries{position:sticky;top:24px;max-height:calc(100vh - 48px);overflow:auto}}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:20px 22px}
h2{margin-bottom:12px}
ol{list-style:none;padding:0;margin:0 -10px}
li{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:3px 12px;padding:7px 10px;border-radius:8px}
li:hover{background:var(--lit)}
li.summary{border-top:1px solid var(--line);border-radius:0 0 8px 8px;margin-top:8px;padding-top:14px}
li p{overflow-wrap:anywhere}li b{font-weight:600}li span{color:var(--mute)}li em{font-style:normal;color:var(--ink)}
.share{font-variant-numeric:tabular-nums;color:var(--mute);white-space:nowrap}
.track{grid-column:1/-1;height:6px;border-radius:3px;background:var(--line);overflow:hidden}.track i{border-radius:3px}
.text{font-size:17px;line-height:1.85;white-space:pre-wrap;overflow-wrap:anywhere}
mark{position:relative;color:inherit;border-radius:4px;padding:2px;margin:0 -2px;cursor:default;
background:rgb(var(--amber)/calc(.1 + var(--heat)*(var(--most) - .1)));outline-offset:1px}
mark:is(:hover,:focus){outline:2px solid var(--ink)}
mark:is(:hover,:focus)::after{content:attr(data-tip);position:absolute;left:0;bottom:calc(100% + 7px);z-index:1;
width:max-content;max-width:280px;padding:6px 11px;border-radius:8px;background:var(--ink);color:var(--card);
font-size:14px;line-height:1.5;white-space:pre-wrap;box-shadow:0 4px 18px rgb(0 0 0/.25);pointer-events:none}
del{color:var(--faint);text-decoration-thickness:1px}
.unread{color:var(--faint);font-style:italic}
.legend{display:flex;flex-wrap:wrap;gap:6px 22px;margin-top:18px;padding-top:14px;border-top:1px solid var(--line);
font-size:14px;color:var(--mute)}
.ramp{display:inline-block;width:54px;height:11px;margin-right:8px;border-radius:4px;
background:linear-gradient(90deg,rgb(var(--amber)/.1),rgb(var(--amber)/var(--most)))}
.note{margin-top:14px;padding:10px 14px;border-radius:8px;background:var(--lit);font-size:15px}
footer{font-size:14px;color:var(--mute);max-width:72ch}
@media (max-width:820px){main{grid-template-columns:minmax(0,1fr);grid-template-areas:"head" "bars" "text" "foot";
padding:24px 14px 48px;gap:16px}section{padding:16px}.text{font-size:16px}
mark:is(:hover,:focus)::after{position:fixed;left:14px;right:14px;bottom:14px;width:auto;max-width:none;font-size:15px}}
@media print{body,section{background:#fff}section{break-inside:auto;border:0;padding:0}main{display:block}}
"""
)
