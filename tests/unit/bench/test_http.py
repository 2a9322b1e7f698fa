"""The generator's HTTP client hands over whole answers only."""

import asyncio

import pytest

from bench.http import Connection, ConnectionEnded

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfull"


class Wire(asyncio.Transport):
    """Takes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keeps it."""
        self.written += bytes(data)


async def asked() -> tuple[Connection, "asyncio.Task[bytes]"]:
    connection = Connection()
    connection.connection_made(Wire())
    task = asyncio.create_task(connection.send(b"GET"))
    await asyncio.sleep(0)
    return connection, task


@pytest.mark.parametrize("cut", [1, 17, 37, 38, len(ANSWER) - 1])
async def test_an_answer_in_two_parts_is_one_answer(cut: int) -> None:
    connection, task = await asked()
    connection.data_received(ANSWER[:cut])
    await asyncio.sleep(0)
    assert not task.done()
    connection.data_received(ANSWER[cut:])
    assert await task == ANSWER


async def test_a_lost_connection_fails_the_request_that_waits() -> None:
    connection, task = await asked()
    connection.connection_lost(None)
    with pytest.raises(ConnectionEnded):
        await task
