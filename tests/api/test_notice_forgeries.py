"""Forged, altered and misdirected notices at each provider's address: none changes a thing."""

import json
import logging
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

import pytest

from adapters.sandbox.message_crypto import MessageKey
from tests.api.notified import Notified
from tests.api.posters import AlipayPoster, Posted, WechatPoster, WecomPoster
from tests.contract.alipay.keyring import Keyring, rsa_key

ForgeAlipay = Callable[[AlipayPoster], Posted]
ForgeTencent = Callable[[WechatPoster | WecomPoster], Posted]


def genuine(poster: AlipayPoster) -> Posted:
    return poster.revoked("open-1")


def unsigned(poster: AlipayPoster, sign: str | None = None) -> Posted:
    """The genuine form with another signature, or none."""
    fields = poster.fields() | ({} if sign is None else {"sign": sign})
    return Posted(urlencode(fields).encode())


def by_another_key(poster: AlipayPoster) -> Posted:
    ring = Keyring()
    ring.key = rsa_key("nobody's")
    return AlipayPoster(poster.clock, poster.app_id, ring).revoked("open-1")


def sign_of(posted: Posted) -> str:
    return dict(parse_qsl(posted.body.decode()))["sign"]


ALIPAY: dict[str, ForgeAlipay] = {
    "no signature": unsigned,
    "an empty signature": lambda poster: unsigned(poster, ""),
    "a signature that is no base64": lambda poster: unsigned(poster, "***"),
    "a signature of another length": lambda poster: unsigned(poster, "AAAA"),
    "another notice's signature": lambda poster: unsigned(poster, sign_of(poster.other())),
    "another key's": by_another_key,
    "SHA-1": lambda poster: poster.signed(poster.fields(), sha1=True),
    "SHA-1 that says RSA": lambda poster: poster.signed(poster.fields(sign_type="RSA"), sha1=True),
    "RSA2 that says RSA": lambda poster: poster.signed(poster.fields(sign_type="RSA")),
    "sign_type in small letters": lambda poster: poster.signed(poster.fields(sign_type="rsa2")),
    "no sign_type": lambda poster: poster.signed(poster.fields(sign_type=None)),
    "signed by the rule of trades": lambda poster: poster.signed(poster.fields(), trade=True),
    "another subject": lambda poster: genuine(poster).changed("open-1", "open-2"),
    "another event": lambda poster: poster.other().changed("audit.passed", "audit.cancel"),
    "another id": lambda poster: genuine(poster).changed("notify_id=2026", "notify_id=2027"),
    "another time": lambda poster: genuine(poster).changed("700&msg", "701&msg"),
    "another charset": lambda poster: genuine(poster).changed("UTF-8", "GBK"),
    "a field more": lambda poster: Posted(genuine(poster).body + b"&refund_fee=1.00"),
    "a field less": lambda poster: genuine(poster).changed("version=1.1&", ""),
    "a field twice": lambda poster: Posted(genuine(poster).body + b"&version=1.1"),
    "the signature twice": lambda poster: Posted(genuine(poster).body + b"&sign=AAAA"),
    "a signed copy for another app": lambda poster: poster.signed(
        poster.fields(app_id="2099000000000009")
    ),
    "for no app": lambda poster: poster.signed(poster.fields(app_id=None)),
    "about another app": lambda poster: poster.revoked(
        "open-1", content={"app_id": "2099000000000009"}
    ),
    "a content that is no JSON": lambda poster: poster.signed(poster.fields(biz_content="{")),
    "a content that is a list": lambda poster: poster.signed(poster.fields(biz_content="[]")),
    "a deep content": lambda poster: poster.signed(poster.fields(biz_content="[" * 9_999)),
    "no id": lambda poster: poster.signed(poster.fields(notify_id=None)),
    "an id with a NUL": lambda poster: poster.signed(poster.fields(notify_id="1\0")),
    "an endless id": lambda poster: poster.signed(poster.fields(notify_id="1" * 129)),
    "a lone surrogate for a subject": lambda poster: poster.revoked("\ud800"),
    "an empty subject": lambda poster: poster.revoked(""),
    "JSON": lambda poster: Posted(json.dumps(poster.fields()).encode()),
    "the query instead of the body": lambda poster: Posted(
        b"", dict(parse_qsl(genuine(poster).body.decode()))
    ),
    "cut": lambda poster: Posted(genuine(poster).body[:-9]),
    "nothing": lambda _poster: Posted(b""),
    "not ASCII": lambda poster: Posted(genuine(poster).body + "&a=甲".encode()),
    "a broken escape": lambda poster: Posted(genuine(poster).body + b"&a=%"),
    "201 fields": lambda poster: Posted(b"&".join(b"f%d=1" % n for n in range(201))),
}


def sealed(poster: WechatPoster | WecomPoster) -> Posted:
    return poster.revoked("open-1")


def other_key(poster: WechatPoster | WecomPoster, *, token: bool) -> Posted:
    """Encrypted, or only signed, with what is not the app's."""
    key, own = MessageKey(), poster.key
    if token:
        key.encoding_aes_key = own.encoding_aes_key
    else:
        key.token = own.token
    query, body = key.posted(poster.text("open-1"), poster.receiver, poster.seconds)
    return Posted(body.encode(), dict(parse_qsl(query)))


def plain_signed(poster: WechatPoster | WecomPoster) -> Posted:
    """The other mode of the console: the text itself, signed without it."""
    stamp, nonce = str(poster.seconds), "a1b2c3d4"
    query = {"signature": poster.key.sign(stamp, nonce), "timestamp": stamp, "nonce": nonce}
    return Posted(poster.text("open-1").encode(), query)


def under_the_proof(poster: WechatPoster | WecomPoster) -> Posted:
    """A genuine ciphertext under the signature that proves an address."""
    plain = plain_signed(poster).query
    return sealed(poster).asked(**plain, msg_signature=plain["signature"])


def foreign_app(poster: WechatPoster | WecomPoster) -> Posted:
    if isinstance(poster, WechatPoster):
        return poster.revoked("open-1", AppID="wx-other")
    return poster.revoked("open-1", AgentID="1000003")


TENCENT: dict[str, ForgeTencent] = {
    "no signature": lambda poster: sealed(poster).asked(msg_signature=""),
    "a signature of nothing": lambda poster: sealed(poster).asked(msg_signature="é" * 40),
    "a signature in capitals": lambda poster: sealed(poster).asked(
        msg_signature=sealed(poster).query["msg_signature"].upper()
    ),
    "another message's signature": lambda poster: sealed(poster).asked(
        msg_signature=poster.other().query["msg_signature"]
    ),
    "the proof's signature": under_the_proof,
    "another nonce": lambda poster: sealed(poster).asked(nonce="x"),
    "another time": lambda poster: sealed(poster).asked(timestamp=str(poster.seconds - 1)),
    "too old": lambda poster: poster.sealed(poster.text("open-1"), late=-301),
    "from the future": lambda poster: poster.sealed(poster.text("open-1"), late=301),
    "the query lost": lambda poster: Posted(sealed(poster).body),
    "a query in the body": lambda poster: Posted(urlencode(sealed(poster).query).encode()),
    "another token": lambda poster: other_key(poster, token=True),
    "another key under our token": lambda poster: other_key(poster, token=False),
    "for another receiver": lambda poster: poster.sealed(poster.text("open-1"), "wx-other"),
    "for no receiver": lambda poster: poster.sealed(poster.text("open-1"), ""),
    "for a longer receiver": lambda poster: poster.sealed(
        poster.text("open-1"), poster.receiver + "0"
    ),
    "about another app": foreign_app,
    "a subject that is no word": lambda poster: poster.revoked("示例甲"),
    "an empty subject": lambda poster: poster.revoked(""),
    "no XML inside": lambda poster: poster.sealed('{"Event":"unsubscribe"}'),
    "a name twice inside": lambda poster: poster.sealed(
        poster.text("open-1").replace("</xml>", "<Event>x</Event></xml>")
    ),
    "a document type inside": lambda poster: poster.sealed(
        '<!DOCTYPE x [<!ENTITY a "b">]>' + poster.text("open-1")
    ),
    "a letter more": lambda poster: sealed(poster).changed(
        "<Encrypt><![CDATA[", "<Encrypt><![CDATA[A"
    ),
    "two ciphertexts": lambda poster: sealed(poster).changed(
        "</xml>", "<Encrypt>x</Encrypt></xml>"
    ),
    "no ciphertext": lambda poster: Posted(b"<xml></xml>", sealed(poster).query),
    "an empty ciphertext, signed": lambda poster: poster.signed(""),
    "a short ciphertext, signed": lambda poster: poster.signed("AAAA"),
    "half a ciphertext, signed": lambda poster: poster.signed(
        poster.key.encrypt(poster.text("open-1"), poster.receiver)[:64]
    ),
    "no base64, signed": lambda poster: poster.signed("*" * 44),
    "the text itself": plain_signed,
    "the text itself under a ciphertext's signature": lambda poster: Posted(
        poster.text("open-1").encode(), sealed(poster).query
    ),
    "a document type": lambda poster: Posted(
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + sealed(poster).body, sealed(poster).query
    ),
    "depth": lambda poster: sealed(poster).changed("<Encrypt>", "<Encrypt><b>x</b>"),
    "another root": lambda poster: sealed(poster).changed("xml>", "html>"),
    "cut": lambda poster: Posted(sealed(poster).body[:-10], sealed(poster).query),
    "not XML": lambda poster: Posted(b"\xff\xfe{}", sealed(poster).query),
    "nothing": lambda poster: Posted(b"", sealed(poster).query),
    "JSON": lambda poster: Posted(b'{"Encrypt":"x"}', sealed(poster).query),
}


async def refused(
    notified: Notified, provider: str, posted: Posted, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused with an empty 4xx, told in one line, and nothing else."""
    before = await notified.dump()
    caplog.clear()
    status, text = await notified.post(provider, posted)
    assert (status, text) == (403, "")
    told = [each for each in caplog.records if each.levelno >= logging.WARNING]
    (line,) = [each.getMessage() for each in told]
    assert line.startswith(f"notice of {provider} refused at school 7: ")
    assert not any(word in line for word in ("open-1", "open-2", "示例", "20260901"))
    assert told[0].exc_info is None
    assert await notified.dump() == before


async def test_a_forged_notice_of_alipay_changes_nothing(
    notified: Notified, subtests: pytest.Subtests, caplog: pytest.LogCaptureFixture
) -> None:
    poster, token = notified.posters["alipay"], await notified.bound("alipay")
    assert isinstance(poster, AlipayPoster)
    for kind, forge in ALIPAY.items():
        with subtests.test(kind):
            await refused(notified, "alipay", forge(poster), caplog)
    assert await notified.viewer(token) == "CARDHOLDER"
    assert await notified.post("alipay", genuine(poster)) == (200, "success")
    assert await notified.viewer(token) == "UNAUTHENTICATED"


@pytest.mark.parametrize("provider", ["wechat", "wecom"])
async def test_a_forged_message_of_tencent_changes_nothing(
    notified: Notified, provider: str, subtests: pytest.Subtests, caplog: pytest.LogCaptureFixture
) -> None:
    poster, token = notified.posters[provider], await notified.bound(provider)
    assert not isinstance(poster, AlipayPoster)
    for kind, forge in TENCENT.items():
        with subtests.test(kind):
            await refused(notified, provider, forge(poster), caplog)
    assert await notified.viewer(token) == "CARDHOLDER"
    assert await notified.post(provider, sealed(poster)) == (200, "success")
    assert await notified.viewer(token) == "UNAUTHENTICATED"


@pytest.mark.parametrize("provider", ["wechat", "wecom"])
@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
async def test_a_parameter_that_comes_twice_is_refused(
    notified: Notified, provider: str, name: str
) -> None:
    posted, before = notified.posters[provider].revoked("open-1"), await notified.dump()
    query = urlencode([*posted.query.items(), (name, posted.query[name])])
    for path in (query, query + "&a=1" * 40):
        answer = await notified.campus.http.post(
            f"/notify/{provider}/7?{path}", content=posted.body
        )
        assert (answer.status_code, answer.text) == (400, "")
    assert await notified.dump() == before


def test_there_are_enough_kinds() -> None:
    assert len(ALIPAY) >= 25
    assert len(TENCENT) >= 25
