"""The way back from a browser to this machine: a page on the loopback (RFC 8252, section 7.3)."""

import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

PORT = 8017
RETURN_TO = f"http://127.0.0.1:{PORT}/back"
"""A school lists this for its native channel; only a demo does."""

_PAGE = (
    '<!doctype html><meta charset="utf-8"><title>OK</title>'
    "<p>已登录,可以关闭本页。<p>Signed in. You may close this page."
)


class _Back(BaseHTTPRequestHandler):
    """Takes the code out of the address the browser comes to."""

    server: "_Waiting"

    def do_GET(self) -> None:
        """Answers the browser, and keeps its code."""
        asked = urlsplit(self.path)
        if asked.path != urlsplit(RETURN_TO).path:
            self.send_error(404)
            return
        self.server.code = parse_qs(asked.query).get("code", [None])[0]
        body = _PAGE.encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("cache-control", "no-store")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_parts: object) -> None:
        """Nothing: the address holds a code."""


class _Waiting(HTTPServer):
    code: str | None = None


def wait_for_code(seconds: float) -> str | None:
    """The code that a browser brings within a time; None if none came.

    Raises: OSError where the port is taken.
    """
    give_up_at = time.monotonic() + seconds
    with _Waiting(("127.0.0.1", PORT), _Back) as server:
        while server.code is None and (left := give_up_at - time.monotonic()) > 0:
            server.timeout = left
            server.handle_request()
        return server.code
