"""Use cases of printed merchant codes: issue, revoke, and counting what is paid by them."""

from uuid import UUID

from core.audit.records import Actor
from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.school.records import (
    DeviceClass,
    Merchant,
    MerchantUnknown,
    PrintedCode,
    PrintUnknown,
    SchoolUnknown,
    SiteUnknown,
    Terminal,
    TerminalState,
)
from core.school.store import prints as store
from core.school.store import schools as school_store
from core.school.store import terminals as terminal_store

SCENES = ("SHOP",)
"""What a virtual terminal serves: whoever pays by a print is never shown to it."""


class Prints:
    """The printed codes of merchants (codes.md 5), each revocable alone.

    The codes themselves are signed by whoever prints them: this is their registry.
    """

    def __init__(self, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit

    async def issue(
        self,
        school_id: int,
        merchant_number: int,
        site_number: int | None,
        amount_minor: int,
        kid: int,
        by: Actor,
    ) -> PrintedCode:
        """Registers the next print of a merchant; `amount_minor` is fen, 0: the payer types it.

        `kid` is that of the ANSWER key that will sign it. The merchant's first print registers
        their virtual terminal, at this site; None: the school's first.
        Raises: SchoolUnknown, MerchantUnknown, SiteUnknown.
        """

        async def work(unit: Unit) -> PrintedCode:
            if not await school_store.lock_school(unit):
                raise SchoolUnknown("schoolId")
            merchant = await _merchant(unit, merchant_number)
            terminal_no = await store.find_virtual(unit, merchant.id)
            if terminal_no is None:
                terminal_no = await self._open_terminal(unit, merchant.id, site_number)
            number = await store.next_number(unit, terminal_no)
            # Codes tell whole seconds, and the same row must make the same code again.
            now = self._clock.now().replace(microsecond=0)
            printed = PrintedCode(terminal_no, number, amount_minor, kid, now, None)
            await store.insert(unit, printed)
            await self._note(unit, by, "issue", merchant, printed)
            return printed

        return await self._database.unit(school_id, work)

    async def revoke(
        self, school_id: int, merchant_number: int, number: int, by: Actor
    ) -> PrintedCode:
        """Ends a merchant's print: nothing is paid by it from now on. Again: the same.

        Raises: MerchantUnknown, PrintUnknown.
        """

        async def work(unit: Unit) -> PrintedCode:
            merchant = await _merchant(unit, merchant_number)
            found = await _print(unit, merchant, number)
            if await store.revoke(unit, found.terminal_no, number, self._clock.now()):
                await self._note(unit, by, "revoke", merchant, found)
            return await _print(unit, merchant, number)

        return await self._database.unit(school_id, work)

    async def get(self, school_id: int, merchant_number: int, number: int) -> PrintedCode:
        """A merchant's print. Raises: MerchantUnknown, PrintUnknown."""

        async def work(unit: Unit) -> PrintedCode:
            return await _print(unit, await _merchant(unit, merchant_number), number)

        return await self._database.unit(school_id, work)

    async def list_all(self, school_id: int, merchant_number: int) -> list[PrintedCode]:
        """The prints of a merchant, revoked ones too. Raises: MerchantUnknown."""

        async def work(unit: Unit) -> list[PrintedCode]:
            merchant = await _merchant(unit, merchant_number)
            return await store.list_of_merchant(unit, merchant.id)

        return await self._database.unit(school_id, work)

    async def find(self, school_id: int, terminal_no: int, number: int) -> PrintedCode | None:
        """A print, revoked or not."""
        return await self._database.unit(
            school_id, lambda unit: store.find(unit, terminal_no, number)
        )

    async def count_payment(self, unit: Unit, terminal_no: int, number: int) -> int | None:
        """The number of a print's next payment, within the unit that pays; None: it is over.

        Payments by one print take turns from here to the end of their units, and a revocation
        takes its turn among them.
        """
        return await store.count_payment(unit, terminal_no, number)

    async def _open_terminal(self, unit: Unit, merchant_id: UUID, site_number: int | None) -> int:
        sites = [site.number for site in await school_store.list_sites(unit)]
        if site_number is None and sites:
            site_number = sites[0]
        if site_number is None or site_number not in sites:
            raise SiteUnknown("siteNumber")
        number = await terminal_store.next_number(unit)
        facts = TerminalState.ACTIVE, DeviceClass.VIRTUAL, SCENES
        terminal = Terminal(number, merchant_id, site_number, *facts, None, None, None)
        await terminal_store.insert(unit, terminal, self._clock.now())
        return number

    async def _note(
        self, unit: Unit, by: Actor, act: str, merchant: Merchant, printed: PrintedCode
    ) -> None:
        facts = {"merchant_number": merchant.number, "amount_minor": printed.amount_minor}
        subject = f"print:{printed.terminal_no}.{printed.number}"
        await self._audit.append(unit, by, f"print.{act}", subject, facts)


async def _merchant(unit: Unit, number: int) -> Merchant:
    found = await school_store.find_merchant(unit, number)
    if found is None:
        raise MerchantUnknown("merchantNumber")
    return found


async def _print(unit: Unit, merchant: Merchant, number: int) -> PrintedCode:
    terminal_no = await store.find_virtual(unit, merchant.id)
    found = None if terminal_no is None else await store.find(unit, terminal_no, number)
    if found is None:
        raise PrintUnknown("number")
    return found
