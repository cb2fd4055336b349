"""What our pages share: their head, their colours, light and dark, and their letters."""

from __future__ import annotations

TOKENS = """
:root{--paper:#f7f5f0;--card:#fff;--ink:#231f18;--mute:#6c6558;--faint:#8b8375;--line:#e6e1d6;--lit:#fdf0d5;
--amber:245 166 35;--most:.9;--teal:#2b7a83;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--paper:#141210;--card:#1d1a17;--ink:#efe8db;--mute:#a49a89;--faint:#857b6d;
--line:#332e27;--lit:#33291a;--most:.55;--teal:#62b5bc}}
*{box-sizing:border-box;margin:0}
body{background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
-webkit-text-size-adjust:100%}
"""


def head(title: str, style: str) -> str:
    """The beginning of a page that loads nothing from anywhere, up to its body. title: as HTML. style: CSS."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>"""
