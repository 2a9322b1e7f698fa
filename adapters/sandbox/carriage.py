"""How an answer is lost, late or broken on its way, whatever is in it."""

import asyncio
from collections.abc import Callable

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from adapters.sandbox.faults import SILENCE_SECONDS, SLOW_SECONDS, Fault, Faults

DRIP_SECONDS = 0.2
CARRIAGE = frozenset(
    {
        Fault.SLOW, Fault.SLOW_DRIP, Fault.TIMEOUT_BEFORE, Fault.TIMEOUT_AFTER_EFFECT,
        Fault.RESET, Fault.HTML_502,
    }
)  # fmt: skip
"""The faults that `carried` plays."""


class _Dripping(Response):
    """Sends one byte at a time, never long enough silent for a reader that counts silence."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send(self._start(len(self.body)))
        for place in range(len(self.body)):
            await asyncio.sleep(DRIP_SECONDS)
            piece = self.body[place : place + 1]
            more = place + 1 < len(self.body)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    def _start(self, length: int) -> dict[str, object]:
        headers = [(b"content-length", str(length).encode())]
        return {"type": "http.response.start", "status": self.status_code, "headers": headers}


class _Cut(_Dripping):
    """Promises more than it sends: the connection ends within the answer."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send(self._start(len(self.body) + 100))
        await send({"type": "http.response.body", "body": self.body[:20], "more_body": True})


async def carried(faults: Faults, fault: Fault | None, effect: Callable[[], Response]) -> Response:
    """The answer of an effect, as its fault lets it arrive."""
    if fault is Fault.TIMEOUT_BEFORE:
        await faults.hold(SILENCE_SECONDS)
    if fault is Fault.SLOW:
        await faults.hold(SLOW_SECONDS)
    answer = effect()
    if fault is Fault.HTML_502:
        return HTMLResponse("<html><body>502 Bad Gateway</body></html>", 502)
    if fault is Fault.TIMEOUT_AFTER_EFFECT:
        await faults.hold(SILENCE_SECONDS)
    if fault is Fault.SLOW_DRIP:
        return _Dripping(answer.body, answer.status_code)
    if fault is Fault.RESET:
        return _Cut(answer.body, answer.status_code)
    return answer
