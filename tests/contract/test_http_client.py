"""The one client of all providers keeps nothing of one person for the next."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from adapters.http import HttpClient
from tests.contract.sso.serving import serve


async def test_a_cookie_is_not_sent_for_the_next() -> None:
    heard: list[str | None] = []

    async def answer(request: Request) -> PlainTextResponse:
        heard.append(request.headers.get("cookie"))
        return PlainTextResponse("ok", headers={"set-cookie": "who=first; Path=/"})

    with serve(Starlette(routes=[Route("/", answer)])) as url:
        client = HttpClient(url)
        await client.get("/")
        await client.get("/")
        await client.close()
    assert heard == [None, None]
