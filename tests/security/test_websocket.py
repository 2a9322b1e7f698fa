"""The WebSocket under attack: one protocol, few subscriptions, small messages, live sessions."""

import asyncio
import json
from collections import deque
from typing import Any

from starlette.websockets import WebSocket

from bff.documents import document_id
from bff.socket import PROTOCOL, SocketLimits
from tests.api.house import CARDHOLDER, House
from tests.api.toy import DSN

TICKS = {"query": "subscription { ticks }"}
OWN = {"query": "subscription { ownTicks }"}
INIT = {"type": "connection_init", "payload": {"authorization": "Bearer holder"}}


class Line:
    """One WebSocket to a house, without a server between."""

    def __init__(self, house: House, protocols: list[str] | None = None) -> None:
        self.house = house
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: deque[dict[str, Any]] = deque()
        self.arrived = asyncio.Event()
        self.stalled = False
        scope = {
            "type": "websocket",
            "path": "/graphql",
            "headers": [],
            "query_string": b"",
            "client": ("192.0.2.1", 1),
            "subprotocols": [PROTOCOL] if protocols is None else protocols,
        }
        self.inbox.put_nowait({"type": "websocket.connect"})
        websocket = WebSocket(scope, self.inbox.get, self._send)
        self.task = asyncio.create_task(house.sockets.serve(websocket))

    async def _send(self, message: Any) -> None:
        if self.stalled and message["type"] == "websocket.send":
            await asyncio.Event().wait()
        self.sent.append(message)
        self.arrived.set()

    def say(self, *messages: dict[str, Any] | str) -> None:
        for each in messages:
            text = each if isinstance(each, str) else json.dumps(each)
            self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    def subscribe(self, id_: str, payload: dict[str, Any]) -> None:
        self.say({"type": "subscribe", "id": id_, "payload": payload})

    async def heard(self) -> Any:
        async with asyncio.timeout(2):
            while not self.sent:
                self.arrived.clear()
                await self.arrived.wait()
        message = self.sent.popleft()
        if message["type"] == "websocket.send":
            return json.loads(message["text"])
        return message.get("code", message["type"])

    async def opened(self, init: dict[str, Any] = INIT) -> "Line":
        assert await self.heard() == "websocket.accept"
        self.say(init)
        assert await self.heard() == {"type": "connection_ack"}
        return self

    async def ended(self) -> None:
        async with asyncio.timeout(2):
            await self.task


async def left(line: Line) -> None:
    line.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await line.ended()


async def test_websocket_limits_protocol() -> None:
    for protocols in ([], ["graphql-ws"]):
        line = Line(House(), protocols)
        assert await line.heard() == 4400  # never accepted: the handshake is refused
        await line.ended()


async def test_websocket_limits_initialisation() -> None:
    silent = Line(House(limits=SocketLimits(initialise_seconds=0.02)))
    assert [await silent.heard(), await silent.heard()] == ["websocket.accept", 4408]
    for message, code in (
        ({"type": "subscribe", "id": "1", "payload": TICKS}, 4401),
        ({"type": "connection_init", "payload": {"authorization": "Bearer forged"}}, 4403),
        ({"type": "connection_init", "payload": {"authorization": 1}}, 4400),
    ):
        line = Line(House())
        line.say(message)
        assert [await line.heard(), await line.heard()] == ["websocket.accept", code]
        await line.ended()
    twice = await Line(House()).opened()
    twice.say(INIT)
    assert await twice.heard() == 4429


async def test_websocket_limits_messages() -> None:
    for text, code in (
        ("x" * 16_385, 1009),
        ("\u4e2d" * 6_000, 1009),
        ("{", 4400),
        ("[]", 4400),
        ('{"type": 1}', 4400),
        ('{"type": "start"}', 4400),
        ('{"type": "subscribe", "id": "", "payload": {"query": "x"}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "x", "odd": 1}}', 4400),
    ):
        line = await Line(House()).opened()
        line.say(text)
        assert await line.heard() == code
        await line.ended()
    binary = await Line(House()).opened()
    binary.inbox.put_nowait({"type": "websocket.receive", "bytes": b"{}"})
    assert await binary.heard() == 4400


async def test_websocket_limits_subscriptions() -> None:
    line = await Line(House()).opened()
    for number in range(6):
        line.subscribe(str(number), TICKS)
    refused = await line.heard()
    assert (refused["id"], refused["type"]) == ("5", "error")
    assert refused["payload"][0]["extensions"]["reason"] == "SUBSCRIPTIONS_OVER_LIMIT"
    line.say({"type": "complete", "id": "0"})
    line.subscribe("6", OWN)
    assert (await line.heard())["payload"] == {"data": {"ownTicks": 1}}
    assert await line.heard() == {"id": "6", "type": "complete"}
    line.subscribe("1", TICKS)
    assert await line.heard() == 4409
    await line.ended()
    assert line.house.services.closed == 5


async def test_events_reach_the_subscriber_until_it_leaves() -> None:
    line = await Line(House()).opened()
    line.say({"type": "ping"})
    assert await line.heard() == {"type": "pong"}
    line.subscribe("a", TICKS)
    line.house.services.ticks.put_nowait(42)
    assert await line.heard() == {"id": "a", "type": "next", "payload": {"data": {"ticks": 42}}}
    await left(line)
    assert line.house.services.closed == 1


async def test_queries_and_unknown_documents_are_refused_on_the_socket() -> None:
    line = await Line(House(production=True, texts=["query Ping { ping }"])).opened()
    for payload, reason in (
        ({"documentId": document_id("query Ping { ping }")}, "SOCKET_IS_FOR_SUBSCRIPTIONS"),
        (TICKS, "DOCUMENT_NOT_TRUSTED"),
    ):
        line.subscribe("a", payload)
        (error,) = (await line.heard())["payload"]
        assert error["extensions"]["reason"] == reason
    await left(line)


async def test_permission_holds_for_subscriptions() -> None:
    line = await Line(House()).opened({"type": "connection_init"})
    line.subscribe("a", OWN)
    answer = await line.heard()
    assert answer["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    await left(line)


async def test_no_exception_text_leaves_by_the_socket() -> None:
    line = await Line(House()).opened()
    line.subscribe("a", TICKS)
    line.house.services.ticks.put_nowait(-1)
    answer = await line.heard()
    assert answer["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert DSN not in json.dumps(answer)
    assert [str(failure) for failure in line.house.reported] == [DSN]
    await left(line)


async def test_revoked_session_closes_sockets() -> None:
    pushed = await Line(House()).opened()
    pushed.subscribe("a", TICKS)
    pushed.house.revoked.add(CARDHOLDER)
    pushed.house.services.ticks.put_nowait(42)
    assert await pushed.heard() == 4403
    await pushed.ended()
    idle = await Line(House(limits=SocketLimits(session_seconds=0.02))).opened()
    idle.house.revoked.add(CARDHOLDER)
    assert await idle.heard() == 4403
    await idle.ended()


async def test_session_that_cannot_be_read_closes_the_socket() -> None:
    house = House(limits=SocketLimits(session_seconds=0.02))

    async def broken(_viewer: object) -> bool:
        raise OSError(DSN)

    object.__setattr__(house.sockets, "still_valid", broken)
    line = await Line(house).opened()
    assert await line.heard() == 1013
    assert [str(failure) for failure in house.reported] == [DSN]


async def test_starved_socket_is_dropped() -> None:
    line = await Line(House(limits=SocketLimits(send_seconds=0.02))).opened()
    line.subscribe("a", TICKS)
    line.stalled = True
    line.house.services.ticks.put_nowait(42)
    assert await line.heard() == 1013
    await line.ended()
    assert line.house.services.closed == 1


async def test_caller_that_subscribes_too_often_is_closed() -> None:
    line = await Line(House()).opened()
    for number in range(21):
        line.subscribe(str(number), OWN)
    heard = [await line.heard()]
    while heard[-1] != 4429:
        heard.append(await line.heard())
    await line.ended()
    assert [message["type"] for message in heard[:-1]].count("error") == 15
