"""Payments that tell the cardholder's devices once their answer stands."""

from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID

from core.authorisation.bundles import Filed
from core.authorisation.offline import Settled
from core.authorisation.records import (
    Answer,
    Continuation,
    FollowUp,
    Key,
    PurchaseRequest,
    ScanKey,
    Status,
)
from core.authorisation.service import Authorisations
from core.authorisation.service.bundles import Bundles
from core.authorisation.service.scans import Scans
from core.utility.records import Reading, Run
from core.utility.service.runs import Runs
from schema.feed import Feed, News

Sign = Callable[[Answer], str]


def tell(feed: Feed, school_id: int, answer: Answer) -> Answer:
    """The answer; a new one is news to the devices of its cardholder."""
    if answer.cardholder_id is not None and answer.verdict == "NEW":
        moved = answer.outcome in ("APPROVED", "VOIDED")
        news = (News.PAYMENT, News.BALANCE) if moved else (News.PAYMENT,)
        feed.tell(school_id, answer.cardholder_id, *news)
    return answer


class PushingPayments:
    """Implements `terminals.payments.Payments` and `ScanPayments`, with news of each new answer."""

    def __init__(self, payments: Authorisations, scans: Scans, feed: Feed) -> None:
        self._payments = payments
        self._scans = scans
        self._feed = feed

    async def authorise(
        self, school_id: int, purses: Sequence[str], request: PurchaseRequest, sign: Sign
    ) -> Answer:
        """Decides and posts a purchase."""
        answer = await self._payments.authorise(school_id, purses, request, sign)
        return self._told(school_id, answer)

    async def refuse(
        self, school_id: int, operation: str, content_hash: bytes, answer: Answer, sign: Sign
    ) -> Answer:
        """Stores a refusal."""
        kept = await self._payments.refuse(school_id, operation, content_hash, answer, sign)
        return self._told(school_id, kept)

    async def capture(self, school_id: int, follow: FollowUp, sign: Sign) -> Answer:
        """Posts a hold."""
        return self._told(school_id, await self._payments.capture(school_id, follow, sign))

    async def void(self, school_id: int, follow: FollowUp, sign: Sign) -> Answer:
        """Undoes a purchase."""
        return self._told(school_id, await self._payments.void(school_id, follow, sign))

    async def refund(
        self, school_id: int, follow: FollowUp, merchant_account_id: UUID, sign: Sign
    ) -> Answer:
        """Gives captured money back."""
        answer = await self._payments.refund(school_id, follow, merchant_account_id, sign)
        return self._told(school_id, answer)

    async def repeated_scan(self, school_id: int, own: ScanKey) -> Answer | None:
        """What a payer's key was answered before."""
        return await self._scans.repeated(school_id, own)

    async def pay_scan(
        self,
        school_id: int,
        purses: Sequence[str],
        own: ScanKey,
        key: Key,
        make: Callable[[Key], PurchaseRequest],
        sign: Sign,
    ) -> Answer:
        """Pays the code of a key; what is not kept is no news."""
        answer = await self._scans.pay(school_id, purses, own, key, make, sign)
        return answer if answer.signed_answer is None else self._told(school_id, answer)

    async def status(self, school_id: int, original: Key) -> Status:
        """What is known of a key."""
        return await self._payments.status(school_id, original)

    async def repeated(
        self, school_id: int, key: Key, content_hash: bytes, sign: Sign
    ) -> Answer | None:
        """The stored answer of a key that was used before."""
        return await self._payments.repeated(school_id, key, content_hash, sign)

    async def is_spent(self, school_id: int, replay_key: bytes) -> bool:
        """Whether a code was used."""
        return await self._payments.is_spent(school_id, replay_key)

    async def continuation(self, school_id: int, id_: UUID) -> Continuation | None:
        """The scan that waits for its PIN."""
        return await self._payments.continuation(school_id, id_)

    def _told(self, school_id: int, answer: Answer) -> Answer:
        return tell(self._feed, school_id, answer)


class PushingRuns:
    """Implements `terminals.meter_messages.Runs` by the core's, with news of each new answer."""

    def __init__(self, runs: Runs, feed: Feed) -> None:
        self._runs = runs
        self._feed = feed

    async def start(
        self, school_id: int, purses: Sequence[str], request: PurchaseRequest, run: Run, sign: Sign
    ) -> Answer:
        """Holds the maximum and begins."""
        answer = await self._runs.start(school_id, purses, request, run, sign)
        return tell(self._feed, school_id, answer)

    async def stop(self, school_id: int, follow: FollowUp, reading: Reading, sign: Sign) -> Answer:
        """Takes what ran and releases the rest."""
        return tell(self._feed, school_id, await self._runs.stop(school_id, follow, reading, sign))

    async def find(self, school_id: int, key: Key) -> Run | None:
        """What began under a key."""
        return await self._runs.find(school_id, key)


class PushingRecords:
    """Implements `terminals.uploads.Records` by the core's, with news of what was paid alone."""

    def __init__(self, records: Bundles, feed: Feed) -> None:
        self._records = records
        self._feed = feed

    async def settle(
        self, school_id: int, filed: Sequence[Filed], purses: Sequence[str]
    ) -> AsyncIterator[list[Settled]]:
        """Judges records."""
        async for settled in self._records.settle(school_id, filed, purses):
            for each in settled:
                if each.cardholder_id is not None and not each.judgement.school_pays:
                    self._feed.tell(school_id, each.cardholder_id, News.PAYMENT, News.BALANCE)
            yield settled
