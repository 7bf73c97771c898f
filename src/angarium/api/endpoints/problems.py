"""GET /problems: the page that a problem's `type` links to."""

import base64
import hashlib
import re
from functools import cache
from html import escape

from angarium.api.interface import Response
from angarium.api.problem_kinds import KINDS, Kind
from angarium.api.request_context import RequestContext
from angarium.domain.errors import Code

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}"
    "nav{columns:14rem}nav a{display:block}"
    "section{margin-top:2rem}section:target h2{background:#fd0;color:#000}"
    "code{font-size:.95em}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = (
    # The page loads nothing, runs nothing, and no frame may show it
    # (docs/adr/0024).
    (
        "Content-Security-Policy",
        (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        ),
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "max-age=3600"),
)
_CODE_SPAN = re.compile(r"`([^`]+)`")


def page(_: RequestContext) -> Response:
    """Explain every problem code, one section each.

    Args:
        _: Not used.

    Returns:
        200 with HTML; the id of a section is the problem's code.
    """
    return Response(200, _bytes(), "text/html; charset=utf-8", _HEADERS)


@cache
def _bytes() -> bytes:
    """Make the page from the table of codes, once."""
    links = "\n".join(f'<a href="#{code}">{code}</a>' for code in KINDS)
    sections = "\n".join(_section(code, kind) for code, kind in KINDS.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Problems of the Angarium API</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Problems</h1>
<p>Every error of this API is a problem document (RFC 9457). Its <code>code</code> is one of these
and never changes its meaning; its <code>detail</code> says what was wrong this time.</p>
<nav>
{links}
</nav>
{sections}
</body>
</html>
""".encode()


def _section(code: Code, kind: Kind) -> str:
    """Return the HTML section of one code."""
    return (
        f'<section id="{code}">\n'
        f"<h2><code>{code}</code> ({kind.status})</h2>\n"
        f"<p><strong>{_html(kind.title)}.</strong> {_html(kind.meaning)}</p>\n"
        f"<p><strong>What to do:</strong> {_html(kind.advice)}</p>\n"
        "</section>"
    )


def _html(text: str) -> str:
    """Escape plain text; what is in backquotes becomes code."""
    return _CODE_SPAN.sub(r"<code>\1</code>", escape(text))
