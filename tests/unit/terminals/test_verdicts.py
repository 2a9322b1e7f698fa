"""The rule of verdicts where no row is needed: receipts, campus codes, keys that are taken."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.authorisation.offline import CodeUse, Flag, Known, PassFacts, Reason, Verdict
from core.authorisation.records import Answer, Authorisation, Key
from core.kit.clock import from_unix
from terminals import cc1, ccq, ccr
from terminals.cc1 import Flags, Intent, Kind
from terminals.ccq import Challenge, Purpose
from terminals.ccr import Outcome
from terminals.codes import CodeRefusal
from terminals.keys import Evidence, KeyRing
from terminals.message import RequestKey
from terminals.offline import Item, Linked, Record, RecordKind, first_link, link
from terminals.parameters import OfflineCap
from terminals.verdicts import Case, judge
from tests.factories.offline import PARAMETERS
from tests.unit.terminals import samples

KEY = RequestKey(42, 12, 345)
OWN = Key(42, 12, 345)
REFERENCE = "R" * 12
PAID = Authorisation(
    OWN, "CAPTURED", UUID(int=1), UUID(int=2), 1_250, 1_250, 0, (), REFERENCE, None
)
PASS = PassFacts(UUID(int=1), UUID(int=3), None, None)


def shown(created_at: int = samples.SHOWN, minor: int = 1_250) -> str:
    """The challenge that this terminal showed under this key."""
    made = Challenge(Purpose.PAY, 0, 1, KEY, created_at, 120, minor)
    return ccq.make(made, samples.sign_terminal).text


def case(
    presented: str, kind: RecordKind, minor: int = 1_250, asked: str = "", **changes: Any
) -> Case:
    """A record of the sample terminal, signed as far as this rule asks."""
    record = Record(0, KEY, kind, samples.SHOWN, minor, 7, 0, 1, presented, asked)
    previous = first_link(0, 42, 12)
    packed = record.packed()
    linked = Linked(Item(record, b""), packed, previous, link(previous, packed))
    made = Case(
        linked, True, from_unix(samples.SHOWN), {1: samples.public(samples.TERMINAL_SEED)},
        Evidence(samples.KEYS), PARAMETERS,
    )  # fmt: skip
    return replace(made, **changes)


def receipt(outcome: Outcome = Outcome.APPROVED, **changes: Any) -> str:
    """A phone's receipt for the challenge of this key."""
    answer = ccr.Answer(outcome, 0, 2, KEY, 1_250, samples.SHOWN, "00", REFERENCE)
    return ccr.make(answer._replace(**changes), samples.sign_answer)


def test_receipt_of_a_purchase_we_know_is_matched() -> None:
    for asked in ("", shown(), shown(samples.SHOWN - 135), shown(samples.SHOWN + 15)):
        known = Known(authorisation=PAID, operation="AUTHORISE")
        judgement = judge(case(receipt(), RecordKind.RECEIPT, asked=asked), known)
        assert judgement.verdict is Verdict.ACCEPTED
        assert judgement.flags == {Flag.ALREADY_POSTED}


@pytest.mark.parametrize("asked", [
    shown(samples.SHOWN - 136), shown(samples.SHOWN + 16), shown(minor=1_249), "CCQ:",
])  # fmt: skip
def test_receipt_from_outside_the_life_of_its_challenge_is_rejected(asked: str) -> None:
    for known in (Known(authorisation=PAID), Known()):
        judgement = judge(case(receipt(), RecordKind.RECEIPT, asked=asked), known)
        assert (judgement.verdict, judgement.reason) == (Verdict.REJECTED, "RECEIPT_EXPIRED")


def test_receipt_of_another_purchase_under_the_key_is_a_conflict() -> None:
    other = replace(PAID, retrieval_reference="S" * 12)
    judgement = judge(case(receipt(), RecordKind.RECEIPT), Known(authorisation=other))
    assert (judgement.verdict, judgement.reason) == (Verdict.REJECTED, Reason.KEY_CONFLICT)


def test_receipt_that_we_signed_and_do_not_know_is_paid_by_the_school() -> None:
    judgement = judge(case(receipt(), RecordKind.RECEIPT, asked=shown()), Known())
    assert (judgement.verdict, judgement.reason) == (Verdict.SUSPECT, Reason.RECEIPT_UNKNOWN)
    assert judgement.school_pays
    unasked = judge(case(receipt(), RecordKind.RECEIPT), Known())
    assert (unasked.verdict, unasked.reason) == (Verdict.REJECTED, "NOT_OUTSTANDING")


@pytest.mark.parametrize(("text", "reason"), [
    ("CCR:", "FORMAT"), (receipt(kid=1), "KEY_UNKNOWN"),
    (receipt(minor_amount=1), "AMOUNT_MISMATCH"),
    (receipt(key=RequestKey(42, 12, 346)), "NOT_OUTSTANDING"),
    (receipt(Outcome.DECLINED), "NOT_OUTSTANDING"),
    (receipt(key=RequestKey(43, 12, 345)), "NOT_MINE"),
])  # fmt: skip
def test_other_receipts_are_rejected(text: str, reason: str) -> None:
    judgement = judge(case(text, RecordKind.RECEIPT), Known())
    assert (judgement.verdict, judgement.reason) == (Verdict.REJECTED, reason)


def test_receipt_of_a_voided_purchase_is_a_conflict() -> None:
    known = Known(authorisation=replace(PAID, state="VOIDED"))
    assert judge(case(receipt(), RecordKind.RECEIPT), known).reason == Reason.KEY_CONFLICT


@pytest.mark.parametrize("known", [
    Known(operation="VOID"), Known(authorisation=PAID, operation="AUTHORISE"),
    Known(operation="AUTHORISE"), Known(authorisation=PAID),
])  # fmt: skip
def test_void_under_a_key_that_is_used_is_a_conflict(known: Known) -> None:
    judgement = judge(case("VOID:1", RecordKind.VOID), known)
    assert (judgement.verdict, judgement.reason) == (Verdict.REJECTED, Reason.KEY_CONFLICT)


@pytest.mark.parametrize(("outcome", "minor", "is_taken"), [
    ("DECLINED", 1_250, False), ("PIN_REQUIRED", 1_250, False), ("DECLINED", 1_249, True),
    ("VOIDED", 1_250, True), ("IN_PROGRESS", 1_250, True),
])  # fmt: skip
def test_only_a_decline_of_the_same_amount_gives_way(
    outcome: str, minor: int, is_taken: bool
) -> None:
    stored = Answer.bare(OWN, outcome, "00", minor, "R" * 12, 2, from_unix(samples.SHOWN))
    text = campus_code(Kind.VIRTUAL_CARD, Flags.PAY)
    known = Known(answer=stored, operation="AUTHORISE", pass_facts=pass_of(text))
    judgement = judge(case(text, RecordKind.PURCHASE), known)
    assert (judgement.reason == Reason.KEY_CONFLICT) is is_taken
    assert (Flag.OVERRODE_DECLINE in judgement.flags) is not is_taken


@pytest.mark.parametrize(("whose", "is_taken"), [
    (PASS.cardholder_id, False), (None, False), (UUID(int=9), True),
])  # fmt: skip
def test_only_a_decline_of_the_same_payer_gives_way(whose: UUID | None, is_taken: bool) -> None:
    stored = Answer.bare(OWN, "DECLINED", "51", 1_250, "R" * 12, 2, from_unix(samples.SHOWN))
    text = campus_code(Kind.VIRTUAL_CARD, Flags.PAY)
    known = Known(
        answer=replace(stored, cardholder_id=whose), operation="AUTHORISE", pass_facts=pass_of(text)
    )
    judgement = judge(case(text, RecordKind.PURCHASE), known)
    assert (judgement.reason == Reason.KEY_CONFLICT) is is_taken
    assert (Flag.OVERRODE_DECLINE in judgement.flags) is not is_taken


def campus_code(kind: Kind, flags: int) -> str:
    """A code shown at the instant of the record, good at site 1."""
    signed = cc1.issue_pass(
        issuer=0, kid=1, kind=kind, cap_tag=1, pass_no=1, not_before=samples.NOT_BEFORE, ttl=96,
        cap_class=1, flags=flags, mask=2, device_key=samples.public(samples.DEVICE_SEED),
        sign=samples.sign_pass,
    )  # fmt: skip
    return cc1.show(signed, 3_600, Intent.PAY, samples.sign_device)


def pass_of(text: str, **changes: Any) -> PassFacts:
    """The row of the pass that a code shows."""
    code = cc1.read(text)
    assert not isinstance(code, CodeRefusal)
    return replace(PassFacts(UUID(int=1), UUID(int=3), None, None, code.signed_pass), **changes)


@pytest.mark.parametrize(("held", "reason"), [
    (None, None), (samples.SHOWN - 1, None), (samples.SHOWN, "KEY_UNKNOWN"),
])  # fmt: skip
def test_pass_of_a_leaked_key_is_good_until_its_terminal_heard_of_it(
    held: int | None, reason: str | None
) -> None:
    text = campus_code(Kind.VIRTUAL_CARD, Flags.PAY)
    evidence = Evidence(samples.KEYS, {1: samples.SHOWN})
    held_since = None if held is None else from_unix(held)
    known = Known(pass_facts=pass_of(text), keys_published_at=held_since)
    assert judge(case(text, RecordKind.PURCHASE, evidence=evidence), known).reason == reason
    other = Evidence(samples.KEYS, {2: samples.SHOWN})
    assert judge(case(text, RecordKind.PURCHASE, evidence=other), known).reason is None


def test_pass_signed_over_the_serial_of_another_is_paid_by_the_school() -> None:
    text = campus_code(Kind.VIRTUAL_CARD, Flags.PAY)
    known = Known(pass_facts=pass_of(text, content=bytes(115)))
    judgement = judge(case(text, RecordKind.PURCHASE), known)
    assert (judgement.verdict, judgement.reason) == (Verdict.SUSPECT, Reason.PASS_UNKNOWN)
    assert judgement.school_pays


@pytest.mark.parametrize(("flags", "reason"), [
    (Flags.PAY, Reason.CAP_EXCEEDED), (Flags.PAY | Flags.WITHHOLD, None),
])  # fmt: skip
def test_campus_code_pays_offline_only_under_an_agreement(flags: int, reason: str | None) -> None:
    allowed = PARAMETERS.model_copy(update={"offline_instruments": ["CAMPUS"]})
    text = campus_code(Kind.CAMPUS_CODE, flags)
    asked = case(text, RecordKind.PURCHASE, parameters=allowed)
    assert judge(asked, Known(pass_facts=pass_of(text))).reason == reason


def test_reserved_code_is_not_used_yet() -> None:
    text, elsewhere = campus_code(Kind.VIRTUAL_CARD, Flags.PAY), Key(43, 1, 1)
    for is_reserved, verdict in ((True, Verdict.ACCEPTED), (False, Verdict.SUSPECT)):
        known = Known(pass_facts=pass_of(text), code_use=CodeUse(elsewhere, is_reserved))
        assert judge(case(text, RecordKind.PURCHASE), known).verdict is verdict


def test_without_its_parameters_a_record_is_stale_and_a_void_late_by_the_usual_day() -> None:
    text = campus_code(Kind.VIRTUAL_CARD, Flags.PAY)
    asked = case(text, RecordKind.PURCHASE, parameters=None)
    assert judge(asked, Known(pass_facts=pass_of(text))).reason == Reason.STALE_DOCUMENTS
    for after, flags in ((86_400, frozenset()), (86_401, {Flag.LATE})):
        now = from_unix(samples.SHOWN + after)
        undone = case("VOID:1", RecordKind.VOID, parameters=None, now=now)
        assert judge(undone, Known()).flags == flags


def test_unknown_pass_key_refuses_before_anything_is_asked_of_the_rows() -> None:
    text = campus_code(Kind.VIRTUAL_CARD, Flags.PAY)
    asked = case(text, RecordKind.PURCHASE, evidence=Evidence(KeyRing([])))
    assert judge(asked, Known(pass_facts=pass_of(text))).reason == "KEY_UNKNOWN"


def test_caps_of_the_document_bound_the_sum_of_all_records() -> None:
    caps = [OfflineCap(cap_class=1, amount_minor=2_000, count=2, total_minor=2_000)]
    bound = PARAMETERS.model_copy(update={"caps": caps})
    text = campus_code(Kind.VIRTUAL_CARD, Flags.PAY)
    for count, spent, reason in (
        (1, 750, None), (1, 751, Reason.CAP_EXCEEDED), (2, 0, Reason.CAP_EXCEEDED),
    ):  # fmt: skip
        known = Known(pass_facts=pass_of(text), spent_count=count, spent_minor=spent)
        assert judge(case(text, RecordKind.PURCHASE, parameters=bound), known).reason == reason
