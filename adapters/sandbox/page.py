"""How the sandbox's pages for people look."""

import html

from starlette.responses import HTMLResponse

_PAGE = """<!doctype html>
<html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root{{color-scheme:light dark;--ink:#1d2b24;--soft:#6b7a72;--line:#d9e2dc;--back:#f2f6f3;
--sheet:#fff;--go:#07a35a}}
@media(prefers-color-scheme:dark){{:root{{--ink:#e6efe9;--soft:#94a59b;--line:#33433a;
--back:#121814;--sheet:#1b241e;--go:#2cc47c}}}}
*{{box-sizing:border-box}}
body{{margin:0;font:16px/1.6 system-ui,"PingFang SC","Noto Sans CJK SC",sans-serif;
color:var(--ink);background:var(--back)}}
main{{max-width:42rem;margin:0 auto;padding:2rem 1rem}}
h1{{font-size:1.4rem;margin:0}}h2{{font-size:1.05rem;margin:0}}
.soft,small{{color:var(--soft)}}
.sheet{{background:var(--sheet);border:1px solid var(--line);border-radius:14px;
padding:1rem 1.2rem;margin:1rem 0}}
label{{display:flex;gap:.7rem;align-items:center;padding:.6rem 0;
border-top:1px solid var(--line)}}
label:first-of-type{{border:0}}
button{{font:inherit;padding:.5rem 1rem;border-radius:9px;border:1px solid var(--line);
background:transparent;color:inherit;cursor:pointer;margin:.3rem .4rem .3rem 0}}
button.go{{background:var(--go);border-color:var(--go);color:#fff}}
output{{display:block;font:13px/1.5 ui-monospace,monospace;word-break:break-all}}
</style>
<main>{body}</main>"""


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A page; `title` is text, `body` is HTML."""
    return HTMLResponse(_PAGE.format(title=html.escape(title), body=body), status)
