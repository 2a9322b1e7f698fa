"""A small TCP proxy that can cut its link, swallow it, slow it down, or lose the answers."""

import asyncio
import threading
from collections.abc import Callable
from enum import Enum

LAG_SECONDS = 0.08


class Mode(Enum):
    """What the link does."""

    PASS = "pass"  # noqa: S105 - a line that passes everything
    CUT = "cut"
    HOLE = "hole"
    LAG = "lag"
    LOSE_ANSWERS = "lose answers"
    GONE = "gone"
    """Nobody listens any more."""


class Proxy:
    """One link, from a port of its own to a target port, both on 127.0.0.1."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, target: int, source: str | None = None
    ) -> None:
        """`source` is the address that the target sees."""
        self._source = source
        self.mode = Mode.PASS
        self.hits = 0
        self._loop = loop
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = self._listen(0)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def _listen(self, port: int) -> asyncio.Server:
        listening = asyncio.start_server(self._serve, "127.0.0.1", port)
        return asyncio.run_coroutine_threadsafe(listening, self._loop).result(5)

    def lead_to(self, target: int) -> None:
        """Leads the connections that come from now on to another port."""
        self._target = target

    def close(self) -> None:
        """Takes no more connections; those that are open end with the loop."""
        self._loop.call_soon_threadsafe(self._server.close)

    def set(self, mode: Mode) -> None:
        """Changes what the link does, from any thread; a cut also ends what is open."""
        if self.mode is Mode.GONE and mode is not Mode.GONE:
            self._server = self._listen(self.port)
        self._loop.call_soon_threadsafe(self._set, mode)

    def _set(self, mode: Mode) -> None:
        self.mode, self.hits = mode, 0
        if mode is Mode.GONE:
            self._server.close()
        if mode in (Mode.CUT, Mode.GONE):
            self.hits = len(self._writers)
            for writer in self._writers:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.mode is Mode.CUT:
                self.hits += 1
            else:
                await self._join(reader, writer)
        except OSError:
            return
        finally:
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bound = None if self._source is None else (self._source, 0)
        behind, ahead = await asyncio.open_connection("127.0.0.1", self._target, local_addr=bound)
        self._writers |= {writer, ahead}
        await asyncio.gather(
            self._pump(reader, ahead, is_answer=False), self._pump(behind, writer, is_answer=True)
        )
        self._writers -= {writer, ahead}

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        try:
            while data := await source.read(65_536):
                if self.mode is Mode.LAG:
                    await asyncio.sleep(LAG_SECONDS)
                lost = self.mode is Mode.LOSE_ANSWERS and is_answer
                self.hits += self.mode is not Mode.PASS
                if lost or self.mode is Mode.CUT:
                    break
                if self.mode is not Mode.HOLE:
                    sink.write(data)
                    await sink.drain()
        except OSError:
            return
        finally:
            sink.transport.abort()


def run_loop() -> tuple[asyncio.AbstractEventLoop, Callable[[], None]]:
    """An event loop in a thread of its own, for proxies, and what ends it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def end() -> None:
        loop.set_exception_handler(lambda _loop, _context: None)
        # A connection may have come in, or gone through, while the others were being ended.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0)  # what was aborted closes its sockets in the next turn
        await asyncio.sleep(0)

    def stop() -> None:
        asyncio.run_coroutine_threadsafe(end(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()

    return loop, stop
