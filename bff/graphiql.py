"""GraphiQL for developers, from vendored files: it works on a network without internet."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

_PAGES = Path(__file__).with_name("pages")
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'"
)


async def _page(_request: Request) -> HTMLResponse:
    page = (_PAGES / "graphiql.html").read_text(encoding="utf-8")
    return HTMLResponse(page, headers={"content-security-policy": _POLICY})


def graphiql_routes() -> list[BaseRoute]:
    """The page at /graphiql and its files; only a development process adds these routes."""
    return [
        Route("/graphiql", _page),
        Mount("/graphiql/files", StaticFiles(directory=_PAGES)),
    ]
