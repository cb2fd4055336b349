"""How the page looks: colours of the systems for the colour-blind too, one column on a phone, plain in print."""

from __future__ import annotations

from wordhive.retrieval.page_style import TOKENS

from .svg.shapes import N_COLOURS

_LIGHT = ("#0072b2", "#c94f00", "#00795a", "#b0407a", "#6a4fa3", "#2f9bd6", "#8c6a00", "#4a4a4a")
_DARK = ("#5bb4f0", "#ff9354", "#3ecf9f", "#f08cc0", "#b8a2f5", "#9bdcff", "#ecc94b", "#c9c4bb")


def _colours(colours: tuple[str, ...], good: str, bad: str) -> str:
    return "".join(f"--s{n}:{colour};" for n, colour in enumerate(colours)) + f"--good:{good};--bad:{bad}"


_PRINT = (
    "--paper:#fff;--card:#fff;--ink:#000;--mute:#444;--faint:#666;--line:#ccc;--lit:#eee;--teal:#2b7a83;"
    + _colours(_LIGHT, "#1f7a5c", "#b3452c")
)
_SYSTEMS = "".join(f".s{n}{{--c:var(--s{n})}}" for n in range(N_COLOURS))

STYLE = (
    TOKENS
    + f":root{{{_colours(_LIGHT, '#1f7a5c', '#b3452c')}}}"
    + f"@media (prefers-color-scheme:dark){{:root{{{_colours(_DARK, '#52c99b', '#f08a70')}}}}}"
    + _SYSTEMS
    + """
main{max-width:1120px;margin:0 auto;padding:40px 24px 56px;display:grid;gap:24px;grid-template-columns:minmax(0,1fr)}
.kind{font-size:12px;font-weight:600;letter-spacing:.07em;text-transform:uppercase;color:var(--mute)}
h1{font-size:clamp(24px,3.6vw,36px);line-height:1.2;font-weight:650;margin:6px 0 8px;overflow-wrap:anywhere}
h2{font-size:22px;line-height:1.3;font-weight:650;overflow-wrap:anywhere;scroll-margin-top:16px}
h3{font-size:16px;font-weight:650;margin-top:28px}
h5{font-size:14px;font-weight:600}
p,li,dd{overflow-wrap:anywhere}
.about{color:var(--mute);font-size:15px}
main>section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:24px;min-width:0}
.results{list-style:none;padding:0;margin-top:20px;border-top:1px solid var(--line)}
.results li{display:grid;grid-template-columns:minmax(0,200px) minmax(0,1fr);gap:2px 20px;padding:10px 0;
border-bottom:1px solid var(--line)}
.results a{color:inherit;font-weight:650;text-decoration-color:var(--faint);text-underline-offset:3px}
.result{font-size:17px;margin:10px 0 4px}
.scroll{overflow-x:auto;margin:14px -8px 0;border-radius:8px}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--teal);outline-offset:2px}
.scroll+.about{margin-top:14px}
table{border-collapse:separate;border-spacing:0;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:7px 8px;text-align:left;border-bottom:1px solid var(--line);font-weight:400;vertical-align:top}
.r{text-align:right;white-space:nowrap}
thead th{color:var(--mute);font-size:13px;vertical-align:bottom}
thead th.r{white-space:normal;min-width:72px}
thead small{display:block;font-size:12px}
th:first-child{position:sticky;left:0;background:var(--card);z-index:1;min-width:180px;max-width:340px;
overflow-wrap:anywhere}
td.l{min-width:120px;overflow-wrap:anywhere}
tbody tr:hover>*{background:var(--lit)}
tbody tr:last-child>*{border-bottom:0}
td b{font-weight:700}
sup{font-size:11px;line-height:0;color:var(--mute);margin-left:2px}
.faint{color:var(--mute);font-style:italic}
.system{display:inline-grid;grid-template-columns:14px auto minmax(0,1fr);gap:7px;align-items:baseline;
overflow-wrap:anywhere;text-align:left}
.key{width:14px;height:14px;align-self:start;margin-top:.22em}
.letter{color:var(--mute);font-size:.86em;min-width:.8em}
.mark{fill:var(--c);stroke:var(--card);stroke-width:1}
.tag{font-size:12px;color:var(--mute);border:1px solid var(--line);border-radius:20px;padding:0 8px;margin-left:10px;
white-space:nowrap;font-weight:400}
details{margin-top:14px}
summary{cursor:pointer;color:var(--mute);font-size:14px;width:max-content;max-width:100%;border-radius:4px}
summary:hover{color:var(--ink)}
dl{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,3fr);gap:8px 24px;margin-top:12px;font-size:14px}
dd{color:var(--mute);margin:0}
dt{display:flex;align-items:flex-start}
.facts{grid-template-columns:minmax(0,1fr) minmax(0,4fr)}.facts dt{color:var(--mute)}.facts dd{color:var(--ink)}
pre{font:13px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;background:var(--paper);
border:1px solid var(--line);border-radius:10px;padding:14px 16px;margin-top:10px;overflow-x:auto}
.charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:32px;margin-top:28px;align-items:start}
figure{margin:0;min-width:0}figure h3{margin:0}
figcaption p,figure>p{color:var(--mute);font-size:14px}
svg.chart{display:block;width:100%;max-width:560px;height:auto;margin:10px 0;overflow:visible}
.chart text{font-size:10.5px;fill:var(--mute);dominant-baseline:central;unicode-bidi:plaintext}
.chart .axis{font-weight:600}
.chart .label{fill:var(--ink);paint-order:stroke;stroke:var(--card);stroke-width:3px;stroke-linejoin:round}
.chart .faint{font-style:normal;paint-order:stroke;stroke:var(--card);stroke-width:3px}
.grid{stroke:var(--line)}.level{stroke:var(--mute);stroke-dasharray:2 4}
.front{fill:none;stroke:var(--faint);stroke-width:1.4}
.lead{stroke:var(--faint);stroke-width:.8}
.curve{fill:none;stroke:var(--c);stroke-width:1.8}
.diagonal{stroke:var(--faint);stroke-dasharray:4 4}
.better,.worse,.same{stroke:var(--card);stroke-width:.6;fill-opacity:.62}
.better{fill:var(--good)}.worse{fill:var(--bad)}.same{fill:var(--faint)}
.ring{fill:none;stroke:var(--ink);stroke-width:1.5}
.flags .label{font-weight:700}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px}
.bar{display:inline-flex;gap:1px;width:120px;height:9px;margin-right:12px;vertical-align:baseline;border-radius:3px;
overflow:hidden}
.bar i{display:block;height:100%}.win{background:var(--good)}.tie{background:var(--line)}.loss{background:var(--bad)}
.query{border-top:1px solid var(--line);margin:0;padding:12px 0}
.query:first-of-type{margin-top:12px}
.query>summary{display:grid;grid-template-columns:26px minmax(0,1fr);gap:12px;width:auto;font-size:15px;
color:var(--ink);list-style:none}
.query>summary::-webkit-details-marker{display:none}
.number{width:26px;height:26px;border-radius:13px;border:1.5px solid var(--ink);font-size:13px;font-weight:700;
display:grid;place-items:center}
.query[open] .number{background:var(--ink);color:var(--card)}
.asked strong{display:block;font-weight:650;overflow-wrap:anywhere}
.values{display:flex;flex-wrap:wrap;gap:2px 20px;font-size:13px;color:var(--mute)}
.values>span{display:inline-flex;align-items:baseline;min-width:0}
.value{color:var(--ink);font-variant-numeric:tabular-nums;margin-left:6px}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:20px;margin-top:14px}
.hits{min-width:0;background:var(--paper);border-radius:10px;padding:14px 16px}
.hits ol{list-style:none;padding:0}
.hits ol>li{padding:10px 0;border-bottom:1px solid var(--line)}
.hits ol>li:last-child{border:0;padding-bottom:0}
.none{color:var(--mute);font-size:14px}
.hit{display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 8px;font-size:13px}
.rank{font-weight:700;min-width:1em}
.id{color:var(--mute);overflow-wrap:anywhere;min-width:0}
.score{margin-left:auto;color:var(--mute);font-variant-numeric:tabular-nums}
.text{font-size:14px;margin-top:4px}
.grade{font-size:12px;border-radius:20px;padding:0 8px;border:1px solid transparent;white-space:nowrap;font-weight:600}
.yes{background:var(--good);color:var(--card)}.no{border-color:var(--bad);color:var(--bad)}
.unjudged{border:1px dashed var(--faint);color:var(--mute);font-weight:400}
.matches{list-style:none;display:flex;flex-wrap:wrap;gap:4px 6px;padding:0;margin-top:7px}
.matches li{font-size:12px;background:rgb(var(--amber)/.2);border-radius:6px;padding:1px 7px;max-width:100%}
.warnings{margin-top:28px;border-left:3px solid rgb(var(--amber));padding-left:16px}.warnings h3{margin:0}
@media (max-width:720px){
main{padding:24px 12px 40px;gap:16px}main>section{padding:18px 14px}
.results li{grid-template-columns:minmax(0,1fr)}
.charts{grid-template-columns:minmax(0,1fr)}.chart text{font-size:13px}
dl,.facts{grid-template-columns:minmax(0,1fr);gap:2px}dd{margin-bottom:10px}
th:first-child{min-width:150px;max-width:160px}th,td{padding:7px 8px}
.hits{padding:12px}.bar{width:72px}
}
@media print{:root{"""
    + _PRINT
    + """}main{display:block;max-width:none;padding:0}main>section{border:0;padding:16px 0}
figure,.hits ol>li,tr{break-inside:avoid}.scroll{overflow:visible}th:first-child{position:static}
details::details-content{content-visibility:visible;block-size:auto}pre{white-space:pre-wrap}}
"""
)
