"""Each invariant finds the breach it is there for, and names a witness."""

import json

import asyncpg
import pytest

from bff.proof import PROOF
from tests.factories.canteen import TILLS, Canteen, Holder
from tests.factories.offline import Stall
from tests.servers.fixtures import DatabaseDsn

_METER = (
    "WITH c AS (INSERT INTO campus VALUES (7, 'WATER', 'a', 'a')), g AS (INSERT INTO meter_group"
    " VALUES (7, 1, 'WATER', 'SHOWER', 'a', 'a', true, 1, 30, '06:00', '22:00', 1, 3, 1, 100, 1,"
    " '2026-01-01')), m AS (INSERT INTO meter SELECT 7, terminal_no, 1, 1, 0, made_at"
    " FROM authorisation WHERE state = 'PENDING')"
)
_RAN = (
    "INSERT INTO meter_run (school_id, terminal_no, batch_no, seq_no, meter_no, group_no,"
    " cardholder_id, reservation_id, price_minor, per_units, maximum_units, started_at, ends_at,"
    " late) SELECT school_id, terminal_no, batch_no, seq_no, 1, 1, cardholder_id, {0}, 3, 1, 100,"
    " made_at, made_at, false FROM authorisation WHERE held_minor = {1}"
)
_RESERVED = (
    "INSERT INTO water_reservation (school_id, id, group_no, stall, sequence, starts_at, ends_at,"
    " cardholder_id, price_minor, per_units, maximum_units, key_version, made_at)"
    " SELECT 7, gen_random_uuid(), 1, 0, {0}, '2099-01-01', '2099-01-02', cardholder_id, 3, 1, 100,"
    " 1, made_at FROM authorisation WHERE state = 'PENDING'"
)
PLANTED = {
    "I6": "UPDATE leg SET amount_minor = 999 WHERE amount_minor = 500",
    "I7 legs": "DELETE FROM leg WHERE amount_minor = -500",
    "I7 holds": "UPDATE transfer SET amount_minor = 401 WHERE phase = 'POST'",
    "I7 templates": "UPDATE transfer SET kind = 'CASH_TOP_UP' WHERE kind = 'REFUND'",
    "I8 balance": "UPDATE account SET balance_minor = balance_minor + 1 WHERE balance_minor > 0",
    "I8 holds": "UPDATE account SET pending_minor = 299 WHERE pending_minor = 300",
    "I20 debts": "UPDATE leg SET amount_minor = 200 WHERE amount_minor = -200",
    "I10": "UPDATE leg SET balance_after_minor = -1 WHERE amount_minor = -500",
    "I20 records": "UPDATE offline_item SET amount_minor = 499 WHERE verdict = 'ACCEPTED'",
    "I20 money": "UPDATE offline_item SET flags = '{}' WHERE verdict = 'ACCEPTED'",
    "I20 reviews": "INSERT INTO transfer SELECT school_id, gen_random_uuid(), 'LOSS_RECOVERY',"
    " phase, NULL, debit_account_id, credit_account_id, 1, NULL, made_at, business_on FROM transfer"
    " WHERE kind = 'PURCHASE' AND amount_minor = 200",
    "I20 codes": "UPDATE code_use SET seq_no = 77",
    "I20 reserve": "INSERT INTO cap_slot (school_id, cardholder_id, starts_at, ends_at, cap_tag,"
    " reserve_minor) SELECT school_id, id, 1, 2, 9, 1 FROM cardholder LIMIT 1",
    "I4 answers": "UPDATE terminal_answer SET amount_minor = 501 WHERE amount_minor = 500",
    "I4 money": "UPDATE authorisation SET state = 'VOIDED' WHERE held_minor = 500",
    "I4 voids": "UPDATE terminal_answer SET operation = 'VOID', outcome = 'VOIDED',"
    " original_batch_no = batch_no, original_seq_no = 1 WHERE operation = 'REFUND'",
    "I11 limits": "UPDATE authorisation SET single_minor = 499 WHERE held_minor = 500",
    "I11 day": "UPDATE cardholder_limit SET spent_minor = spent_minor - 1",
    "I13": "DELETE FROM code_use WHERE seq_no = 1",
    "I16": "UPDATE authorisation SET expires_at = made_at - interval '1 s' WHERE state = 'PENDING'",
    "I19": "UPDATE transfer SET amount_minor = 501 WHERE kind = 'REFUND'",
    "I22 cash": "INSERT INTO transfer SELECT school_id, gen_random_uuid(), 'CASH_TOP_UP', 'POSTED',"
    " NULL, credit_account_id, debit_account_id, 1, NULL, made_at, business_on FROM transfer"
    " WHERE kind = 'OPENING_BALANCE'",
    "I23 loads": "INSERT INTO card_load (school_id, id, card_id, cardholder_id, terminal_no,"
    " batch_no, seq_no, counter, chip_minor, amount_minor, transfer_id, retrieval_reference, state,"
    " made_at) SELECT c.school_id, c.id, c.id, c.cardholder_id, 42, 9, 9, 0, 0, t.amount_minor,"
    " t.id, 'AAAAAAAAAAAA', 'OPEN', t.made_at FROM card c, transfer t WHERE c.kind = 'PHYSICAL'"
    " AND t.kind = 'OPENING_BALANCE'",
    "I23 chips": "INSERT INTO chip (school_id, card_id, cardholder_id, first_counter, load_counter,"
    " seen_at) SELECT school_id, id, cardholder_id, 0, 1, issued_at FROM card"
    " WHERE kind = 'PHYSICAL'",
    "I24 fees": "INSERT INTO vend_job (school_id, id, cardholder_id, terminal_no, batch_no, seq_no,"
    " old_card_id, new_uid, fee_minor, fee_ids, retrieval_reference, state, made_at)"
    " SELECT school_id, id, cardholder_id, 42, 9, 9, id, '0A0B0C0D', 100, ARRAY[id],"
    " 'AAAAAAAAAAAA', 'STARTED', issued_at FROM card WHERE kind = 'PHYSICAL'",
    "I24 cards": "INSERT INTO vend_job (school_id, id, cardholder_id, terminal_no, batch_no,"
    " seq_no, old_card_id, new_uid, new_card_id, fee_minor, fee_ids, retrieval_reference, state,"
    " made_at, ended_at) SELECT school_id, id, cardholder_id, 42, 9, 9, id, '0A0B0C0D', id, 0,"
    " '{}', 'AAAAAAAAAAAA', 'DELIVERED', issued_at, issued_at FROM card WHERE kind = 'PHYSICAL'",
    "I13 passages": "INSERT INTO entry_answer (school_id, terminal_no, batch_no, seq_no,"
    " content_hash, outcome, response_code, scene, cardholder_id, answer_kid, answered_at,"
    " signed_answer) SELECT school_id, terminal_no, 9, 9, content_hash, 'GRANTED', '00', 'GATE',"
    " cardholder_id, 1, answered_at, 'CCR' FROM terminal_answer WHERE seq_no = 1",
    "I4 meters": f"{_METER}, r AS ({_RAN.format('NULL::uuid', 300)} RETURNING *)"
    " INSERT INTO meter_reading (school_id, terminal_no, batch_no, seq_no, stop_batch_no,"
    " stop_seq_no, units, amount_minor, reason, read_at)"
    " SELECT school_id, terminal_no, batch_no, seq_no, 1, 99, 7, 21, 'CANCEL', started_at FROM r",
    "I4 water": "UPDATE authorisation SET instrument = 'WATER', is_offline = true"
    " WHERE held_minor = 300",
    "I13 water": f"{_METER}, w AS ({_RESERVED.format(0)} RETURNING id), r AS ("
    + _RAN.format("(SELECT id FROM w)", 400)
    + ") "
    + _RAN.format("(SELECT id FROM w)", 300),
    "I4 places": f"{_METER}, w AS ({_RESERVED.format(0)}) {_RESERVED.format(1)}",
    "I16 outbox": "INSERT INTO outbox (school_id, id, kind, payload, due_at, created_at)"
    " SELECT school_id, id, 'call', '{}', '2026-01-01', '2026-01-01' FROM merchant",
}


async def history(canteen: Canteen) -> Holder:
    """A purchase with a refund, a captured hold, and one that still stands."""
    holder = await canteen.holder(2000)
    paid = canteen.purchase(holder, 500)
    await canteen.authorise(paid)
    await canteen.answer(canteen.follow("REFUND", paid, 200))
    held = canteen.purchase(holder, 400, manual=True)
    await canteen.authorise(held)
    await canteen.answer(canteen.follow("CAPTURE", held, 350))
    await canteen.authorise(canteen.purchase(holder, 300, manual=True))
    return holder


async def offline_history(canteen: Canteen) -> None:
    """A code taken by two tills without a network, of a holder who has too little."""
    stall, holder = Stall(canteen), await canteen.holder(300)
    text = stall.show(await stall.phone(holder))
    for terminal_no in TILLS:
        await stall.upload(stall.lane(terminal_no).write(text, 500))


async def test_honest_books_of_offline_tills_break_nothing(canteen: Canteen) -> None:
    await offline_history(canteen)
    assert await canteen.broken() == {}


async def test_honest_books_break_nothing(canteen: Canteen) -> None:
    holder = await history(canteen)
    assert await canteen.funds(holder) == (1350, 1050)
    assert await canteen.broken() == {}


def test_every_invariant_has_its_planted_breach() -> None:
    assert [invariant.id for invariant in PROOF] == list(PLANTED)


@pytest.mark.parametrize("id_", PLANTED)
async def test_a_planted_breach_is_found(
    canteen: Canteen, database_dsn: DatabaseDsn, id_: str
) -> None:
    await (offline_history(canteen) if id_.startswith("I20") else history(canteen))
    owner = await asyncpg.connect(database_dsn.owner)
    try:
        await owner.execute("SELECT set_config('app.school', '7', false)")
        assert (await owner.execute(PLANTED[id_])).split()[-1] == "1"
    finally:
        await owner.close()
    found = {f.invariant.id: f for f in await canteen.findings() if f.count}
    assert id_ in found
    assert found[id_].count == len(found[id_].witnesses) == 1
    assert json.loads(found[id_].witnesses[0])


async def test_ten_witnesses_stand_for_all(canteen: Canteen, database_dsn: DatabaseDsn) -> None:
    holder = await canteen.holder(2000)
    for _ in range(12):
        await canteen.authorise(canteen.purchase(holder, 10))
    owner = await asyncpg.connect(database_dsn.owner)
    try:
        await owner.execute("SELECT set_config('app.school', '7', false)")
        await owner.execute("DELETE FROM code_use")
    finally:
        await owner.close()
    (finding,) = [f for f in await canteen.findings() if f.count]
    assert (finding.invariant.id, finding.count, len(finding.witnesses)) == ("I13", 12, 10)


async def test_an_audit_row_of_cash_that_nobody_took_is_found(
    canteen: Canteen, database_dsn: DatabaseDsn
) -> None:
    owner = await asyncpg.connect(database_dsn.owner)
    try:
        await owner.execute("SELECT set_config('app.school', '7', false)")
        await owner.execute(
            "INSERT INTO audit_event (school_id, id, occurred_at, actor_kind, actor_id, act,"
            " subject, reason, facts, key_id, mac) SELECT school_id, id, '2026-01-01', 'STAFF',"
            " 's', 'top_up.cash', 'cardholder:x', '', '{}', 1, decode(repeat('00', 32), 'hex')"
            " FROM merchant LIMIT 1"
        )
    finally:
        await owner.close()
    (finding,) = [f for f in await canteen.findings() if f.count]
    assert (finding.invariant.id, finding.count) == ("I22 cash", 1)
