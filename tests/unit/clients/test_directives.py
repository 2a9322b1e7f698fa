"""What a till does as a heartbeat tells it: fetch the keys, stop selling."""

from dataclasses import replace

import pytest

from clients.terminal.journal import TillLocked
from clients.terminal.wire_format import AnswerForged, DocumentRefused
from terminals.documents import SignedDocument
from terminals.keys import signer
from tests.unit.clients.conftest import Counter
from tests.unit.clients.pretend_keys import ANSWER_SEED, NEXT_ANSWER_SEED, key_document
from tests.unit.clients.test_till import CODE

OTHER_ROOT = b"\x99" * 32


async def test_sync_brings_the_next_answer_key_before_it_signs(counter: Counter) -> None:
    counter.server.document = key_document(1, ANSWER_SEED, NEXT_ANSWER_SEED)
    assert (await counter.line().set_clock())["directives"] == ["SYNC"]
    assert (await counter.line().set_clock())["directives"] == []
    assert counter.server.asked.count("TerminalSyncParameters") == 1
    counter.reopen()
    counter.server.sign, counter.server.answer_kid = signer(NEXT_ANSWER_SEED), 3
    assert (await counter.till.sell(CODE, 1250)).is_approved


async def test_till_that_slept_through_a_rotation_believes_the_time_again(counter: Counter) -> None:
    counter.server.sign, counter.server.answer_kid = signer(NEXT_ANSWER_SEED), 3
    with pytest.raises(AnswerForged):
        await counter.line().set_clock()
    counter.server.document = key_document(1, ANSWER_SEED, NEXT_ANSWER_SEED)
    assert (await counter.line().set_clock())["time"] == counter.server.now


async def test_withdrawn_answer_key_is_believed_no_more(counter: Counter) -> None:
    counter.server.document = key_document(1, NEXT_ANSWER_SEED)
    with pytest.raises(AnswerForged):
        await counter.line().set_clock()
    unknown = await counter.till.sell(CODE, 1250)
    assert unknown.outcome is None


@pytest.mark.parametrize(("document", "why"), [
    (key_document(2, NEXT_ANSWER_SEED, root_seed=OTHER_ROOT), "SIGNATURE"),
    (replace(key_document(2, NEXT_ANSWER_SEED), version=3), "SIGNATURE"),
    (replace(key_document(2, NEXT_ANSWER_SEED), kid=2), "KEY_UNKNOWN"),
    (replace(key_document(2, NEXT_ANSWER_SEED), issuer=8), "NOT_MINE"),
    (replace(key_document(2, NEXT_ANSWER_SEED), content=b"{}"), "SIGNATURE"),
    (key_document(2), "MALFORMED"),
])  # fmt: skip
async def test_document_that_no_pinned_root_signed_changes_nothing(
    counter: Counter, document: SignedDocument, why: str
) -> None:
    before = counter.journal.identity
    counter.server.document = document
    with pytest.raises(DocumentRefused, match=why):
        await counter.line().set_clock()
    counter.reopen()
    assert counter.journal.identity == before


async def test_older_document_is_not_taken_though_a_root_signed_it(counter: Counter) -> None:
    counter.server.document = key_document(5, ANSWER_SEED)
    await counter.line().set_clock()
    before = counter.journal.identity
    assert before.keys_version == 5
    for version in (4, 5):
        counter.server.document = key_document(version, ANSWER_SEED, NEXT_ANSWER_SEED)
        with pytest.raises(DocumentRefused, match="VERSION_OLD"):
            await counter.line().sync()
    assert counter.journal.identity == before


async def test_locked_till_sells_nothing_until_it_hears_otherwise(counter: Counter) -> None:
    asked = await counter.till.sell(CODE, 6_000)
    counter.server.is_locked = True
    assert (await counter.line().set_clock())["directives"] == ["LOCK"]
    counter.reopen()
    before = counter.journal.list_newest(9)
    for sale in (
        counter.till.sell(CODE, 1250),
        counter.till.sell_with_pin(asked, "314159"),
        counter.till.show_challenge(1250),
    ):
        with pytest.raises(TillLocked):
            await sale
    assert (counter.server.paid, counter.journal.list_newest(9)) == ({}, before)
    await counter.line().set_clock(clock_lost=True)  # it is told the time and nothing of the lock
    assert counter.journal.is_locked
    counter.server.is_locked = False
    await counter.line().set_clock()
    assert (await counter.till.sell(CODE, 1250)).is_approved
