"""Runs an application on a free port of the loopback, in a thread with a loop of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tests.contract.sandbox import free_port

START_SECONDS = 10


@contextmanager
def serve(application: Any, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Its base URL; with a certificate and its key it is https."""
    port = free_port()
    pem, key = certificate or (None, None)
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, log_level="critical", lifespan="off",
        ssl_certfile=pem, ssl_keyfile=key, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        for _ in range(START_SECONDS * 50):
            if server.started:
                break
            thread.join(0.02)
        assert server.started, "the server did not start"
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)


async def form_of(request: Request) -> dict[str, str]:
    """The posted fields."""
    return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))


def login_page(request: Request) -> HTMLResponse:
    """A form for a name, which comes back to the same address."""
    action = str(request.url).replace("&", "&amp;")
    return HTMLResponse(
        f'<!doctype html><form method="post" action="{action}">'
        '<input name="username"><input name="password" type="password"></form>'
    )
