"""Everything that SQL can prove of a school's books, over all contexts."""

from core.authorisation.service import INVARIANTS as PURCHASES
from core.card.service.kiosk import INVARIANTS as KIOSKS
from core.db.outbox import INVARIANTS as INTENTS
from core.entry.service.passages import INVARIANTS as PASSAGES
from core.ledger.service import INVARIANTS as BOOKS
from core.top_up.service import INVARIANTS as TOP_UPS
from core.utility.service.meters import INVARIANTS as METERS

PROOF = (*BOOKS, *PURCHASES, *TOP_UPS, *KIOSKS, *PASSAGES, *METERS, *INTENTS)
