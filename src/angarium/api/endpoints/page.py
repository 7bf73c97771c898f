"""GET / and the files under /page/: the page for people."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.resources import files

from angarium.api.interface import Response
from angarium.api.request_context import RequestContext

_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FILES = {
    "/": "index.html",
    "/page/page.css": "page.css",
    "/page/page.js": "page.js",
    "/page/person.js": "person.js",
    "/page/client.js": "client.js",
    "/page/icon.svg": "icon.svg",
}
"""The file at each path, which all lie in `angarium/api/page`."""

_SECURITY = (
    # Nothing from other hosts, nothing inline, no frame around it, and
    # no text of anybody's that becomes HTML (docs/adr/0025).
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        ),
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """A user whose password everybody knows.

    Attributes:
        username: The name.
        password: The published password.
    """

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the page is told about the service.

    Attributes:
        demo_logins: Whom it may log in by itself; empty where the demo
            users are not allowed.
        presence_window_s: Seconds for which a user counts as online
            after their last request.
    """

    demo_logins: tuple[DemoLogin, ...]
    presence_window_s: float


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it is sent.

    Attributes:
        body: Its bytes.
        content_type: What they are.
        etag: Changes with the bytes, and is the same on every instance.
    """

    body: bytes
    content_type: str
    etag: str


def endpoints(settings: PageSettings) -> Mapping[str, Callable[[RequestContext], Response]]:
    """Make the function that serves each path of the page.

    Args:
        settings: What the page is told.

    Returns:
        The functions, by path.
    """
    folder = files("angarium.api").joinpath("page")
    contents = {path: (folder.joinpath(name).read_bytes(), name) for path, name in _FILES.items()}
    sent = {
        path: _file(body, _TYPES[name.partition(".")[2]])
        for path, (body, name) in contents.items()
    }
    sent["/page/settings.js"] = _file(_settings_module(settings), _TYPES["js"])
    return {path: partial(_serve, file) for path, file in sent.items()}


def _settings_module(settings: PageSettings) -> bytes:
    """Return the settings as a module, which the page waits for."""
    told = {
        "users": [asdict(login) for login in settings.demo_logins],
        "presence_window_s": settings.presence_window_s,
    }
    return f"export default {json.dumps(told)};\n".encode()


def _file(body: bytes, content_type: str) -> _File:
    """Name a body by its digest."""
    return _File(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _serve(file: _File, request: RequestContext) -> Response:
    """Answer 200 with the file, or 304 to who has it."""
    # A newer version shows at once: browsers ask each time, and get a
    # 304 as long as nothing changed.
    headers = (*_SECURITY, ("Cache-Control", "no-cache"), ("ETag", file.etag))
    if _names(request.admission.head.headers.all("if-none-match"), file.etag):
        return Response(304, headers=headers)
    return Response(200, file.body, file.content_type, headers)


def _names(fields: Iterable[str], etag: str) -> bool:
    """Look for a tag in If-None-Match (RFC 9110, 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for field in fields for tag in field.split(",")}
    return bool(tags & {etag, "*"})
