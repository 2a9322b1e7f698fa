"""Our Alipay bytes, and those of the sandbox, beside the npm package alipay-sdk."""

import json
from base64 import b64encode
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from adapters.alipay.certificates import app_serial, ring_of, root_serial
from adapters.alipay.forms import Forms
from adapters.alipay.notices import Notices
from adapters.alipay.phone import AlipayPhones
from adapters.alipay.settings import AlipaySettings
from adapters.alipay.wire import cut, instant_of
from adapters.sandbox.alipay.keys import AlipayKeys, serial
from adapters.sandbox.alipay.protocol import Refusal, read_call, read_fields, sign_notice
from adapters.sandbox.alipay.protocol import write_answer as sandbox_answer
from adapters.sandbox.faults import Fault
from core.ports.providers import ProviderRefused
from tests.contract.sandbox import running_sandbox
from tests.counter.__main__ import Check
from tests.counter.peer import Peer
from tests.factories.chance import NOON, HandClock

PACKAGE = "alipay-sdk"
APP_ID = "2099000000000001"
NOTIFY_URL = "https://school.example/notify/alipay/1"
METHOD = "alipay.trade.query"
CONTENT = {"out_trade_no": "TSTP1", "note": {"a": 'b & c = "d" + 100% {e}'}}
NOTICE = {
    "app_id": APP_ID, "notify_id": "1", "out_trade_no": "TSTP1", "total_amount": "12.50",
    "subject": "午餐 + {a} & b=c",
}  # fmt: skip
KEYS = AlipayKeys(NOON)
TRUST = KEYS.credentials()


def _settings(*, by_certificate: bool = False) -> AlipaySettings:
    names = (
        ("app_certificate", "alipay_certificate", "alipay_root_certificate")
        if by_certificate
        else ("alipay_public_key",)
    )
    given = {name: TRUST[name] for name in names} | {
        "app_id": APP_ID, "notify_url": NOTIFY_URL, "app_private_key": TRUST["app_private_key"],
    }  # fmt: skip
    return AlipaySettings.model_validate(given)


def _config(*, by_certificate: bool = False, **changes: str) -> dict[str, str]:
    """The same customer in the package's words."""
    config = {"appId": APP_ID, "privateKey": TRUST["app_private_key"]}
    if not by_certificate:
        return config | {"alipayPublicKey": TRUST["alipay_public_key"]} | changes
    return config | {
        "appCertContent": TRUST["app_certificate"],
        "alipayPublicCertContent": TRUST["alipay_certificate"],
        "alipayRootCertContent": TRUST["alipay_root_certificate"],
    } | changes  # fmt: skip


def _public_text(key: RSAPrivateKey) -> str:
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return b64encode(key.public_key().public_bytes(encoding, form)).decode()


async def our_requests(other: Peer) -> None:
    """The package verifies our forms, with the app's key where Alipay's usually is."""
    config = _config(alipayPublicKey=_public_text(KEYS.app))
    for by_certificate in (False, True):
        form = Forms(_settings(by_certificate=by_certificate), HandClock()).signed(METHOD, CONTENT)
        assert await other.ask("fields_are_signed", config=config, form=form)
        changed = form.replace("TSTP1", "TSTP2")
        assert not await other.ask("fields_are_signed", config=config, form=changed)


async def its_requests(other: Peer) -> None:
    """The sandbox verifies the package's forms, in both modes."""
    for by_certificate in (False, True):
        config = _config(by_certificate=by_certificate)
        text = await other.ask(
            "signed_text", config=config, method=METHOD, params={}, content=CONTENT
        )
        fields = read_fields(text)
        now = instant_of(fields["timestamp"])
        assert read_call(fields, APP_ID, KEYS, now).content == CONTENT
        try:
            read_call(fields | {"version": "2.0"}, APP_ID, KEYS, now)
            verdict = "taken"
        except Refusal as refusal:
            verdict = refusal.sub_code
        assert verdict == "isv.invalid-signature"


async def same_signed_text(other: Peer) -> None:
    """An order at the same second has the same fields and the same signature."""
    method, params = "alipay.trade.app.pay", {"notify_url": NOTIFY_URL}
    for by_certificate in (False, True):
        config = _config(by_certificate=by_certificate)
        text = await other.ask(
            "signed_text", config=config, method=method, params=params, content=CONTENT
        )
        theirs = dict(parse_qsl(text))
        clock = HandClock(instant_of(theirs["timestamp"]))
        ours = Forms(_settings(by_certificate=by_certificate), clock).signed(method, CONTENT)
        assert dict(parse_qsl(ours)) == theirs


async def answers(other: Peer) -> None:
    """Both verify the sandbox's answers, and both refuse what is not signed well."""
    key = "alipay_trade_query_response"
    facts = {"code": "10000", "msg": "成功", "out_trade_no": "TSTP1"}
    ring = ring_of(TRUST["alipay_certificate"])
    for serials in (False, True):
        for fault in (None, Fault.BRACE_IN_TEXT, Fault.ESCAPED_SLASH, Fault.WRONG_SIGNATURE):
            body = sandbox_answer(METHOD, facts, KEYS, fault, serials=serials)
            answer = cut(body, METHOD)
            assert answer.signature is not None
            good = ring.verifies(answer.content, answer.signature, answer.serial)
            assert good is (fault is not Fault.WRONG_SIGNATURE)
            theirs = await other.ask(
                "answer_is_signed",
                config=_config(by_certificate=serials), body=body.decode(), key=key,
                sign=answer.signature,
            )  # fmt: skip
            assert theirs is good, fault


async def serials_agree(other: Peer) -> None:
    """Three readings of one rule: ours, the sandbox's and the package's."""
    theirs = await other.ask("serials", config=_config(by_certificate=True))
    assert theirs["app"] == app_serial(TRUST["app_certificate"]) == serial(KEYS.app_certificate)
    assert theirs["alipay"] == app_serial(TRUST["alipay_certificate"])
    assert theirs["alipay"] == serial(KEYS.now.certificate)
    assert theirs["root"] == root_serial(TRUST["alipay_root_certificate"]) == KEYS.root_serial


async def notices(other: Peer) -> None:
    """Notices of both kinds: the package takes either rule, we take the one that belongs."""
    readers = Notices(ring_of(TRUST["alipay_certificate"]), APP_ID)
    for keep_sign_type, read in ((False, readers.trade), (True, readers.app)):
        fields = sign_notice(NOTICE, KEYS.now, keep_sign_type=keep_sign_type)
        form = urlencode(fields)
        assert await other.ask("fields_are_signed", config=_config(), form=form)
        assert read(form.encode()) == fields
        changed = form.replace("12.50", "12.51")
        assert not await other.ask("fields_are_signed", config=_config(), form=changed)
        try:
            verdict = str(read(changed.encode()))
        except ProviderRefused as refusal:
            verdict = str(refusal)
        assert verdict == "signature"


async def telephones(other: Peer) -> None:
    """Zero-IV AES and the signature around it: sealed there and opened here, and back."""
    facts = {"code": "10000", "mobile": "19900000001"}
    config = _config(encryptKey=TRUST["aes_key"])
    sealed = await other.ask("encrypt", config=config, content=facts)
    sign = KEYS.now.sign(f'"{sealed}"'.encode())
    assert await other.ask("content_is_signed", config=config, content=f'"{sealed}"', sign=sign)

    async def once(_key: str, _seconds: int) -> bool:
        return True

    phones = AlipayPhones(ring_of(TRUST["alipay_certificate"]), "alipay:x", TRUST["aes_key"], once)
    claim = await phones.phone("subject", {"response": sealed, "sign": sign})
    assert claim.value == facts["mobile"]
    async with running_sandbox() as sandbox:
        person = {"id": "p", "name": "示例甲", "phone": "19900000002"}
        await sandbox.put_people(person)
        asked = {"person": "p", "app_id": APP_ID}
        proof = (await sandbox.ask("POST", "/_wallet/alipay/phone", json=asked)).json()
        own = await sandbox.credentials("alipay")
    theirs = {"appId": APP_ID, "privateKey": own["app_private_key"], "encryptKey": own["aes_key"],
              "alipayPublicKey": own["alipay_public_key"]}  # fmt: skip
    opened = json.loads(await other.ask("decrypt", config=theirs, text=proof["response"]))
    assert opened["mobile"] == "19900000002"
    quoted = f'"{proof["response"]}"'
    assert await other.ask("content_is_signed", config=theirs, content=quoted, sign=proof["sign"])


async def sandbox_calls(other: Peer) -> None:
    """The package itself calls the running sandbox: once in key mode, once by certificate."""
    async with running_sandbox() as sandbox:
        own = await sandbox.credentials("alipay")
        common = {
            "appId": own["app_id"], "privateKey": own["app_private_key"],
            "gateway": sandbox.url + own["gateway"],
        }  # fmt: skip
        by_key = common | {"alipayPublicKey": own["alipay_public_key"]}
        by_certificate = common | {
            "appCertContent": own["app_certificate"],
            "alipayPublicCertContent": own["alipay_certificate"],
            "alipayRootCertContent": own["alipay_root_certificate"],
        }
        for config in (by_key, by_certificate):
            said = await other.ask(
                "call", config=config, method=METHOD, content={"out_trade_no": "N"}
            )
            assert (said["code"], said["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST"), said
        assert await sandbox.failures() == []
        await sandbox.fail("alipay", "wrong_signature")
        said = await other.ask("call", config=by_key, method=METHOD, content={"out_trade_no": "N"})
        assert said == "验签失败"


CHECKS = (
    Check(PACKAGE, "our requests verify there, in both modes", our_requests),
    Check(PACKAGE, "its requests verify in the sandbox, in both modes", its_requests),
    Check(PACKAGE, "an order's fields and signature are the same", same_signed_text),
    Check(PACKAGE, "answers verify alike, also with braces and slashes", answers),
    Check(PACKAGE, "certificate serials, also beside an EC root", serials_agree),
    Check(PACKAGE, "notices V1 and V2", notices),
    Check(PACKAGE, "zero-IV AES and the quoted signature of telephones", telephones),
    Check(PACKAGE, "it calls the running sandbox, in both modes", sandbox_calls),
)
