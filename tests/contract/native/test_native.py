"""Mail and SMS against the sandbox, which reads the wire by its own code."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import httpx2
import pytest

from adapters.http import HttpAnswer, HttpClient
from adapters.native.mail import MailSender
from adapters.native.sms import SmsSender
from core.ports.messages import Message, MessageTemplate
from core.ports.providers import ProviderMisconfigured, ProviderRefused, ProviderUnavailable
from tests.contract.sandbox import SMS_KEY_ID as KEY_ID
from tests.contract.sandbox import SMS_SECRET as SECRET
from tests.contract.sandbox import Sandbox, free_port
from tests.factories.chance import HandClock

FACTS = {"code": "048213", "minutes": "5"}
_numbers = count(1)


def _code(email: bool = False, facts: dict[str, str] = FACTS) -> Message:
    """A message of its own to an address of its own: the tests share one sandbox."""
    number = next(_numbers)
    to = f"s{number}@people.example" if email else f"138{number:08d}"
    return Message(UUID(int=number), to, MessageTemplate.ONE_TIME_CODE, facts)


def _now() -> HandClock:
    return HandClock(datetime.now(UTC))  # noqa: TID251 - the sandbox lives in real time


@pytest.fixture
async def sms(sandbox: Sandbox) -> AsyncIterator[SmsSender]:
    """A sender that the sandbox knows."""
    client = HttpClient(sandbox.url, read_seconds=0.8)
    yield SmsSender(client, KEY_ID, SECRET, _now())
    await client.close()


def _mail(sandbox: Sandbox) -> MailSender:
    return MailSender(
        "127.0.0.1", sandbox.smtp_port, "card@school.example", _now(), tls=False,
        timeout_seconds=0.8,
    )  # fmt: skip


async def test_an_sms_arrives_with_its_code_in_both_languages(
    sandbox: Sandbox, sms: SmsSender
) -> None:
    code = _code()
    await sms.send(code)
    (letter,) = await sandbox.mailbox(f"+86{code.to}")
    assert (letter["channel"], letter["code"], letter["id"]) == ("PHONE", "048213", str(code.id))
    assert "验证码 048213" in letter["text"]
    assert "Your code is 048213, good for 5 minutes." in letter["text"]


async def test_a_repeated_sms_is_delivered_once(sandbox: Sandbox, sms: SmsSender) -> None:
    code = _code()
    await sms.send(code)
    await sms.send(code)
    assert len(await sandbox.mailbox(f"+86{code.to}")) == 1


async def test_an_id_used_for_another_message_is_our_fault(sms: SmsSender) -> None:
    code = _code()
    await sms.send(code)
    with pytest.raises(ProviderMisconfigured):
        await sms.send(replace(code, facts=FACTS | {"code": "048214"}))


async def test_a_lost_answer_may_be_asked_for_again(sandbox: Sandbox, sms: SmsSender) -> None:
    code = _code()
    await sandbox.fail("sms", "timeout_after_effect")
    with pytest.raises(ProviderUnavailable):
        await sms.send(code)
    await sandbox.mend()
    await sms.send(code)
    assert len(await sandbox.mailbox(f"+86{code.to}")) == 1


async def test_a_refused_sms_is_refused_for_good(sandbox: Sandbox, sms: SmsSender) -> None:
    code = _code()
    await sandbox.fail("sms", "refuse")
    with pytest.raises(ProviderRefused):
        await sms.send(code)
    assert await sandbox.mailbox(f"+86{code.to}") == []


@pytest.mark.parametrize(
    ("key_id", "secret", "late_seconds"),
    [(KEY_ID, SECRET + b"x", 0), ("other", SECRET, 0), (KEY_ID, SECRET, 130)],
)
async def test_a_request_the_gateway_cannot_verify_delivers_nothing(
    sandbox: Sandbox, key_id: str, secret: bytes, late_seconds: int
) -> None:
    code = _code()
    client, clock = HttpClient(sandbox.url), _now()
    clock.instant -= timedelta(seconds=late_seconds)
    with pytest.raises(ProviderMisconfigured):
        await SmsSender(client, key_id, secret, clock).send(code)
    await client.close()
    assert await sandbox.mailbox(f"+86{code.to}") == []


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"outcome": "refused"}', ProviderRefused),
        (200, b'{"outcome": "later"}', ProviderUnavailable),
        (503, b'{"outcome": "accepted"}', ProviderUnavailable),
        (200, b"<html>", ProviderUnavailable),
        (200, b"[]", ProviderUnavailable),
        (401, b"", ProviderMisconfigured),
    ],
)
async def test_only_a_clear_answer_counts(
    status: int, body: bytes, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = HttpClient("https://sms.example")

    async def answer(*_request: object) -> HttpAnswer:
        return HttpAnswer(status, {}, body)

    monkeypatch.setattr(client, "post", answer)
    with pytest.raises(error):
        await SmsSender(client, KEY_ID, SECRET, _now()).send(_code())
    await client.close()


async def test_a_mail_arrives_with_its_code_but_not_in_the_subject(sandbox: Sandbox) -> None:
    code = _code(email=True)
    await _mail(sandbox).send(code)
    (letter,) = await sandbox.mailbox(code.to)
    assert (letter["channel"], letter["code"]) == ("EMAIL", "048213")
    assert letter["subject"] == "校园卡验证码 Campus card code"
    assert letter["id"] == f"<{code.id}@school.example>"


@pytest.mark.parametrize(
    ("mode", "error"),
    [("refuse", ProviderRefused), ("timeout_after_effect", ProviderUnavailable)],
)
async def test_a_mail_server_that_fails_is_told_apart(
    sandbox: Sandbox, mode: str, error: type[Exception]
) -> None:
    code = _code(email=True)
    await sandbox.fail("mail", mode)
    with pytest.raises(error):
        await _mail(sandbox).send(code)


async def test_nobody_listening_is_unavailable() -> None:
    code = _code()
    closed = free_port()
    mail = MailSender("127.0.0.1", closed, "card@school.example", _now(), tls=False)
    client = HttpClient(f"http://127.0.0.1:{closed}")
    with pytest.raises(ProviderUnavailable):
        await mail.send(code)
    with pytest.raises(ProviderUnavailable):
        await SmsSender(client, KEY_ID, SECRET, _now()).send(code)
    await client.close()


def test_nothing_leaves_the_machine_unencrypted() -> None:
    with pytest.raises(ProviderMisconfigured):
        HttpClient("http://sms.example")
    with pytest.raises(ProviderMisconfigured):
        MailSender("mail.example", 25, "card@school.example", _now(), tls=False)


async def test_the_sandbox_answers_nonsense_with_its_choices(sandbox: Sandbox) -> None:
    assert await sandbox.fail("sms", "sideways") == 400
    assert await sandbox.fail("sms", "html_502") == 400


async def test_the_mailbox_page_shows_hostile_text_as_text(
    sandbox: Sandbox, sms: SmsSender
) -> None:
    await sms.send(_code(facts={"code": "<script>x</script>", "minutes": "5"}))
    async with httpx2.AsyncClient(base_url=sandbox.url, trust_env=False) as client:
        page = (await client.get("/")).text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


async def test_no_secret_is_logged(
    sms: SmsSender, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    code = _code()
    caplog.set_level("DEBUG")
    await sms.send(code)
    text = caplog.text + json.dumps([str(record.args) for record in caplog.records])
    assert "048213" not in text
    assert code.to not in text
