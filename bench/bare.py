"""The peer of P6: a Starlette route that takes JSON and answers JSON, and does nothing between."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


async def _answer(request: Request) -> Response:
    given = await request.json()
    return JSONResponse({"outcome": "GRANTED", "key": given["key"], "responseCode": "00"})


app = Starlette(routes=[Route("/bare", _answer, methods=["POST"])])
