"""Messages that are posted to us, opened only if they are ours, fresh and untouched."""

from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest

from adapters.tokens import Tokens
from adapters.wechat.door import Wechat, open_mini
from adapters.wechat.settings import MiniSettings
from core.ports.providers import ProviderRefused
from tests.contract.tencent import Watch, act

EVENT = "<xml><MsgType><![CDATA[event]]></MsgType><Event>甲 subscribe</Event></xml>"
Query = dict[str, str]


async def _posted(watch: Watch, app_id: str, message: str = EVENT) -> tuple[Query, bytes]:
    posted = await act(watch.sandbox, "wechat/callback", app_id=app_id, message=message)
    return dict(parse_qsl(posted["query"])), posted["body"].encode()


@pytest.mark.parametrize("message", [EVENT, "", "x" * 31, "字" * 500])
async def test_a_genuine_message_opens(
    mini: Wechat, watch: Watch, keys: dict[str, str], message: str
) -> None:
    assert mini.callbacks is not None
    query, body = await _posted(watch, keys["mini_app_id"], message)
    assert mini.callbacks.open(query, body) == message


FORGERIES: dict[str, Callable[[Query, bytes], tuple[Query, bytes]]] = {
    "no signature": lambda query, body: ({**query, "msg_signature": ""}, body),
    "a signature of nothing": lambda query, body: ({**query, "msg_signature": "é" * 40}, body),
    "another nonce": lambda query, body: ({**query, "nonce": "x"}, body),
    "another time": lambda query, body: ({**query, "timestamp": "1"}, body),
    "the query lost": lambda _query, body: ({}, body),
    "a letter more": lambda query, body: (query, body.replace(b"t><![CDATA[", b"t><![CDATA[A")),
    "two ciphertexts": lambda query, body: (
        query, body.replace(b"</xml>", b"<Encrypt>x</Encrypt></xml>")
    ),
    "no ciphertext": lambda query, _body: (query, b"<xml></xml>"),
    "a document type": lambda query, body: (query, b'<!DOCTYPE x [<!ENTITY a "b">]>' + body),
    "depth": lambda query, body: (query, body.replace(b"<Encrypt>", b"<Encrypt><b>x</b>")),
    "another root": lambda query, body: (query, body.replace(b"xml>", b"html>")),
    "cut": lambda query, body: (query, body[:-10]),
    "not XML": lambda query, _body: (query, b"\xff\xfe{}"),
    "nothing": lambda query, _body: (query, b""),
    "too long": lambda query, body: (query, body + b" " * 65_536),
}  # fmt: skip


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_message_is_refused(
    mini: Wechat,
    watch: Watch,
    keys: dict[str, str],
    forge: Callable[[Query, bytes], tuple[Query, bytes]],
) -> None:
    assert mini.callbacks is not None
    with pytest.raises(ProviderRefused):
        mini.callbacks.open(*forge(*await _posted(watch, keys["mini_app_id"])))


@pytest.mark.parametrize("seconds", [-310, 310])
async def test_an_old_or_future_message_is_refused(
    mini: Wechat, watch: Watch, keys: dict[str, str], seconds: int
) -> None:
    assert mini.callbacks is not None
    await watch.sandbox.move_clock(seconds)
    query, body = await _posted(watch, keys["mini_app_id"])
    with pytest.raises(ProviderRefused, match="callback: time"):
        mini.callbacks.open(query, body)


async def test_a_message_for_another_app_is_refused_although_it_is_signed(
    mini_settings: MiniSettings, tokens: Tokens, watch: Watch, keys: dict[str, str]
) -> None:
    query, body = await _posted(watch, keys["mini_app_id"])
    other = mini_settings.model_copy(update={"app_id": keys["official_app_id"]})
    opened = open_mini(other, tokens, watch.clock)
    assert opened.callbacks is not None
    with pytest.raises(ProviderRefused, match="callback: not for us"):
        opened.callbacks.open(query, body)
    await opened.close()


async def test_one_apps_key_opens_nothing_of_another(
    mini: Wechat, watch: Watch, keys: dict[str, str]
) -> None:
    assert mini.callbacks is not None
    query, body = await _posted(watch, keys["official_app_id"])
    with pytest.raises(ProviderRefused, match="callback: signature"):
        mini.callbacks.open(query, body)


async def test_the_console_proves_the_address(
    official: Wechat, watch: Watch, keys: dict[str, str]
) -> None:
    assert official.callbacks is not None
    proof = await act(watch.sandbox, "wechat/proof", app_id=keys["official_app_id"], message="4096")
    query = dict(parse_qsl(proof["query"]))
    assert official.callbacks.echo(query) == "4096"
    with pytest.raises(ProviderRefused):
        official.callbacks.echo({**query, "nonce": "x"})


async def test_without_a_callback_in_the_settings_there_is_none(
    mini_settings: MiniSettings, tokens: Tokens, watch: Watch
) -> None:
    opened = open_mini(mini_settings.model_copy(update={"callback": None}), tokens, watch.clock)
    assert opened.callbacks is None
    await opened.close()
