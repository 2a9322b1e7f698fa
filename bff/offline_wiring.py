"""What answers tills that had no network, and the documents they go by."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bff.paying import purses_by
from bff.pushing import PushingRecords
from bff.school_keys import SchoolKeyring
from core.authorisation.service.bundles import Bundles
from core.entry.service.doors import Doors
from core.entry.service.rights import CardRights
from core.kit.clock import Clock
from core.school.service import DenyList, Documents, Operators, Schools, Terminals
from core.settlement.service import Batches
from schema.feed import Feed
from terminals.payments import Terms
from terminals.publisher import Publisher
from terminals.uploads import Uploads


@dataclass(frozen=True, slots=True)
class OfflineServices:
    """Uploads, closes and documents."""

    documents: Documents
    publisher: Publisher
    uploads: Uploads
    batches: Batches

    @classmethod
    def over(
        cls,
        records: Bundles,
        batches: Batches,
        documents: Documents,
        deny: DenyList,
        rights: CardRights,
        doors: Doors,
        schools: Schools,
        terminals: Terminals,
        operators: Operators,
        keyring: SchoolKeyring,
        terms: Callable[[int], Awaitable[Terms]],
        feed: Feed,
        clock: Clock,
    ) -> "OfflineServices":
        """The services over those of the core; the holder hears of what was paid."""
        publisher = Publisher(
            documents, deny, rights, doors.list_all, schools, terminals, operators,
            keyring.documents,
            purses_by,
            keyring.pin_public_key,
        )  # fmt: skip
        told, keys = PushingRecords(records, feed), keyring.for_payments
        uploads = Uploads(told, batches, publisher.parameters, terms, keys, clock)
        return cls(documents, publisher, uploads, batches)
