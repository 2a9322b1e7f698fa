"""Use cases of the reserve: money set aside with a slot's passes, which offline records take first.

It lowers what an unlocked phone with an empty account can cost the school (codes.md 13). A purchase
made in the slot's last hour may come a day later, so the reserve stays until the slot's records are
due, not only until its end.
"""

from datetime import date
from uuid import UUID

from core.authorisation.store import reserve as store
from core.db.unit import Database, Unit
from core.kit.clock import Clock, business_day, unix_seconds
from core.kit.ids import Ids
from core.ledger.records import Posting, Purse
from core.ledger.service import Ledger
from core.limit.service import Limits
from core.school.policy import PolicyOf

_HOUR_SECONDS = 3_600


class Reserves:
    """What is set aside, and given back."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        limits: Limits,
        policy_of: PolicyOf,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._limits = limits
        self._policy_of = policy_of
        self._clock = clock
        self._ids = ids

    async def lock(self, unit: Unit, cardholder_id: UUID) -> None:
        """Takes the cardholder's money lock, first of all locks, within a unit that sets aside.

        Raises: CardholderUnknown.
        """
        await self._limits.lock(unit, cardholder_id)

    async def set_aside(
        self, unit: Unit, cardholder_id: UUID, cap_tag: int, amount_minor: int, day: date
    ) -> bool:
        """Moves a slot's reserve (fen) out of MAIN; whether the slot has one, now or since before.

        The caller holds the money lock. All of it or nothing: false if MAIN holds less.
        """
        if await store.find(unit, cap_tag) is not None:
            return True
        main, reserve = await self._purses(unit, cardholder_id)
        if main.available_minor < amount_minor:
            return False
        posting = Posting(
            self._ids.new(), "RESERVE_SET_ASIDE", main.account_id, reserve, amount_minor
        )
        await self._ledger.post(unit, [posting], day)
        await store.put(unit, cap_tag, amount_minor)
        return True

    async def give_back(self, school_id: int) -> int:
        """Returns what ended slots left, and refunds that came to a reserve; of how many holders.

        Called by the worker; again changes nothing.
        """
        policy = await self._policy_of(school_id)
        due = policy.terminal.upload_due_hours * _HOUR_SECONDS
        now = self._clock.now()
        ended_before, day = unix_seconds(now) - due, business_day(now, policy.day.zone)
        owners = await self._database.unit(
            school_id, lambda unit: store.list_due(unit, ended_before)
        )
        for owner in owners:

            async def work(unit: Unit, owner: UUID = owner) -> None:
                await self._limits.lock(unit, owner)
                needed = await store.end(unit, owner, ended_before)
                found = await self._ledger.balances_in(unit, owner)
                purse = next(each for each in found.purses if each.kind == "RESERVE")
                rest = purse.available_minor - needed
                if rest > 0:
                    main = await self._ledger.purse(unit, owner, "MAIN")
                    assert main is not None  # opened with the cardholder
                    posting = Posting(
                        self._ids.new(), "RESERVE_RETURN", purse.account_id, main, rest
                    )
                    await self._ledger.post(unit, [posting], day)

            await self._database.unit(school_id, work)
        return len(owners)

    async def _purses(self, unit: Unit, cardholder_id: UUID) -> tuple[Purse, UUID]:
        found = await self._ledger.balances_in(unit, cardholder_id)
        main = next(each for each in found.purses if each.kind == "MAIN")
        return main, await self._ledger.open_account(unit, cardholder_id, "RESERVE")
