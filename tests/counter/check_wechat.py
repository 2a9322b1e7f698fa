"""WeChat Pay and WeCom's message crypto beside three independent packages."""

import dataclasses
import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509

from adapters.http import HttpAnswer, HttpClient
from adapters.sandbox.message_crypto import MessageKey
from adapters.sandbox.wechat_pay_keys import PayKeys
from adapters.tencent.callbacks import Callbacks, CallbackSettings
from adapters.tencent.flat_xml import read_xml, write_xml
from adapters.wechat.pay import codepay, micropay, notices, orders, papay
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.keys import proof
from adapters.wechat.pay.settings import MerchantSettings
from adapters.wechat.pay.signing import opened
from adapters.wechat.pay.v2 import V2, SignType, signature
from adapters.wechat.pay.wire import Facts
from core.ports.providers import Done
from tests.contract.sandbox import running_sandbox
from tests.counter.__main__ import Check
from tests.counter.peer import Peer
from tests.factories.chance import NOON, HandClock, counted_entropy

APP, MCHID, RECEIVER = "wx-sample", "1000000001", "ww-sample"
KEYS = PayKeys(lambda: datetime(2026, 9, 1, 4, tzinfo=UTC))
CLOCK = HandClock(NOON)
MERCHANT = {
    "app_id": APP,
    "mchid": MCHID,
    "serial_no": KEYS.merchant.serial,
    "certificate": KEYS.merchant.pem,
    "private_key": KEYS.merchant.private_pem(),
    "api_v3_key": KEYS.api_v3_key,
}


@dataclasses.dataclass
class Caught:
    """What would have left: method, target, headers, body."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class CatchingClient(HttpClient):
    """Keeps what is sent and answers nothing."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.caught: list[Caught] = []

    async def request(self, method: str, path: str, **given: Any) -> HttpAnswer:
        """Nothing leaves."""
        body, headers = given["body"] or b"", dict(given["headers"])
        self.caught.append(Caught(method, path, headers, body))
        return HttpAnswer(500, {}, b"")


def _merchant() -> tuple[V3, V2, CatchingClient]:
    http = CatchingClient()
    settings = MerchantSettings.model_validate(
        {
            "mchid": MCHID,
            "app_ids": [APP],
            "serial_no": KEYS.merchant.serial,
            "private_key": MERCHANT["private_key"],
            "api_v3_key": KEYS.api_v3_key,
            "public_keys": {"PUB_KEY_ID_1": KEYS.public_pem()},
        }
    )
    v3 = V3(http, settings, CLOCK, counted_entropy())
    v2 = V2(http, MCHID, KEYS.api_v2_key, "203.0.113.7", CLOCK, counted_entropy())
    return v3, v2, http


SCAN = codepay.Scan(APP, "001P1", 880, "一食堂 & <b>", "130000000000000001", "till-1", "1")


async def _requests() -> list[Caught]:
    """A request with a body in Chinese, one with a query, one with an empty body."""
    v3, _, http = _merchant()
    order = orders.NewOrder(
        APP, "001P1", 1_250, '校园卡充值 "/"', "https://a.example/n", NOON, "o1"
    )
    await orders.create(v3, order)
    await orders.find(v3, "001P 1/中")
    await v3.ask("POST", "/v3/eduschoolpay/contracts/1/terminate", lambda _facts: Done(None))
    await http.close()
    return http.caught


def _parts(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    pairs = (part.split("=", 1) for part in rest.split(","))
    return {"scheme": scheme, **{name: text.strip('"') for name, text in pairs}}


def _authorisation(call: str, which: slice) -> Callable[[Peer], Awaitable[None]]:
    """The header that a package makes for the same request, nonce and second."""

    async def check(peer: Peer) -> None:
        for sent in (await _requests())[which]:
            ours = _parts(sent.headers["Authorization"])
            theirs = await peer.ask(
                call,
                merchant=MERCHANT,
                method=sent.method,
                target=sent.target,
                seconds=int(ours["timestamp"]),
                nonce=ours["nonce_str"],
                body=sent.body.decode(),
            )
            assert _parts(theirs) == ours, f"{sent.method} {sent.target}"

    return check


async def _client_lines(peer: Peer) -> None:
    v3, _, http = _merchant()
    jsapi, app = orders.jsapi_parameters(v3, APP, "wx1"), orders.app_parameters(v3, APP, "wx1")
    await http.close()
    signed = {
        jsapi["paySign"]: [APP, jsapi["timeStamp"], jsapi["nonceStr"], jsapi["package"]],
        app["sign"]: [APP, app["timestamp"], app["noncestr"], app["prepayid"]],
    }
    for ours, lines in signed.items():
        assert await peer.ask("axiosSign", merchant=MERCHANT, lines=lines) == ours


async def _notice(peer: Peer) -> None:
    """A notice of the sandbox: the package verifies and opens it, and so do we."""
    facts = {"mchid": MCHID, "appid": APP, "out_trade_no": "001P1", "trade_state": "SUCCESS"}
    sealed = KEYS.sealed(json.dumps(facts, ensure_ascii=False).encode(), "transaction")
    posted = {"id": "n1", "event_type": "TRANSACTION.SUCCESS", "resource": sealed}
    body = json.dumps(posted, ensure_ascii=False).encode()
    headers = KEYS.signed(body, "", at=NOON)
    given = {name.removeprefix("Wechatpay-").lower(): text for name, text in headers.items()}
    certificate = KEYS.platform[-1].pem
    for changed, genuine in ((body, True), (body + b" ", False)):
        verified = await peer.ask(
            "axiosVerifies",
            key=certificate,
            seconds=given["timestamp"],
            nonce=given["nonce"],
            signature=given["signature"],
            body=changed.decode(),
        )
        key = KEYS.platform[-1].key.public_key()
        lower = {name.lower(): text for name, text in headers.items()}
        assert verified is genuine is proof(lower, key, changed)
    theirs = json.loads(await peer.ask("axiosOpens", sealed=sealed, key=KEYS.api_v3_key))
    assert theirs == facts == json.loads(opened(KEYS.api_v3_key.encode(), sealed))


async def _notice_by_public_key(peer: Peer) -> None:
    """A notice signed by the public key, opened as a whole."""
    sealed = KEYS.sealed(json.dumps({"mchid": MCHID}).encode(), "transaction")
    body = json.dumps({"id": "n2", "event_type": "X", "resource": sealed}).encode()
    v3, _, http = _merchant()
    v3.ring._keys["PUB_KEY_ID_0110000000012026090100000000"] = v3.ring._keys["PUB_KEY_ID_1"]
    headers = KEYS.signed(body, "PUB_KEY_ID_0110000000012026090100000000", at=NOON)
    verified = await peer.ask(
        "axiosVerifies",
        key=KEYS.public_pem(),
        seconds=headers["Wechatpay-Timestamp"],
        nonce=headers["Wechatpay-Nonce"],
        signature=headers["Wechatpay-Signature"],
        body=body.decode(),
    )
    assert verified
    assert (await notices.open_v3(v3, headers, body)).id == "n2"
    await http.close()


async def _seals(peer: Peer) -> None:
    """What the package seals, we open; with and without associated data."""
    for associated in ("transaction", ""):
        text, nonce = '{"名": "示例甲"}', secrets.token_hex(6)
        ciphertext = await peer.ask(
            "axiosSeals", text=text, key=KEYS.api_v3_key, nonce=nonce, associated=associated
        )
        sealed = {"ciphertext": ciphertext, "nonce": nonce, "associated_data": associated}
        assert opened(KEYS.api_v3_key.encode(), sealed).decode() == text


async def _node_opens(peer: Peer) -> None:
    facts = {"out_trade_no": "001P1", "amount": {"total": 1_250}}
    sealed = KEYS.sealed(json.dumps(facts).encode(), "transaction")
    theirs = await peer.ask("nodeOpens", merchant=MERCHANT, sealed=sealed)
    assert theirs == facts == json.loads(opened(KEYS.api_v3_key.encode(), sealed))


async def _node_serial(peer: Peer) -> None:
    theirs = await peer.ask("nodeSerial", merchant=MERCHANT)
    certificate = x509.load_pem_x509_certificate(KEYS.merchant.pem.encode())
    assert theirs.upper().lstrip("0") == f"{certificate.serial_number:X}"


async def _v2_messages(peer: Peer) -> None:
    """The bytes of each V2 message of ours: read by the package, its signature made anew."""
    _, v2, http = _merchant()
    await micropay.MicroPay(v2).pay(SCAN)
    await micropay.MicroPay(v2).reverse(SCAN)
    arrears = papay.Collection(
        APP, "001P2", 990, '欠费 <补扣> & "x"', "https://a.example/n", "2026"
    )
    await papay.collect(v2, arrears)
    await papay.find_agreement(v2, APP, "plan", "001P3")
    await http.close()
    for sent in http.caught:
        fields = await peer.ask("axiosReadsXml", xml=sent.body.decode())
        assert fields == read_xml(sent.body), sent.target
        kind = fields.get("sign_type", "MD5")
        theirs = await peer.ask("axiosV2Signature", kind=kind, fields=fields, key=KEYS.api_v2_key)
        assert theirs == fields["sign"], sent.target


async def _v2_signatures(peer: Peer) -> None:
    fields = {"b": "0", "a": "字 &=", "c": "", "Z": "9", "sign_type": "x"}
    for kind in SignType:
        theirs = await peer.ask("axiosV2Signature", kind=kind, fields=fields, key="k" * 32)
        assert theirs == signature(fields, "k" * 32, kind)


async def _v2_xml(peer: Peer) -> None:
    """What the package writes we read, and the other way round."""
    fields = {"appid": APP, "body": '<甲> & "乙"', "total_fee": "1250"}
    theirs = await peer.ask("axiosWritesXml", fields=fields)
    assert read_xml(theirs.encode()) == fields
    assert await peer.ask("axiosReadsXml", xml=write_xml(fields).decode()) == fields


async def _v2_sign_page(peer: Peer) -> None:
    _, v2, http = _merchant()
    mandate = papay.Mandate(APP, "plan", "001P4", 1, "示例甲", "https://a.example/n?x=1")
    url = papay.sign_url(v2, "https://api.mch.weixin.qq.com", mandate)
    await http.close()
    fields = dict(parse_qsl(urlsplit(url).query))
    theirs = await peer.ask("axiosV2Signature", kind="MD5", fields=fields, key=KEYS.api_v2_key)
    assert theirs == fields["sign"]


async def _talks_to_the_sandbox(peer: Peer) -> None:
    """The package as a customer of the sandbox: each verifies the other."""
    async with running_sandbox() as sandbox:
        keys = await sandbox.credentials("wechat_pay")
        await sandbox.put_people({"id": "jia", "name": "示例甲"})
        asked = {"person": "jia", "mood": "pays"}
        wallet = await sandbox.ask("POST", "/_wallet/wechat_pay/code", json=asked)
        order = {
            "appid": APP,
            "mchid": keys["mchid"],
            "description": "校园卡充值",
            "out_trade_no": "001P1",
            "time_expire": "2030-01-01T00:00:00+08:00",
            "notify_url": "https://a.example/n",
            "amount": {"total": 1_250, "currency": "CNY"},
            "payer": {"openid": "o1"},
        }
        scan = {
            "appid": APP,
            "mch_id": keys["mchid"],
            "body": "一食堂",
            "out_trade_no": "001P2",
            "total_fee": "880",
            "spbill_create_ip": "203.0.113.7",
            "auth_code": wallet.json()["auth_code"],
        }
        said = await peer.ask(
            "axiosTalks", merchant=keys, base=f"{sandbox.url}/", order=order, scan=scan
        )
        assert said["made"]["prepay_id"].startswith("wx"), said
        assert said["found"]["trade_state"] == "NOTPAY", said
        assert (said["scanned"]["result_code"], said["scanned"]["total_fee"]) == (
            "SUCCESS", "880"
        )  # fmt: skip
        assert await sandbox.failures() == []


def _callbacks(key: MessageKey) -> Callbacks:
    table = {"token": key.token, "encoding_aes_key": key.encoding_aes_key}
    return Callbacks(CallbackSettings.model_validate(table), RECEIVER, CLOCK)


MESSAGES = ("<xml>甲</xml>", "", "x" * 31, "x" * 32, "字" * 999)


async def _encrypted_here(peer: Peer) -> None:
    """What the sandbox posts, the package decrypts and signs alike."""
    key = MessageKey()
    for message in MESSAGES:
        query, body = key.posted(message, RECEIVER, int(NOON.timestamp()))
        encrypted, asked = read_xml(body.encode())["Encrypt"], dict(parse_qsl(query))
        theirs = await peer.ask("wecomDecrypts", key=key.encoding_aes_key, encrypted=encrypted)
        assert theirs == {"message": message, "id": RECEIVER}
        sha1 = await peer.ask(
            "wecomSignature",
            token=key.token,
            timestamp=asked["timestamp"],
            nonce=asked["nonce"],
            encrypted=encrypted,
        )
        assert sha1 == asked["msg_signature"]
        assert _callbacks(key).open(asked, body.encode()) == message


async def _encrypted_there(peer: Peer) -> None:
    """What the package encrypts and signs, our adapter opens."""
    key = MessageKey()
    for message in MESSAGES:
        encrypted = await peer.ask(
            "wecomEncrypts", key=key.encoding_aes_key, text=message, receiver=RECEIVER
        )
        asked: Facts = {"timestamp": str(int(NOON.timestamp())), "nonce": "n1"}
        sha1 = await peer.ask("wecomSignature", token=key.token, encrypted=encrypted, **asked)
        body = write_xml({"ToUserName": RECEIVER, "Encrypt": encrypted})
        assert _callbacks(key).open({**asked, "msg_signature": sha1}, body) == message


AXIOS, NODE, WECOM = "wechatpay-axios-plugin", "wechatpay-node-v3", "@wecom/crypto"
CHECKS = [
    Check(AXIOS, "v3 request signatures", _authorisation("axiosAuthorisation", slice(None))),
    Check(AXIOS, "the lines that the client signs for", _client_lines),
    Check(AXIOS, "a notice by certificate", _notice),
    Check(AXIOS, "a notice by public key", _notice_by_public_key),
    Check(AXIOS, "AES-GCM sealed there", _seals),
    Check(AXIOS, "V2 signatures", _v2_signatures),
    Check(AXIOS, "V2 messages as sent", _v2_messages),
    Check(AXIOS, "V2 XML both ways", _v2_xml),
    Check(AXIOS, "the papay page's address", _v2_sign_page),
    Check(AXIOS, "calls of the running sandbox", _talks_to_the_sandbox),
    # It leaves out the empty line of a POST without a body: only the first two requests.
    Check(NODE, "v3 request signatures", _authorisation("nodeAuthorisation", slice(2))),
    Check(NODE, "AES-GCM sealed here", _node_opens),
    Check(NODE, "the certificate's serial number", _node_serial),
    Check(WECOM, "messages encrypted here", _encrypted_here),
    Check(WECOM, "messages encrypted there", _encrypted_there),
]
