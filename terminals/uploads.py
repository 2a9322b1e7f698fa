"""Uploads of offline records: from the items of one request to one verdict each."""

from asyncio import sleep
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

from core.authorisation.bundles import Filed
from core.authorisation.offline import Claim, Judgement, Reason, Settled, Verdict
from core.authorisation.records import Key
from core.kit.clock import Clock, business_day, from_unix
from core.kit.money import CURRENCY
from terminals import cc1
from terminals.answers import signing
from terminals.codes import CodeRefusal, Instrument, Use, strip
from terminals.funding import RESERVE
from terminals.message import BusinessFields, RequestKey
from terminals.offline import Item, Linked, RecordKind, is_well_formed, link_all
from terminals.parameters import Parameters
from terminals.payments import SchoolKeys, Terms, Till
from terminals.taps import ChipCheck, Tap, identifier_only
from terminals.verdicts import Case, judge

TEXT_MAXIMUM = 1_000
"""Characters of a text that a record may prove; the longest code has 279."""
AT_ONCE = 8
"""Records whose signatures are verified before anybody else is served: about a millisecond."""


class Records(Protocol):
    """The core's offline records."""

    def settle(
        self, school_id: int, filed: Sequence[Filed], purses: Sequence[str]
    ) -> AsyncIterator[list[Settled]]:
        """Judges records one after the other, and moves their money; what it told stands."""
        ...


class Batches(Protocol):
    """The core's batches."""

    async def adjust(self, school_id: int, terminal_no: int, batch_no: int) -> None:
        """Adds to a closed batch what came after its close."""
        ...


class Uploads:
    """Answers `offlineBatchUpload`; sending the same again changes nothing."""

    def __init__(
        self,
        records: Records,
        batches: Batches,
        parameters: Callable[[int, int], Awaitable[Parameters | None]],
        terms: Callable[[int], Awaitable[Terms]],
        keys: Callable[[int], SchoolKeys],
        clock: Clock,
        chip_check: ChipCheck = identifier_only,
    ) -> None:
        self._records = records
        self._batches = batches
        self._parameters = parameters
        self._terms = terms
        self._keys = keys
        self._clock = clock
        self._chip_check = chip_check

    async def answer(
        self, till: Till, batch_no: int, previous: bytes, items: Sequence[Item]
    ) -> list[Settled]:
        """The verdicts on the records of a batch, in seqNo order; a bad one stops no other.

        `previous` is the hash that the first item follows. Raises: DatabaseUnavailable; what was
        judged before stays judged, and hears the same when it is sent again.
        """
        fit = [item for item in items if _is_fit(item)]
        settled = [_unfit(item) for item in items if not _is_fit(item)]
        linked = link_all(previous, fit)
        if linked:
            terms = await self._terms(till.issuer)
            filed = await self._file(till, linked, terms.zone)
            async for some in self._records.settle(till.issuer, filed, (RESERVE, *terms.purses)):
                settled += some
        if settled:
            await self._batches.adjust(till.issuer, till.terminal_no, batch_no)
        return sorted(settled, key=lambda each: each.key.seq_no)

    async def _file(self, till: Till, linked: Sequence[Linked], zone: str) -> list[Filed]:
        """The records with all that no row changes: who signed them, and what their codes are.

        It is the dear part, so it is done before any lock is taken, and lets others go between.
        """
        signed, keys = set(), self._keys(till.issuer)
        async for each in _by_and_by(linked):
            if each.is_signed_by(till.registered_keys):
                signed.add(each.hash)
        versions = {each.item.record.parameters_version for each in linked}
        known = {version: await self._parameters(till.issuer, version) for version in versions}
        filed = []
        async for each in _by_and_by(linked):
            case = Case(
                linked=each,
                is_signed=each.hash in signed,
                now=self._clock.now(),
                public_keys=till.registered_keys,
                evidence=keys.evidence,
                parameters=known[each.item.record.parameters_version],
                siblings=signed,
                chip_check=self._chip_check,
            )
            filed.append(_filed(till, case, zone, keys))
        return filed


async def _by_and_by(linked: Sequence[Linked]) -> AsyncIterator[Linked]:
    """The records; between a few of them, others who are served have their turn."""
    for place, each in enumerate(linked, start=1):
        yield each
        if place % AT_ONCE == 0:
            await sleep(0)


def _is_fit(item: Item) -> bool:
    """Whether a record can be made of the item at all: only then can anything be proven of it."""
    record = item.record
    if not is_well_formed(record) or len(record.presented + record.challenge) > TEXT_MAXIMUM:
        return False
    try:
        record.packed()
    except ValueError:
        return False
    return True


def _unfit(item: Item) -> Settled:
    refused = Judgement(Verdict.REJECTED, Reason.RECORD_SIGNATURE)
    return Settled(Key(*item.record.key), refused, None)


def _filed(till: Till, case: Case, zone: str, keys: SchoolKeys) -> Filed:
    record = case.linked.item.record
    if record.kind == RecordKind.PURCHASE and case.is_signed and case.tap is None:
        _ = case.code  # verified here, and kept
    original = record.original_seq_no if record.kind == RecordKind.VOID else None
    named = None if original is None else record.key._replace(seq_no=original)
    return Filed(
        _claim(till, case, zone, keys.answer.kid),
        lambda known: judge(case, known),
        signing(keys.answers, named),
    )


def _claim(till: Till, case: Case, zone: str, answer_kid: int) -> Claim:
    linked, record = case.linked, case.linked.item.record
    scene = min(till.scenes, default="")
    kind, made_at = RecordKind(record.kind), from_unix(record.created_at)
    code = cc1.read(strip(record.presented)) if kind is RecordKind.PURCHASE else None
    own = None if isinstance(code, CodeRefusal) or code is None else code
    if own is not None and own.issuer != till.issuer:
        own = None  # another school's serial names nobody of ours
    original = record.original_seq_no if kind is RecordKind.VOID else None
    return Claim(
        key=Key(*record.key),
        kind=kind.name,
        record=linked.packed,
        record_hash=linked.hash,
        previous_hash=linked.previous,
        created_at=made_at,
        amount_minor=record.minor_amount,
        deny_version=record.deny_version,
        parameters_version=record.parameters_version,
        after_timeout=linked.item.after_timeout,
        presented=strip(record.presented),
        challenge=strip(record.challenge),
        signature=linked.item.signature,
        is_signed=case.is_signed,
        content_hash=_content(case, scene, original).content_hash(),
        instrument=_instrument(kind, case.tap),
        scene=scene,
        merchant_account_id=till.merchant_account_id,
        business_on=business_day(made_at, zone),
        answer_kid=answer_kid,
        original_seq_no=original,
        serial=None if own is None else own.serial,
        cap_tag=None if own is None else own.cap_tag,
        card_uid=case.tap.name if kind is RecordKind.PURCHASE and case.tap else None,
        replay_key=None if own is None else own.replay_key(Use.PAY),
    )


def _instrument(kind: RecordKind, tap: Tap | None) -> Instrument:
    """What pays; a receipt is for the terminal's own code, which a phone has scanned."""
    if kind is RecordKind.RECEIPT:
        return Instrument.CHALLENGE
    return Instrument.PRESENTATION if tap is None else Instrument.PHYSICAL_CARD


def _content(case: Case, scene: str, original: int | None) -> BusinessFields:
    """The online request of the same act: a late original meets the answer that is kept."""
    record = case.linked.item.record
    if original is not None:
        named = RequestKey(record.key.terminal_no, record.key.batch_no, original)
        return BusinessFields(operation="VOID", minor_amount=0, original=named)
    return BusinessFields(
        operation="AUTHORISE",
        presented=strip(record.presented),
        challenge=strip(record.challenge) or None,
        minor_amount=record.minor_amount,
        currency=CURRENCY,
        scene=scene,
        capture="IMMEDIATE",
    )
