"""Tills behind a site edge, with the line up, down and coming back (terminals.md 10)."""

from dataclasses import replace
from typing import Any

import pytest

from clients.terminal.alone import Alone
from clients.terminal.journal import Operation
from core.ports.journal import EdgeKey
from core.school.records import DocumentKind
from terminals.ccr import Outcome
from terminals.response import Action
from tests.api.devices import SCHOOL
from tests.api.edges import Hall, Stand
from tests.api.sample import OPERATOR

CARD = "CARD:00000000000001"
WALLET = "134567890123456789"
MONEY = ("transfer", "leg", "account", "authorisation", "code_use", "terminal_answer")


async def code_of(receipt: Any) -> str:
    assert receipt.response is not None
    code: str = receipt.response.code
    return code


async def settled(hall: Hall, balance_minor: int) -> None:
    """Everything goes up once more, changes nothing, and the books hold what they should."""
    before = await hall.campus.dump(*MONEY)
    assert await hall.upload() == []
    assert await hall.campus.dump(*MONEY) == before
    assert await hall.balance() == balance_minor


async def test_edge_forwards_while_the_line_is_up(hall: Hall) -> None:
    stand = hall.stands[0]
    receipt = await stand.till.sell(CARD, 1_000)
    assert (receipt.outcome, receipt.is_offline, receipt.is_edges) == (
        Outcome.APPROVED, False, False,
    )  # fmt: skip
    assert (await stand.till.void(receipt.entry.key)).is_approved
    assert hall.kept.find(EdgeKey(*receipt.entry.key)) is None
    await settled(hall, 5_000)


async def test_edge_shares_caps(hall: Hall) -> None:
    phone = await hall.phone()
    hall.break_line()
    taken = [await one_sale(hall, place, phone) for place in range(4)]
    # Class 1: three purchases for 50 yuan together, wherever in the canteen.
    assert [each.is_approved for each in taken] == [True, True, True, False]
    assert (await code_of(taken[3]), taken[3].is_edges) == ("C7", True)
    assert await hall.balance() == 5_000
    await hall.mend_line()
    judged = [each for each in await hall.upload() if each.key.seq_no < 3]
    assert [each.verdict for each in judged] == ["ACCEPTED"] * len(judged)
    await settled(hall, 2_000)
    nets = [await stand.batches.close(1) for stand in hall.stands]
    assert nets == [2_000, 1_000]


async def test_two_tills_alone_do_not_share_caps(hall: Hall) -> None:
    phone = await hall.phone()
    await hall.retire_edge()
    hall.break_line()
    taken = [await one_sale(hall, place, phone) for place in range(8)]
    assert [each.is_approved for each in taken] == [True] * 6 + [False] * 2
    assert [each.is_edges for each in taken] == [False] * 8


async def one_sale(hall: Hall, place: int, phone: Any) -> Any:
    """A sale of ten yuan at one till after the other, each by a new code of the same pass."""
    hall.campus.clock.advance(seconds=1)
    return await hall.stands[place % 2].till.sell(phone.show(), 1_000)


async def test_request_that_had_arrived_is_paid_once(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    hall.network.lost = lambda operation: operation.startswith("Purchase")
    receipt = await stand.till.sell(phone.show(), 700)
    assert (receipt.is_edges, receipt.is_offline) == (True, True)
    assert await hall.balance() == 4_300
    hall.network.lost = lambda _operation: False
    await hall.mend_line()
    (judged,) = await hall.upload()
    assert (judged.verdict, judged.flags) == ("ACCEPTED", ("ALREADY_POSTED",))
    await settled(hall, 4_300)
    assert await stand.batches.close(1) == 700


async def test_code_that_went_to_the_server_is_good_at_no_other_till(hall: Hall) -> None:
    phone, (first, second) = await hall.phone(), hall.stands
    text = phone.show()
    assert (await first.till.sell(text, 700)).outcome is Outcome.APPROVED
    hall.network.cut = lambda _operation: True
    refused = await second.till.sell(text, 700)
    assert (await code_of(refused), refused.is_edges) == ("C1", True)
    await hall.mend_line()
    await hall.upload()
    await settled(hall, 4_300)


async def test_edge_killed_between_store_and_answer_repeats_it(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    hall.break_line()
    entry = await lost_answer(hall, stand, phone.show(), 2_000)
    kept = hall.kept.find(EdgeKey(*entry.key))
    assert kept is not None
    assert kept.outcome == "APPROVED"
    await hall.open_edge()
    receipt = await stand.till.look(entry)
    assert receipt is not None
    assert (receipt.is_offline, receipt.shown["signedAnswer"]) == (True, kept.signed_answer)
    # The caps came back with it: 20 of 50 yuan are gone.
    hall.campus.clock.advance(seconds=1)
    assert (await hall.stands[1].till.sell(phone.show(), 2_000)).is_approved
    hall.campus.clock.advance(seconds=1)
    assert await code_of(await hall.stands[1].till.sell(phone.show(), 1_001)) == "C7"
    evidence = hall.kept.evidence(EdgeKey(*entry.key))
    assert evidence is not None
    assert b"signature: term=:" in evidence
    await hall.mend_line()
    await hall.upload()
    await settled(hall, 1_000)


async def lost_answer(hall: Hall, stand: Stand, text: str, minor: int) -> Any:
    """A sale whose answer the edge had written when it died; the till's request is on its disk."""
    entry = stand.journal.write(*sale(text, minor))
    answer, _ = await stand.line.ask(entry)
    assert answer.outcome is Outcome.APPROVED
    return entry


def sale(text: str, minor: int) -> Any:
    given = {"presented": text, "minorAmount": minor, "capture": "IMMEDIATE", "scene": "MEAL"}
    return Operation.AUTHORISE, given, minor


async def test_void_at_the_edge_undoes_what_it_took(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    online = await stand.till.sell(CARD, 300)
    hall.break_line()
    receipt = await stand.till.sell(phone.show(), 700)
    for each in (receipt, online):
        voided = await stand.till.void(each.entry.key)
        assert (voided.outcome, voided.is_edges, voided.is_approved) == (
            Outcome.VOIDED, True, True,
        )  # fmt: skip
    shown = await stand.line.ask_status(receipt.entry)
    assert shown is not None
    assert (shown[0].outcome, shown[1]["state"]) == (Outcome.VOIDED, "VOIDED")
    await hall.mend_line()
    assert [each.verdict for each in await hall.upload()] == ["ACCEPTED"] * 3
    await settled(hall, 5_000)
    assert await stand.batches.close(1) == 0


async def test_void_of_another_batch_waits_for_the_server(hall: Hall) -> None:
    stand = hall.stands[0]
    receipt = await stand.till.sell(CARD, 300)
    stand.journal.open_batch()
    hall.break_line()
    waiting = await stand.till.void(receipt.entry.key)
    assert (waiting.answer, len(stand.journal.list_open())) == (None, 1)
    assert hall.kept.find(EdgeKey(*waiting.entry.key)) is None
    await hall.mend_line()
    assert [each.outcome for each in await stand.till.settle_open()] == [Outcome.VOIDED]
    assert await hall.balance() == 5_000


async def test_wallet_code_refused_in_outage(hall: Hall) -> None:
    stand = hall.stands[0]
    hall.break_line()
    before = await hall.campus.dump(*MONEY)
    refused = await stand.till.sell(WALLET, 500)
    assert refused.response is not None
    assert (refused.response.code, refused.response.action, refused.is_edges) == (
        "C8", Action.NEXT, True,
    )  # fmt: skip
    assert stand.line.store.spent().keys() <= {(SCHOOL, -1)}
    await hall.mend_line()
    (judged,) = await hall.upload()  # its void: the server may have had the request
    assert (judged.verdict, judged.minor_amount) == ("ACCEPTED", 500)
    after = await hall.campus.dump("transfer", "leg", "account", "code_use")
    assert after == {table: before[table] for table in after}
    assert await stand.batches.close(1) == 0


@pytest.mark.parametrize("given", [{"is_held": True}, {"pin": "314159"}])
async def test_holds_and_pins_need_the_server(hall: Hall, given: dict[str, Any]) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    hall.break_line()
    assert await code_of(await stand.till.sell(phone.show(), 500, **given)) == "C8"
    assert stand.line.store.unjudged(9)[0].item.record.presented.startswith("VOID:")


async def test_revoked_phone_is_refused_at_every_till(hall: Hall) -> None:
    phone = await hall.phone()
    devices = await hall.campus.rows("SELECT id, cardholder_id FROM code_device")
    services = hall.campus.wired.services
    await services.devices.revoke(SCHOOL, devices[0]["cardholder_id"], devices[0]["id"])
    hall.campus.clock.advance(seconds=30)
    await hall.edge.beat()
    hall.break_line()
    for stand in hall.stands:
        assert stand.line.store.version(DocumentKind.DENY) == 0
        assert await code_of(await stand.till.sell(phone.show(), 500)) == "C3"
    # The list itself reaches them through the edge, though nothing else does.
    await stand.line.sync()
    assert stand.line.store.version(DocumentKind.DENY) == 1
    await stand.line.sync()


async def test_till_does_not_decide_alone_where_an_edge_is_the_authority(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    hall.break_line()
    hall.edge_dies()
    refused = await stand.till.sell(phone.show(), 500)
    assert (refused.is_approved, await code_of(refused)) == (False, "C8")
    assert stand.line.store.waiting() == (0, 0)
    assert Alone(stand.journal, stand.line).accept(refused.entry, by_edge=True) is None


async def test_till_writes_only_what_its_own_documents_allow(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    hall.break_line()
    stand.line.store.hear("DENY", 0)  # by its own clock its list is too old
    refused = await stand.till.sell(phone.show(), 500)
    assert (refused.is_approved, await code_of(refused)) == (False, "C8")
    await hall.mend_line()
    await hall.upload()
    await settled(hall, 5_000)


async def test_edge_of_another_site_is_not_believed(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    identity = stand.journal.identity
    keys = tuple(
        {**key, "siteNo": 3} if key["use"] == "EDGE" else key for key in identity.issuer_keys
    )
    stand.journal.enrol(replace(identity, issuer_keys=keys))
    hall.break_line()
    receipt = await stand.till.sell(phone.show(), 500)
    # To this till its site has no edge: it decides alone, and shows nothing of the stranger's.
    assert (receipt.is_edges, receipt.is_offline) == (False, True)
    assert hall.kept.find(EdgeKey(*receipt.entry.key)) is not None


async def test_locked_edge_decides_nothing(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    terminals = hall.campus.wired.services.terminals
    number = hall.journal.identity.terminal_no
    await terminals.change_state(SCHOOL, number, "LOCK", "stolen", OPERATOR)
    hall.campus.clock.advance(seconds=31)
    await hall.edge.beat()
    hall.break_line()
    refused = await stand.till.sell(phone.show(), 500)
    assert (refused.is_approved, refused.is_edges) == (False, False)
    assert hall.kept.find(EdgeKey(*refused.entry.key)) is None
